"""Splits that were altered by hand are refused wherever they are used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from shazam.cohort.folds import Fold, Splits
from shazam.cohort.leaks import check_no_leaks
from shazam.cohort.locked import lock_cohort
from shazam.cohort.model import Cohort
from shazam.cohort.store import write_cohort
from shazam.errors import LeakError
from shazam.manifests import FeatureSetManifest, SlideFeatures
from shazam.refs import FeatureSetRef, SplitsRef
from shazam.training.inputs import load_inputs
from shazam.training.table import load_table
from shazam.workspace import Workspace
from tests.cohort.made import cohort_of, survival_case
from tests.training.made import TEACHERS, make_teachers

COHORT = cohort_of(
    [survival_case(f"{site}{n}", site=site, event=n % 2) for site in "abcdef" for n in range(2)]
)
SOUND = Splits(
    folds=tuple(
        Fold(
            train=(*one, *two)[2:],
            validation=(*one, *two)[:2],
            test=tested,
        )
        for tested, one, two in (
            (("a0", "a1", "b0", "b1"), ("c0", "c1", "d0", "d1"), ("e0", "e1", "f0", "f1")),
            (("c0", "c1", "d0", "d1"), ("a0", "a1", "b0", "b1"), ("e0", "e1", "f0", "f1")),
            (("e0", "e1", "f0", "f1"), ("a0", "a1", "b0", "b1"), ("c0", "c1", "d0", "d1")),
        )
    ),
    sites_preserved=True,
)


def altered(**parts: tuple[str, ...]) -> Splits:
    first, *others = SOUND.folds
    changed = {name: (*first.parts[name], *more) for name, more in parts.items()}
    return SOUND.model_copy(update={"folds": (first.model_copy(update=changed), *others)})


def moved(case_id: str) -> Splits:
    """Return the splits with a tested case of the first fold tested in the second."""
    first, second, third = SOUND.folds
    folds = (
        Fold(
            train=first.train,
            validation=first.validation,
            test=tuple(name for name in first.test if name != case_id),
        ),
        Fold(
            train=second.train,
            validation=tuple(name for name in second.validation if name != case_id),
            test=(*second.test, case_id),
        ),
        third,
    )
    return SOUND.model_copy(update={"folds": folds})


SAME = tuple(
    replace(slide, sha256="f" * 64) if slide.case_id in ("a0", "f1") else slide
    for slide in COHORT.slides
)
LEAKS = {
    "a case": (COHORT, altered(train=("a0",)), "fold 0: cases in train and test: a0"),
    "a case in validation": (COHORT, altered(validation=("b1",)), "cases in validation and test"),
    "training in validation": (COHORT, altered(validation=("f1",)), "cases in train and valid"),
    "a site": (COHORT, moved("a0"), "fold 1: sites in test and validation: a"),
    "slide content": (replace(COHORT, slides=SAME), SOUND, "share slide content: a0, f1"),
    "a case of another cohort": (COHORT, altered(train=("z9",)), "cohort does not have: z9"),
}


class Stored:
    """A cohort with a feature set and splits in a workspace; features are never reached."""

    def __init__(self, workspace: Workspace, cohort: Cohort, splits: Splits) -> None:
        self.workspace = workspace
        entries = tuple(
            SlideFeatures(
                slide_id=slide.slide_id,
                case_id=slide.case_id,
                key="0" * 64,
                uri=f"features/{slide.slide_id}.h5",
                sha256="0" * 64,
                n_tiles=1,
                tiles_key="0" * 64,
            )
            for slide in cohort.slides
        )
        manifest = FeatureSetManifest(
            cohort=write_cohort(cohort, workspace=workspace),
            teachers=make_teachers(),
            features=(entries, entries),
            quarantine=(),
            versions=(),
        )
        uri, sha256 = workspace.write_manifest("validate_features", manifest)
        self.features = FeatureSetRef(
            uri=uri,
            sha256=sha256,
            teachers=tuple(TEACHERS),
            n_cases=12,
            n_slides=12,
            n_quarantined=0,
        )
        uri, sha256 = workspace.write_manifest("split", splits)
        self.splits = SplitsRef(uri=uri, sha256=sha256, n_folds=len(splits.folds))

    def train(self) -> None:
        load_inputs(
            self.features,
            self.splits,
            workspace=self.workspace,
            teachers=[TEACHERS[0]],
            levels=["high"],
        )

    def train_without_features(self) -> None:
        load_table(self.features, self.splits, workspace=self.workspace)


USES = {"training": Stored.train, "training on the table": Stored.train_without_features}


@pytest.mark.parametrize("leak", LEAKS)
@pytest.mark.parametrize("use", USES)
def test_a_leak_stops_training_before_any_feature_is_read(tmp_path, leak: str, use: str) -> None:
    cohort, splits, told = LEAKS[leak]
    with pytest.raises(LeakError, match=told):
        USES[use](Stored(Workspace(tmp_path), cohort, splits))


@pytest.mark.parametrize("leak", LEAKS)
def test_the_rules_name_each_leak(leak: str) -> None:
    cohort, splits, told = LEAKS[leak]
    with pytest.raises(LeakError, match=told):
        check_no_leaks(splits, cohort=cohort)


def test_sound_splits_are_used(tmp_path) -> None:
    stored = Stored(Workspace(tmp_path), COHORT, SOUND)
    check_no_leaks(SOUND, cohort=COHORT)
    assert load_table(stored.features, stored.splits, workspace=stored.workspace).splits == SOUND


@pytest.mark.parametrize("use", USES)
def test_a_locked_case_stops_training(tmp_path, use: str) -> None:
    workspace = Workspace(tmp_path)
    only = cohort_of([COHORT.cases[0]])
    lock_cohort(only, name="external", sites_preserved=False, workspace=workspace)
    action: Callable[[Stored], None] = USES[use]
    with pytest.raises(LeakError, match="locked cohort 'external'"):
        action(Stored(workspace, COHORT, SOUND))
