"""A run that is under way is followed by who submits the same again; an ended one is not."""

from __future__ import annotations

import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
from kubernetes.client import ApiException

from shazam.config import load_config
from shazam.errors import ExitCode, GateFailedError, ShazamError
from shazam.stages import SOURCE_ROOT

TAG = "submission-0123456789abcdef"
RUN = uuid.UUID(int=7)
WORKSPACE = Path("/workspace")
BY_ORCHESTRATOR = {"zenml.io/orchestrator": "1"}


@pytest.fixture(scope="module")
def following(embedded_stores):
    from shazam.integrations.kubernetes import following

    return following


def job(
    name: str, annotations: dict[str, str], *ended: str, deleted: str | None = None
) -> SimpleNamespace:
    conditions = [SimpleNamespace(type=kind, status="True") for kind in ended]
    return SimpleNamespace(
        metadata=SimpleNamespace(name=name, annotations=annotations, deletion_timestamp=deleted),
        status=SimpleNamespace(conditions=conditions or None),
    )


@pytest.fixture
def known(following, monkeypatch):
    """What ZenML and the cluster know: a run, newer ones that no job was made for, and jobs."""

    def make(*, jobs=(), n_newer: int = 0, is_there: bool = True):
        run = SimpleNamespace(id=RUN, name="training-1")
        newer = [SimpleNamespace(id=uuid.UUID(int=8 + n)) for n in range(n_newer)]
        runs = [*newer, run] if is_there else []

        def list_runs(*, tags, size, sort_by):
            assert (tags, sort_by) == ([TAG], "desc:created")
            return runs[:size]

        orchestrator = SimpleNamespace(
            get_kube_client=lambda: None, config=SimpleNamespace(kubernetes_namespace="shazam")
        )
        client = SimpleNamespace(
            list_pipeline_runs=list_runs,
            get_pipeline_run=lambda _: run,
            active_stack=SimpleNamespace(orchestrator=orchestrator),
        )

        def list_jobs(*, batch_api, namespace, label_selector):
            assert namespace == "shazam"
            return SimpleNamespace(items=list(jobs) if label_selector == f"run_id={RUN}" else [])

        monkeypatch.setattr(following, "Client", lambda: client)
        monkeypatch.setattr(following.kube_utils, "list_jobs", list_jobs)
        return run

    return make


def test_a_run_with_its_job_is_under_way(following, known):
    step, orchestrator = job("extract-1", {}), job("training-1", BY_ORCHESTRATOR)
    for n_newer in (0, 2):
        run = known(jobs=[step, orchestrator], n_newer=n_newer)
        assert following.under_way(TAG) == following.UnderWay(run, "training-1")


@pytest.mark.parametrize(
    "jobs",
    [
        [],  # collected, or deleted: nothing will go on
        [job("extract-1", {})],
        [job("training-1", BY_ORCHESTRATOR, "Failed")],
        [job("training-1", BY_ORCHESTRATOR, "Complete")],
        [job("training-1", BY_ORCHESTRATOR, deleted="2026-01-01T00:00:00Z")],
    ],
)
def test_nothing_else_is_under_way(following, known, jobs):
    known(jobs=jobs)
    assert following.under_way(TAG) is None


def test_without_a_run_of_the_tag_nothing_is_under_way(following, known):
    known(is_there=False)
    assert following.under_way(TAG) is None


def test_a_cluster_that_refuses_is_told(following, known, monkeypatch):
    known()

    def refused(**_):
        raise ApiException(status=401, reason="Unauthorized")

    monkeypatch.setattr(following.kube_utils, "list_jobs", refused)
    with pytest.raises(ShazamError, match=r"is it under way.* 401 Unauthorized.* token"):
        following.under_way(TAG)


def test_who_follows_waits_for_the_job(following, known, monkeypatch, capsys):
    waited = []
    monkeypatch.setattr(
        following.kube_utils, "wait_for_job_to_finish", lambda **given: waited.append(given)
    )
    run = known()
    assert following.follow(following.UnderWay(run, "training-1")) is run
    (given,) = waited
    assert (given["namespace"], given["job_name"]) == ("shazam", "training-1")
    assert "ImagePullBackOff" in given["fail_on_container_waiting_reasons"]
    assert "training-1: the same is under way, and is followed" in capsys.readouterr().err


FAILED = RuntimeError("Job `shazam:training-1` failed: BackoffLimitExceeded")
DELETED = ApiException(status=404, reason="Not Found")


@pytest.mark.parametrize(
    ("raised", "why", "kind", "code", "told"),
    [
        (FAILED, GateFailedError("gate"), GateFailedError, ExitCode.REFUSED, "gate"),
        (FAILED, None, ShazamError, ExitCode.FAILED, "training-1: Job `shazam:training-1` failed"),
        (DELETED, None, ShazamError, ExitCode.FAILED, "training-1: (404)"),
    ],
)
def test_a_failure_is_that_of_the_step(
    following, known, monkeypatch, raised, why, kind, code, told
):
    def failed(**_):
        raise raised

    monkeypatch.setattr(following.kube_utils, "wait_for_job_to_finish", failed)
    monkeypatch.setattr(following, "failure_of", lambda _: why)
    with pytest.raises(kind) as caught:
        following.follow(following.UnderWay(known(), "training-1"))
    assert caught.value.exit_code == code
    assert str(caught.value).startswith(told)


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


@pytest.mark.parametrize("is_under_way", [True, False])
def test_a_run_is_submitted_with_its_tag_or_followed(following, monkeypatch, is_under_way):
    from pipelines.training import training
    from shazam.integrations import placement

    config = load_config(SOURCE_ROOT / "configs" / "k8s.demo.yaml", environment={}).config
    calls = []

    class Placed:
        def with_options(self, *, tags):
            calls.append(tags)
            return lambda *_: "submitted"

    found = object() if is_under_way else None
    client = SimpleNamespace(active_stack_model=None)
    monkeypatch.setattr(placement, "Client", lambda: client)
    monkeypatch.setattr(placement, "orchestrator_of", lambda _: "kubernetes")
    monkeypatch.setattr(placement, "placed_pipeline", lambda *_: Placed())
    monkeypatch.setattr(following, "under_way", lambda tag: calls.append(tag) or found)
    monkeypatch.setattr(following, "follow", lambda asked: calls.append(asked) or "followed")
    told = placement.run_placed(training, config.cluster, config, "digest", {})
    assert calls[0].startswith("submission-")
    assert (told, calls[1]) == (("followed", found) if is_under_way else ("submitted", [calls[0]]))
