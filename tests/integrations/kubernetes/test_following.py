"""A run that is under way is followed by who submits the same again; an ended one is not."""

from __future__ import annotations

import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest

from shazam.config import load_config
from shazam.errors import ExitCode, GateFailedError, ShazamError
from shazam.stages import SOURCE_ROOT
from shazam.workspace import Workspace

TAG = "submission-0123456789abcdef"
RUN = uuid.UUID(int=7)
WORKSPACE = Path("/workspace")
BY_ORCHESTRATOR = {"zenml.io/orchestrator": "1"}


@pytest.fixture(scope="module")
def following(tmp_path_factory):
    from shazam.integrations.environment import prepare_environment

    with pytest.MonkeyPatch.context() as patch:
        for name in ("ZENML_CONFIG_PATH", "ZENML_STORE_URL", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        prepare_environment(Workspace(tmp_path_factory.mktemp("ws")))
        from shazam.integrations.kubernetes import following

        yield following


def job(name: str, annotations: dict[str, str], *ended: str) -> SimpleNamespace:
    conditions = [SimpleNamespace(type=kind, status="True") for kind in ended]
    return SimpleNamespace(
        metadata=SimpleNamespace(name=name, annotations=annotations),
        status=SimpleNamespace(conditions=conditions or None),
    )


@pytest.fixture
def known(following, monkeypatch):
    """What ZenML and the cluster know: a run that is finished or not, and jobs of it."""

    def make(*, finished: bool | None, jobs=()):
        run = SimpleNamespace(
            id=RUN, name="training-1", status=SimpleNamespace(is_finished=finished)
        )
        runs = [] if finished is None else [run]

        def list_runs(*, tags, size, sort_by):
            assert (tags, size, sort_by) == ([TAG], 1, "desc:created")
            return runs

        orchestrator = SimpleNamespace(
            get_kube_client=lambda: None, config=SimpleNamespace(kubernetes_namespace="shazam")
        )
        client = SimpleNamespace(
            list_pipeline_runs=list_runs,
            get_pipeline_run=lambda _: run,
            active_stack=SimpleNamespace(orchestrator=orchestrator),
        )

        def list_jobs(*, batch_api, namespace, label_selector):
            assert (namespace, label_selector) == ("shazam", f"run_id={RUN}")
            return SimpleNamespace(items=list(jobs))

        monkeypatch.setattr(following, "Client", lambda: client)
        monkeypatch.setattr(following.kube_utils, "list_jobs", list_jobs)
        return run

    return make


def test_a_run_with_its_job_is_under_way(following, known):
    step, orchestrator = job("extract-1", {}), job("training-1", BY_ORCHESTRATOR)
    run = known(finished=False, jobs=[step, orchestrator])
    assert following.under_way(TAG) == following.UnderWay(run, "training-1")


@pytest.mark.parametrize(
    ("finished", "jobs"),
    [
        (None, []),
        (True, [job("training-1", BY_ORCHESTRATOR)]),
        (False, []),  # collected, or deleted: nothing will go on
        (False, [job("extract-1", {})]),
        (False, [job("training-1", BY_ORCHESTRATOR, "Failed")]),
        (False, [job("training-1", BY_ORCHESTRATOR, "Complete")]),
    ],
)
def test_nothing_else_is_under_way(following, known, finished, jobs):
    known(finished=finished, jobs=jobs)
    assert following.under_way(TAG) is None


def test_who_follows_waits_for_the_job(following, known, monkeypatch, capsys):
    waited = []
    monkeypatch.setattr(
        following.kube_utils, "wait_for_job_to_finish", lambda **given: waited.append(given)
    )
    run = known(finished=False)
    assert following.follow(following.UnderWay(run, "training-1")) is run
    assert (waited[0]["namespace"], waited[0]["job_name"]) == ("shazam", "training-1")
    assert "training-1: the same is under way, and is followed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("why", "kind", "code"),
    [
        (GateFailedError("step evaluate: a gate failed"), GateFailedError, ExitCode.REFUSED),
        (None, ShazamError, ExitCode.FAILED),
    ],
)
def test_a_failure_is_that_of_the_step(following, known, monkeypatch, why, kind, code):
    def failed(**_):
        raise RuntimeError("Job `shazam:training-1` failed: BackoffLimitExceeded")

    monkeypatch.setattr(following.kube_utils, "wait_for_job_to_finish", failed)
    monkeypatch.setattr(following, "failure_of", lambda _: why)
    with pytest.raises(kind) as caught:
        following.follow(following.UnderWay(known(finished=False), "training-1"))
    assert caught.value.exit_code == code
    assert why is not None or "training-1: Job `shazam:training-1` failed" in str(caught.value)


def test_a_tag_is_that_of_what_would_be_done(following):
    from pipelines.training import training

    path = SOURCE_ROOT / "configs" / "k8s.demo.yaml"

    def tag(*overrides, source="digest", workspace=WORKSPACE, use_cache=True):
        config = load_config(path, overrides=overrides, environment={}).config
        pipeline = training.with_options(enable_cache=use_cache)
        arguments = (config, source, {"lite0": "a"})
        return following.submission_tag(pipeline, *arguments, workspace=workspace)

    other_image = "cluster.image=registry.example/shazam@sha256:" + "b" * 64
    tags = [
        tag(),
        tag(other_image),
        tag("training.max_epochs=7"),
        tag(source="other"),
        tag(workspace=Path("/other")),
        tag(use_cache=False),
    ]
    assert tag() == tags[0]
    assert len(set(tags)) == len(tags)
    assert all(one.startswith("submission-") and len(one) == 27 for one in tags)
