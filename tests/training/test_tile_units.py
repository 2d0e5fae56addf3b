"""Tiles as units: labels of their own or of their case, and cases that are never divided."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from shazam.cohort import load_cohort, make_splits
from shazam.cohort.folds import check_splits
from shazam.cohort.model import Case, Cohort
from shazam.config.cohort import Task
from shazam.config.imports import MissingTeacher
from shazam.config.splits import SplitsConfig
from shazam.errors import ArtifactError, CohortError, LeakError
from shazam.evaluation.bootstrap import bootstrap_counts
from shazam.evaluation.truth import truth_of_cases
from shazam.features.bag_files import Reading
from shazam.features.bags import load_bags
from shazam.features.imports.bag import ImportOptions
from shazam.features.imports.bags import find_bags
from shazam.features.imports.feature_set import join_to_cohort
from shazam.features.imports.importing import import_bags
from shazam.features.imports.publish import KnownCases
from shazam.features.imports.sources import find_files
from shazam.features.imports.teacher import ImportedTeacher
from shazam.features.stored_bags import open_bags
from shazam.manifests import FeatureSetManifest
from shazam.progress import silent
from shazam.refs import CohortRef
from shazam.training.tile_units import TileClasses, with_tile_units
from shazam.workspace import Workspace
from tests.features.imports.made import features

N_CASES, N_TILES = 12, 5
CASES = [f"c{number:02d}" for number in range(N_CASES)]
CLASSES = ("stroma", "tumour")
ALL = features(N_CASES * N_TILES, dim=3)


def cohort(*extra: Case, label: str | None = "x") -> Cohort:
    cases = [Case(name, None, None, None, label, ()) for name in CASES]
    return Cohort(task=Task.CLASSIFICATION, cases=(*cases, *extra), slides=())


def feature_set(folder: Path, *labels: np.ndarray | None) -> FeatureSetManifest:
    """Import one teacher for each array of labels, every case 5 tiles."""
    manifests = []
    for number, own in enumerate(labels):
        source = folder / f"t{number}.npz"
        arrays = {} if own is None else {"y": own}
        np.savez(source, X=ALL + number, case=np.repeat(CASES, N_TILES), **arrays)
        options = ImportOptions(
            datasets=("X",), group="case", labels=None if own is None else "y", classes=CLASSES
        )
        imported = import_bags(
            find_bags(find_files([source]), options=options, case_of=lambda slide: slide),
            teacher=ImportedTeacher(f"t{number}", "1", "CC-BY-4.0"),
            options=options,
            workspace=Workspace(folder / "ws"),
            write=True,
            max_quarantine_fraction=0.0,
            progress=silent,
        )
        manifests.append(imported.manifest)
    ref = CohortRef(uri="cohorts/x", sha256="0" * 64, n_cases=N_CASES, n_slides=0)
    return join_to_cohort(
        manifests,
        cohort=ref,
        known=KnownCases(frozenset(CASES), {}),
        missing_teacher=MissingTeacher.REFUSE,
    )


def labels_of_tiles() -> np.ndarray:
    return np.array(["stroma", "tumour"])[np.random.default_rng(0).integers(0, 2, len(ALL))]


def units(folder: Path, *labels: np.ndarray | None, of: Cohort | None = None):
    joined = feature_set(folder, *labels)
    return with_tile_units(
        joined,
        cohort=of or cohort(),
        classes=TileClasses(CLASSES),
        workspace=Workspace(folder / "ws"),
    )


@pytest.mark.parametrize("load", [load_bags, open_bags])
def test_each_tile_is_a_bag_with_its_own_label_and_its_case_as_group(tmp_path, load):
    labels = labels_of_tiles()
    manifest = units(tmp_path, labels, labels)
    workspace = Workspace(tmp_path / "ws")
    tiles = load_cohort(workspace.open_ref(manifest.cohort))
    bags = load(
        manifest,
        workspace=workspace,
        teachers=("t0",),
        levels=None,
        reading=Reading.of(manifest),
    )
    assert bags.case_ids == manifest.case_ids() == tuple(case.case_id for case in tiles.cases)
    assert bags.lengths.tolist() == [1] * len(ALL)
    picked = bags.select([7, 59, 0]).levels["t0", "high"]
    assert torch.equal(picked, torch.from_numpy(ALL[[7, 59, 0]]).half())
    assert [case.label for case in tiles.cases] == labels.tolist()
    assert [case.group for case in tiles.cases] == np.repeat(CASES, N_TILES).tolist()


def test_without_labels_of_tiles_the_label_of_the_case_is_taken(tmp_path):
    extra = Case("z", None, None, None, "x", ())
    manifest = units(tmp_path, None, of=cohort(extra))
    tiles = load_cohort(Workspace(tmp_path / "ws").open_ref(manifest.cohort))
    assert [case.label for case in tiles.cases] == ["x"] * len(ALL) + [None]
    with pytest.raises(CohortError, match="case 'c00' has none; name them with labels"):
        units(tmp_path, None, of=cohort(label=None))


def test_labels_that_are_no_class_are_refused_by_slide(tmp_path):
    numbers = np.zeros(len(ALL), dtype=np.int64)
    numbers[3], numbers[4] = 2, -1
    with pytest.raises(CohortError, match=r"'c00': 2 of 5 labels are of no class \(-1, 2\)"):
        units(tmp_path, numbers)


def test_teachers_that_label_tiles_differently_are_refused(tmp_path):
    labels = labels_of_tiles()
    with pytest.raises(ArtifactError, match="different labels"):
        units(tmp_path, labels, labels[::-1])


def tile_cases() -> list[Case]:
    labels = labels_of_tiles()
    return [
        Case(f"{case}#{tile}", None, None, None, str(labels[row * N_TILES + tile]), (), group=case)
        for row, case in enumerate(CASES)
        for tile in range(N_TILES)
    ]


def test_folds_never_divide_a_case():
    cases = tile_cases()
    splits = make_splits(cases, task=Task.CLASSIFICATION, config=SplitsConfig(n_folds=3))
    group = {case.case_id: case.group for case in cases}
    for fold in splits.folds:
        parts = [{group[name] for name in ids} for ids in fold.parts.values()]
        assert sum(len(part) for part in parts) == N_CASES
    assert any("60 tiles of 12 cases" in note for note in splits.notes)


def test_a_case_in_two_parts_of_given_splits_is_a_leak():
    cases = tile_cases()
    splits = make_splits(cases, task=Task.CLASSIFICATION, config=SplitsConfig(n_folds=3))
    first, second, *rest = splits.folds
    moved, others = first.test[0], first.test[1:]
    leaking = splits.model_copy(
        update={
            "folds": (
                first.model_copy(update={"test": others, "train": (*first.train, moved)}),
                second.model_copy(
                    update={
                        "test": (*second.test, moved),
                        "train": tuple(name for name in second.train if name != moved),
                        "validation": tuple(n for n in second.validation if n != moved),
                    }
                ),
                *rest,
            )
        }
    )
    with pytest.raises(LeakError, match=f"groups in train and test: {moved.split('#')[0]}"):
        check_splits(leaking, cases=cases)


def test_the_bootstrap_draws_whole_cases():
    cases = tile_cases()
    splits = make_splits(cases, task=Task.CLASSIFICATION, config=SplitsConfig(n_folds=3))
    truth = truth_of_cases(cases, splits=splits, classes=CLASSES)
    assert (truth.n_groups, len(truth.case_ids)) == (N_CASES, N_CASES * N_TILES)
    counts = bootstrap_counts(truth.fold, groups=truth.groups, n_replicates=40, seed=0)
    by_case = counts.reshape(40, N_CASES, N_TILES)
    assert (by_case == by_case[:, :, :1]).all()
    assert len(np.unique(by_case[:, :, 0])) > 2
    assert (by_case[:, :, 0].sum(axis=1) == N_CASES).all()
