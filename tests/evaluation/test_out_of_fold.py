"""Predictions tables: each case once, by the right fold; anything else is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from shazam.errors import ArtifactError, LeakError
from shazam.evaluation.out_of_fold import OutOfFold, out_of_fold
from shazam.evaluation.truth import Truth, truth_of_cases
from tests.evaluation.made import class_cohort, predictions, splits_of, survival_cohort

COHORT, SIGNAL = survival_cohort(36)
SPLITS = splits_of(COHORT)
TRUTH = truth_of_cases(COHORT.cases, splits=SPLITS, classes=())
TABLE = predictions("a", SIGNAL, cohort=COHORT, splits=SPLITS, noise=0.3, seeds=(0, 1))


def gather(table: pd.DataFrame, truth: Truth = TRUTH) -> OutOfFold:
    return out_of_fold(table, arm="a", truth=truth, splits=SPLITS)


def test_risks_come_in_units_of_inner_validation() -> None:
    gathered = gather(TABLE)
    assert gathered.by_seed.shape == (2, 36, 1)
    validation = TABLE.query("seed == 1 and fold == 2 and part == 'validation'")["risk"]
    row = TRUTH.fold_rows(2)[0]
    tested = TABLE.query("seed == 1 and part == 'test'").set_index("case_id")["risk"]
    expected = (tested[TRUTH.case_ids[row]] - validation.mean()) / validation.std(ddof=0)
    assert gathered.by_seed[1, row, 0] == pytest.approx(expected)


def test_scale_and_shift_of_a_member_do_not_matter() -> None:
    moved = TABLE.copy()
    second = moved["seed"] == 1
    moved.loc[second, "risk"] = 7 * moved.loc[second, "risk"] - 3
    assert gather(moved).scores == pytest.approx(gather(TABLE).scores)
    assert gather(moved).cuts == pytest.approx(gather(TABLE).cuts)


def test_the_order_of_rows_does_not_matter() -> None:
    shuffled = TABLE.sample(frac=1, random_state=0)
    assert (gather(shuffled).by_seed == gather(TABLE).by_seed).all()


def test_probabilities_are_averaged_over_seeds() -> None:
    cohort, signal = class_cohort(30)
    splits = splits_of(cohort)
    truth = truth_of_cases(cohort.cases, splits=splits, classes=cohort.classes)
    table = predictions("a", signal, cohort=cohort, splits=splits, noise=1, seeds=(0, 1))
    gathered = out_of_fold(table, arm="a", truth=truth, splits=splits)
    assert gathered.scores.sum(axis=1) == pytest.approx(np.ones(30))


def test_missing_cases_columns_and_doubles_are_refused() -> None:
    test_rows = TABLE[(TABLE["part"] == "test") & (TABLE["seed"] == 0)]
    with pytest.raises(ArtifactError, match=r"no prediction for 1 case\(s\)"):
        gather(TABLE.drop(index=test_rows.index[0]))
    with pytest.raises(ArtifactError, match="two test predictions"):
        gather(pd.concat([TABLE, test_rows.head(1)]))
    with pytest.raises(ArtifactError, match=r"lack the column\(s\) risk"):
        gather(TABLE.drop(columns="risk"))
    with pytest.raises(ArtifactError, match="no inner-validation"):
        gather(TABLE[TABLE["part"] == "test"])


def test_a_case_predicted_by_a_fold_that_trained_on_it_is_a_leak() -> None:
    moved = TABLE.copy()
    row = moved.index[(moved["part"] == "test") & (moved["fold"] == 0)][0]
    moved.loc[row, "fold"] = 1
    with pytest.raises(LeakError, match=r"1 prediction\(s\) of cases outside that part"):
        gather(moved)


def test_constant_and_not_finite_predictions_are_counted() -> None:
    assert gather(TABLE).constant_folds == ()
    flat = TABLE.copy()
    flat.loc[flat["fold"] == 1, "risk"] = 2.0
    flat.loc[flat.index[(flat["part"] == "test") & (flat["fold"] == 0)][:1], "risk"] = np.nan
    gathered = gather(flat)
    assert gathered.constant_folds == (1,)
    assert gathered.n_not_finite == 1


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e9])
def test_floating_point_noise_is_no_prediction(size: float) -> None:
    noise = np.random.default_rng(0).normal(size=len(TABLE))
    flat = TABLE.copy()
    own = (flat["fold"] == 1) & (flat["seed"] == 1)
    flat.loc[own, "risk"] = size * (1 + 1e-7 * noise[own])
    gathered = gather(flat)
    assert gathered.constant_folds == (1,)
    tested = gathered.by_seed[1, TRUTH.fold_rows(1), 0]
    assert np.ptp(tested) <= 1e-6 * size  # noise is not blown up to the scale of risks
    small = TABLE.assign(risk=size * (1 + 1e-4 * TABLE["risk"]))
    assert gather(small).constant_folds == ()
    assert gather(small).scores == pytest.approx(gather(TABLE).scores, abs=1e-5)


def test_a_fold_whose_inner_validation_is_no_number_has_no_scale() -> None:
    broken = TABLE.copy()
    rows = (broken["part"] == "validation") & (broken["fold"] == 0)
    broken.loc[rows, "risk"] = np.inf
    gathered = gather(broken)
    assert gathered.n_not_finite == rows.sum()
    in_fold = TRUTH.fold == 0
    assert np.isnan(gathered.scores[in_fold]).all()
    assert np.isfinite(gathered.scores[~in_fold]).all()


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_risks_beyond_what_can_be_scaled_are_no_numbers(scale: float) -> None:
    gathered = gather(TABLE.assign(risk=TABLE["risk"] * scale))
    assert gathered.n_not_finite == 2 * len(TRUTH.case_ids)
