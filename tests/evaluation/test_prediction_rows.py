"""Rows of the contract on predictions."""

import numpy as np
import pandas as pd
import pytest

from shazam.evaluation.prediction_rows import prediction_rows
from tests.evaluation.made import class_cohort, predictions, splits_of, survival_cohort

SURVIVAL, HAZARD = survival_cohort(30)
SPLITS = splits_of(SURVIVAL)


def table(seeds=(0, 1)) -> pd.DataFrame:
    return predictions("a", HAZARD, cohort=SURVIVAL, splits=SPLITS, noise=0.1, seeds=seeds)


def row_of(frame: pd.DataFrame) -> dict:
    (row,) = prediction_rows({"a": frame}, splits=SPLITS).to_dict("records")
    return row


def test_a_whole_table_has_every_case_once_for_each_seed():
    row = row_of(table())
    assert row["n_tested"] == row["n_tested_expected"] == 60
    assert (row["n_repeated"], row["n_elsewhere"], row["n_not_finite"]) == (0, 0, 0)
    assert row["spread"] == pytest.approx(np.ptp(table()["risk"]))
    assert "worst_sum" not in row


def test_what_lacks_repeats_or_strays_is_counted():
    frame = table()
    lacking = frame.drop(frame.index[frame["part"] == "test"][:3])
    assert row_of(lacking)["n_tested"] == 57
    assert row_of(pd.concat([frame, frame.iloc[:2]]))["n_repeated"] == 2
    strayed = frame.assign(fold=frame["fold"].where(frame.index > 0, 2))
    assert row_of(strayed)["n_elsewhere"] == 1


def test_what_is_no_number_or_all_the_same_is_counted():
    frame = table()
    frame.loc[:3, "risk"] = [np.nan, np.inf, -np.inf, np.nan]
    assert row_of(frame)["n_not_finite"] == 4
    assert row_of(table().assign(risk=0.5))["spread"] == 0
    assert row_of(table().assign(risk=np.nan))["spread"] == 0


def test_probabilities_that_do_not_sum_to_one_are_seen():
    cohort, one_hot = class_cohort(30)
    splits = splits_of(cohort)
    frame = predictions("a", one_hot, cohort=cohort, splits=splits, noise=0.1)
    names = [name for name in frame.columns if name.startswith("prob_")]
    assert abs(prediction_rows({"a": frame}, splits=splits)["worst_sum"].item()) < 1e-9
    frame.loc[4, names] = 0.5
    off = prediction_rows({"a": frame}, splits=splits)["worst_sum"].item()
    assert off == pytest.approx(0.5)
