"""Files of imported features that were replaced since a run."""

import numpy as np
import pytest

from shazam.cohort import load_cohort
from shazam.cohort.ingest import ingest_cohort
from shazam.config import load_config
from shazam.digest import digest_of_file
from shazam.errors import ArtifactError
from shazam.features.imports.feature_set import join_to_cohort
from shazam.features.imports.planned import planned_imports
from shazam.features.imports.publish import publish_import
from shazam.manifests import ImportManifest
from shazam.training.known_cases import known_cases
from shazam.upkeep.feature_files import imported_files, replaced_files
from shazam.workspace import Workspace
from tests.imported import CASES, counts, make


def feature_set(folder, workspace: Workspace) -> str:
    """Import the features of the folder and return the digest of their set."""
    config = load_config(folder / "imported.yaml").config
    cohort = ingest_cohort(config.cohort, imported=True, workspace=workspace)
    known = known_cases(load_cohort(workspace.open_ref(cohort)))
    refs = [
        publish_import(one, known=known, max_quarantine_fraction=0.0, workspace=workspace)
        for one in planned_imports(config.imported())
    ]
    joined = join_to_cohort(
        [workspace.read_manifest(ref, ImportManifest) for ref in refs],
        cohort=cohort,
        known=known,
        missing_teacher=config.imported().missing_teacher,
    )
    _, sha256 = workspace.write_manifest("validate_features", joined)
    return sha256


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files") / "my"
    make(folder)
    return folder


@pytest.fixture(scope="module")
def workspace(folder) -> Workspace:
    return Workspace(folder / "workspace")


@pytest.fixture(scope="module")
def first(folder, workspace) -> str:
    return feature_set(folder, workspace)


def test_the_files_of_a_run_are_told_by_teacher_and_name(folder, workspace, first):
    found = imported_files(first, workspace=workspace)
    assert found["cell_counts/counts.npz"] == {digest_of_file(folder / "counts.npz")}
    assert found["uni_v2/c03.h5"] == {digest_of_file(folder / "uni_v2" / "c03.h5")}
    assert len(found) == len(CASES) + 1


def test_a_later_import_does_not_blur_what_an_earlier_run_was_made_of(folder, workspace, first):
    before = imported_files(first, workspace=workspace)
    np.savez(folder / "counts.npz", counts=counts() + 1, case_id=np.array(CASES))
    second = feature_set(folder, workspace)
    assert imported_files(first, workspace=workspace) == before
    now = imported_files(second, workspace=workspace)
    assert replaced_files(before, now) == ("cell_counts/counts.npz",)
    assert replaced_files(before, before) == ()


def test_files_that_came_or_went_are_not_replaced():
    before, now = {"t/a": frozenset("1"), "t/b": frozenset("2")}, {"t/b": frozenset("2")}
    assert replaced_files(before, now) == replaced_files(now, before) == ()


def test_a_feature_set_that_is_gone_is_named(workspace, first):
    with pytest.raises(ArtifactError, match="missing from the workspace"):
        imported_files("0" * 64, workspace=workspace)
