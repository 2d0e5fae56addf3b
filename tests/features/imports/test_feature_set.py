"""Imports of several teachers joined to the cases of a cohort."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from shazam.config.imports import (
    ImportsConfig,
    ImportTeacherConfig,
    MissingTeacher,
    MissingValues,
    StoredDtype,
)
from shazam.errors import CohortError, ConfigError, QuarantineExceededError
from shazam.features.bag_files import Reading
from shazam.features.bags import load_bags
from shazam.features.imports.feature_set import join_to_cohort
from shazam.features.imports.planned import planned_import
from shazam.features.imports.publish import KnownCases, publish_import
from shazam.features.stored_bags import open_bags
from shazam.manifests import FeatureSetManifest, ImportManifest
from shazam.refs import CohortRef
from shazam.workspace import Workspace
from tests.features.imports.made import features

COHORT = CohortRef(uri="cohorts/x", sha256="0" * 64, n_cases=4, n_slides=0)
CASES = ("a", "b", "c", "d")
KNOWN = KnownCases(case_ids=frozenset(CASES), by_slide={"slide": "d"})


class Imports:
    """Imports into one workspace, one teacher after the other."""

    def __init__(self, folder: Path, **policies: object) -> None:
        self.folder = folder
        self.workspace = Workspace(folder / "workspace")
        self.policies = policies
        self.manifests: list[ImportManifest] = []

    def add(
        self, name: str, array: np.ndarray, ids: tuple[str, ...] = CASES, *, fraction: float = 0.0
    ) -> ImportManifest:
        path = self.folder / f"{name}.npz"
        np.savez(path, X=array, name=np.array(ids))
        teacher = ImportTeacherConfig(name=name, paths=(path,), arrays=("X",), ids="name")
        imports = ImportsConfig(teachers=(teacher,), **self.policies)
        ref = publish_import(
            planned_import(teacher, imports=imports),
            known=KNOWN,
            max_quarantine_fraction=fraction,
            workspace=self.workspace,
        )
        self.manifests.append(self.workspace.read_manifest(ref, ImportManifest))
        return self.manifests[-1]

    def joined(
        self, missing: MissingTeacher = MissingTeacher.REFUSE, known: KnownCases | None = None
    ) -> FeatureSetManifest:
        return join_to_cohort(
            self.manifests, cohort=COHORT, known=known or KNOWN, missing_teacher=missing
        )


@pytest.fixture
def imports(tmp_path) -> Imports:
    return Imports(tmp_path)


def test_two_teachers_make_a_feature_set_of_the_same_cases(imports):
    imports.add("uni", features())
    imports.add("hop", features(dim=2, seed=1))
    joined = imports.joined()
    assert joined.case_ids() == CASES
    assert [entry.case_id for entry in joined.features[1]] == list(CASES)
    assert joined.quarantine == ()


def test_features_without_a_case_and_cases_without_features_are_named(imports):
    ids = ("a", "b", "slide", "stranger")
    manifest = imports.add("uni", features(), ids, fraction=0.5)
    assert [(e.slide_id, e.reason) for e in manifest.quarantine] == [("stranger", "no_case")]
    joined = imports.joined()
    assert joined.case_ids() == ("a", "b", "d")
    assert [(e.slide_id, e.reason) for e in joined.quarantine] == [
        ("c", "no_features"),
        ("stranger", "no_case"),
    ]
    with pytest.raises(QuarantineExceededError, match="stranger"):
        imports.add("uni", features(), ids)


def test_features_of_no_case_at_all_are_a_mistake_of_names(imports):
    with pytest.raises(CohortError, match="no features belong to a case of the table"):
        imports.add("uni", features(), ("w", "x", "y", "z"))


def test_a_case_that_lacks_a_teacher_is_refused_by_name(imports):
    imports.add("uni", features())
    imports.add("hop", features()[:3], CASES[:3])
    with pytest.raises(CohortError, match="case 'd' lacks teacher hop"):
        imports.joined()


def test_a_case_of_which_every_teacher_lacks_a_slide_is_refused_by_name(imports):
    imports.add("uni", features())
    imports.add("hop", features(seed=1), ("a", "b", "c", "slide"))
    with pytest.raises(CohortError, match=r"lacks a slide of case 'd' \(d, slide\)"):
        imports.joined(MissingTeacher.MASK)


def test_a_teacher_listed_twice_is_refused(imports):
    imports.add("uni", features())
    imports.add("uni", features())
    with pytest.raises(ConfigError, match="one import for each teacher"):
        imports.joined()


@pytest.mark.parametrize("opened", [False, True])
def test_a_masked_teacher_is_zeros_and_marked_in_memory_and_on_disk(imports, opened):
    imports.add("uni", features())
    imports.add("hop", features(dim=2, seed=1)[1:], CASES[1:])
    joined = imports.joined(MissingTeacher.MASK)
    load = open_bags if opened else load_bags
    bags = load(
        joined,
        workspace=imports.workspace,
        teachers=("hop", "uni"),
        levels=None,
        reading=Reading.of(joined),
    )
    assert bags.case_ids == CASES
    assert bags.present["hop"].tolist() == [False, True, True, True]
    assert "uni" not in bags.present
    chosen = bags.select([2, 0])
    assert chosen.present["hop"].tolist() == [True, False]
    assert chosen.levels["hop", "high"][1].tolist() == [0.0, 0.0]
    half = torch.from_numpy(features(dim=2, seed=1)[2]).half()
    assert torch.equal(chosen.levels["hop", "high"][0], half)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "1 NaN, 0 Inf, 0 beyond; NaN in 1 columns; missing_values: impute"),
        (np.inf, "0 NaN, 1 Inf, 0 beyond"),
        (1e5, "0 NaN, 0 Inf, 1 beyond; dtype: float32"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_teacher_case_level_and_option(
    imports, value, message
):
    array = features()
    array[1, 2] = value
    with pytest.raises(QuarantineExceededError) as raised:
        imports.add("uni", array)
    assert "case 'b', teacher 'uni': level high" in str(raised.value)
    assert message in str(raised.value)


def test_nan_and_great_values_are_kept_where_that_is_asked(tmp_path):
    imports = Imports(tmp_path, dtype=StoredDtype.FLOAT32, missing_values=MissingValues.IMPUTE)
    array = features()
    array[1, 2], array[0, 0] = np.nan, 1e7
    imports.add("uni", array)
    joined = imports.joined()
    assert joined.missing_values is MissingValues.IMPUTE
    bags = load_bags(
        joined,
        workspace=imports.workspace,
        teachers=("uni",),
        levels=None,
        reading=Reading.of(joined),
    )
    np.testing.assert_array_equal(bags.levels["uni", "high"].numpy(), array)
    array[3, 0] = -np.inf
    with pytest.raises(QuarantineExceededError, match="0 NaN, 1 Inf"):
        imports.add("other", array)


def test_files_that_changed_since_the_run_began_are_refused(imports):
    path = imports.folder / "uni.npz"
    np.savez(path, X=features(), name=np.array(CASES))
    teacher = ImportTeacherConfig(name="uni", paths=(path,), arrays=("X",), ids="name")
    planned = planned_import(teacher, imports=ImportsConfig(teachers=(teacher,)))
    digest = planned.source_digest()
    planned.check_unchanged(digest)
    np.savez(path, X=features(seed=9), name=np.array(CASES))
    with pytest.raises(ConfigError, match="changed since the run began"):
        planned.check_unchanged(digest)


def test_a_slide_of_the_table_without_features_is_named_unless_its_case_has_them_as_a_whole(
    imports,
):
    imports.add("uni", features(), ("a", "b", "c", "slide"))
    slides = {"slide": "d", "second": "d", "of a": "a"}
    joined = imports.joined(known=KnownCases(case_ids=frozenset(CASES), by_slide=slides))
    assert [(e.slide_id, e.reason) for e in joined.quarantine] == [("second", "no_features")]
