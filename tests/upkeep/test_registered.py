"""The registered run that new data is compared with."""

from pathlib import Path

import pytest

from shazam.cohort import write_cohort
from shazam.config import Config
from shazam.config.cohort import CohortConfig
from shazam.config.extraction import ExtractionConfig
from shazam.digest import digest_of
from shazam.errors import ArtifactError
from shazam.evaluation.document import Asked
from shazam.evaluation.run_folder import publish_pages
from shazam.publish import publish_json
from shazam.refs import RegistrationRef
from shazam.upkeep.registered import last_registered
from shazam.workspace import Workspace
from tests.evaluation import made
from tests.evaluation.made_report import document
from tests.upkeep.made import BEFORE

MODEL = "demo"
TRAINED_ON, _ = made.survival_cohort()


def bundle(version: str) -> str:
    return digest_of(["bundle", version])


def register(workspace: Workspace, version: str, *, model: str = MODEL, **result: object) -> Path:
    """Write the folder of a run whose candidate became a version."""
    config = Config(
        cohort=CohortConfig(name=model),
        extraction=ExtractionConfig(teachers=("lite0", "lite1")),
        acceptance=made.ACCEPTANCE,
    )
    base = document()
    own = base.model_copy(
        update={
            "key": base.key.model_copy(update={"config": digest_of([model, version])}),
            "context": base.context.model_copy(update={"asked": Asked.of(config)}),
            "result": base.result.model_copy(update=result),
        }
    )
    folder = workspace.root / "runs" / digest_of(own.key)
    publish_pages(own, folder=folder)
    publish_json(folder / "metrics.json", own.result)
    publish_json(folder / "config.json", config)
    record = RegistrationRef(
        uri=workspace.uri(folder / "bundle.json"),
        sha256=bundle(version),
        model_name=model,
        version=version,
        bundle_sha256=bundle(version),
        alias=None,
    )
    publish_json(folder / "registration.json", record)
    return folder


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    workspace = Workspace(tmp_path)
    write_cohort(TRAINED_ON, workspace=workspace)
    write_cohort(BEFORE, workspace=workspace)
    return workspace


def found(workspace: Workspace, *versions: str, now: object = None) -> tuple[str | None, tuple]:
    last = last_registered(
        MODEL,
        now=now or made.survival_cohort(n_cases=30)[0],
        versions={version: bundle(version) for version in versions},
        workspace=workspace,
    )
    return last.run and last.run.version, last.elsewhere


def test_there_is_none_in_an_empty_workspace(workspace):
    assert found(workspace) == (None, ())
    assert found(workspace, "2", "10") == (None, ("2", "10"))


def test_the_newest_by_number_is_read_with_its_cohort_and_config(workspace):
    for version in ("9", "10"):
        register(workspace, version)
    last = last_registered(
        MODEL,
        now=BEFORE,
        versions={version: bundle(version) for version in ("9", "10")},
        workspace=workspace,
    )
    assert last.run is not None
    assert (last.run.version, last.elsewhere) == ("10", ())
    assert last.run.cohort == TRAINED_ON
    assert last.run.config.acceptance == made.ACCEPTANCE


def test_a_version_whose_run_lies_elsewhere_is_told(workspace):
    register(workspace, "3")
    assert found(workspace, "2", "3", "4", "12") == ("3", ("4", "12"))


def test_a_run_that_the_store_does_not_know_does_not_count(workspace):
    register(workspace, "3")
    register(workspace, "5", model="another")
    assert found(workspace, "2") == (None, ("2",))
    assert found(workspace, "2", "5") == (None, ("2", "5"))
    other = last_registered(MODEL, now=BEFORE, versions={"3": "f" * 64}, workspace=workspace)
    assert other.run is None


def test_a_run_without_its_record_does_not_count(workspace):
    register(workspace, "3")
    (register(workspace, "4") / "registration.json").unlink()
    assert found(workspace, "3", "4") == ("3", ("4",))


def test_a_version_of_the_cohort_as_it_is_now_comes_first(workspace):
    register(workspace, "3", cohort_sha256=BEFORE.digest)
    register(workspace, "4")
    assert found(workspace, "3", "4") == ("4", ())
    assert found(workspace, "3", "4", now=BEFORE) == ("3", ())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("config.json", r"config\.json: missing or altered"),
        ("metrics.json", r"metrics\.json: missing"),
        ("report.json", r"report\.json: missing"),
        ("registration.json", r"registration\.json: not the record"),
    ],
)
def test_a_file_that_is_gone_or_altered_is_named(workspace, name, message):
    folder = register(workspace, "3")
    if name == "registration.json":
        (folder / name).write_text("{}")
    else:
        (folder / name).unlink()
    with pytest.raises(ArtifactError, match=message):
        found(workspace, "3")


def test_an_altered_config_is_refused(workspace):
    path = register(workspace, "3") / "config.json"
    path.write_bytes(path.read_bytes().replace(b'"min_events":20', b'"min_events":10'))
    with pytest.raises(ArtifactError, match="missing or altered"):
        found(workspace, "3")


def test_a_cohort_that_is_gone_is_named(workspace):
    register(workspace, "3")
    (workspace.root / "cohorts" / TRAINED_ON.digest / "cohort.parquet").unlink()
    with pytest.raises(ArtifactError, match="the cohort of version 3 is missing"):
        found(workspace, "3")
