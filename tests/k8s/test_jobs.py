"""Jobs end: retries, deadlines and what is counted as a failure."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from shazam.config import load_config
from shazam.errors import ExitCode
from shazam.stages import SOURCE_ROOT
from tests.k8s.manifests import RUNS, Manifest, named, needs_kubectl, rendered

pytestmark = needs_kubectl

# who submits a run whose gate failed would, tried again, find nothing new and end well
SUBMITTING = [ExitCode.REFUSED, ExitCode.CONFIGURATION]
LASTING = {"fetch": [ExitCode.CONFIGURATION], "run": SUBMITTING, "schedule": SUBMITTING}


def _jobs() -> dict[str, Manifest]:
    cronjob = named(rendered("schedule"), "CronJob", "shazam-retrain")
    return {
        "fetch": named(rendered("fetch"), "Job", "shazam-fetch")["spec"],
        "run": named(rendered("run"), "Job", "shazam-run")["spec"],
        "schedule": cronjob["spec"]["jobTemplate"]["spec"],
    }


@pytest.mark.parametrize("name", ["fetch", "run", "schedule"])
def test_disruptions_are_ignored_before_exit_codes_are_read(name: str) -> None:
    disruption, configuration, others = _jobs()[name]["podFailurePolicy"]["rules"]
    assert disruption == {
        "action": "Ignore",
        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
    }
    assert configuration["action"] == "FailJob"
    assert configuration["onExitCodes"]["operator"] == "In"
    assert configuration["onExitCodes"]["values"] == LASTING[name]
    assert others["action"] == "Count"
    assert others["onExitCodes"]["operator"] == "NotIn"
    assert others["onExitCodes"]["values"] == [0]


@pytest.mark.parametrize("name", ["fetch", "run", "schedule"])
def test_the_containers_that_the_failure_policy_names_exist(name: str) -> None:
    job = _jobs()[name]
    spec = job["template"]["spec"]
    there = {one["name"] for one in [*spec.get("initContainers", []), *spec["containers"]]}
    for rule in job["podFailurePolicy"]["rules"]:
        meant = rule.get("onExitCodes", {}).get("containerName")
        assert meant is None or meant in there


@pytest.mark.parametrize("name", ["fetch", "run", "schedule"])
def test_jobs_end(name: str) -> None:
    job = _jobs()[name]
    assert job["template"]["spec"]["restartPolicy"] == "Never"  # a pod failure policy asks for it
    assert 0 < job["backoffLimit"] <= 3
    assert job["activeDeadlineSeconds"] > 0
    assert job["ttlSecondsAfterFinished"] > 0


@pytest.mark.parametrize("name", ["run", "schedule"])
def test_who_submits_waits_as_long_as_the_orchestrator_may_take(name: str) -> None:
    for config in ("k8s.demo.yaml", "k8s.local.yaml", "k8s.yaml"):
        cluster = load_config(SOURCE_ROOT / "configs" / config, environment={}).config.cluster
        assert cluster is not None
        deadline_s = _jobs()[name]["activeDeadlineSeconds"]
        assert deadline_s >= cluster.steps.orchestrator.deadline_s


@pytest.mark.parametrize("folder", RUNS)
def test_the_run_takes_the_config_that_the_settings_name(folder: str) -> None:
    settings = named(rendered(folder), "ConfigMap", "shazam-settings")["data"]
    (main,) = _jobs()["run"]["template"]["spec"]["containers"]
    assert main["envFrom"] == [{"configMapRef": {"name": "shazam-settings"}}]
    assert main["args"] == ["shazam", "demo", "-c", "$(SHAZAM_RUN_CONFIG)", "-w", "/workspace"]
    path = PurePosixPath(settings["SHAZAM_RUN_CONFIG"]).relative_to("/opt/shazam")
    config = load_config(SOURCE_ROOT / path, environment={}).config
    assert config.demo is not None
    assert config.cluster is not None
    assert config.cluster.settings == "shazam-settings"


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
