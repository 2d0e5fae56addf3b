"""Jobs end: retries, deadlines and what is counted as a failure."""

from __future__ import annotations

import pytest

from shazam.errors import ExitCode
from tests.k8s.manifests import Manifest, named, needs_kubectl, rendered

pytestmark = needs_kubectl


def _jobs() -> dict[str, Manifest]:
    cronjob = named(rendered("schedule"), "CronJob", "shazam-retrain")
    return {
        "fetch": named(rendered("fetch"), "Job", "shazam-fetch")["spec"],
        "schedule": cronjob["spec"]["jobTemplate"]["spec"],
    }


@pytest.mark.parametrize("name", ["fetch", "schedule"])
def test_disruptions_are_ignored_before_exit_codes_are_read(name: str) -> None:
    disruption, configuration, others = _jobs()[name]["podFailurePolicy"]["rules"]
    assert disruption == {
        "action": "Ignore",
        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
    }
    assert configuration["action"] == "FailJob"
    assert configuration["onExitCodes"]["operator"] == "In"
    assert configuration["onExitCodes"]["values"] == [ExitCode.CONFIGURATION]
    assert others["action"] == "Count"
    assert others["onExitCodes"]["operator"] == "NotIn"
    assert others["onExitCodes"]["values"] == [0]


@pytest.mark.parametrize("name", ["fetch", "schedule"])
def test_the_containers_that_the_failure_policy_names_exist(name: str) -> None:
    job = _jobs()[name]
    spec = job["template"]["spec"]
    there = {one["name"] for one in [*spec.get("initContainers", []), *spec["containers"]]}
    for rule in job["podFailurePolicy"]["rules"]:
        meant = rule.get("onExitCodes", {}).get("containerName")
        assert meant is None or meant in there


@pytest.mark.parametrize("name", ["fetch", "schedule"])
def test_jobs_end(name: str) -> None:
    job = _jobs()[name]
    assert job["template"]["spec"]["restartPolicy"] == "Never"  # a pod failure policy asks for it
    assert 0 < job["backoffLimit"] <= 3
    assert job["activeDeadlineSeconds"] > 0
    assert job["ttlSecondsAfterFinished"] > 0


def test_the_schedule_waits_until_it_is_wanted() -> None:
    spec = named(rendered("schedule"), "CronJob", "shazam-retrain")["spec"]
    assert spec["suspend"] is True
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["startingDeadlineSeconds"] >= 600
    assert spec["timeZone"] == "Etc/UTC"
    assert 1 <= spec["successfulJobsHistoryLimit"] <= 10
    assert 1 <= spec["failedJobsHistoryLimit"] <= 10


def test_the_schedule_runs_a_command_that_exists() -> None:
    from typer.testing import CliRunner

    from shazam.cli.main import app

    (main,) = _jobs()["schedule"]["template"]["spec"]["containers"]
    program, command, *options = main["args"]
    assert (program, command) == ("shazam", "retrain")
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).output
    for option in (one for one in options if one.startswith("-")):
        assert option in shown


def test_the_fetch_locks_and_verifies_the_same_file() -> None:
    spec = _jobs()["fetch"]["template"]["spec"]
    (fetch,), (verify,) = spec["initContainers"], spec["containers"]
    lock = ["--lock", "/weights/teachers.lock.yaml"]
    assert fetch["args"][:5] == ["shazam", "teachers", "fetch", *lock]
    assert verify["args"] == ["shazam", "teachers", "verify", *lock]
    assert fetch["args"][5:]  # at least one teacher
