"""The gap between random and site-preserved folds."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from benchmarks.site_gap import Scored, gap_of
from benchmarks.site_gap_data import read_clinical


def scored(c: np.ndarray, by_fold: np.ndarray) -> list[Scored]:
    return [Scored(own, tuple(folds)) for own, folds in zip(c, by_fold, strict=True)]


def test_a_gap_is_random_minus_preserved_and_may_be_negative():
    rng = np.random.default_rng(0)
    c, by_fold = 0.60 + 0.01 * rng.normal(size=(6, 201)), 0.6 + 0.05 * rng.normal(size=(6, 5))
    gap = gap_of("arm", random=scored(c, by_fold), preserved=scored(c + 0.02, by_fold))
    assert gap.gap == pytest.approx(-0.02)
    assert gap.cases_upper == pytest.approx(-0.02)
    assert gap.random == pytest.approx(tuple(c[:, 0]))
    # 30 values of either scheme: s * sqrt(1/30 + 1/4), twice, and t(0.975, 29) = 2.0452
    reach = np.std(by_fold, ddof=1) * np.sqrt((1 / 30 + 1 / 4) * 2) * 2.04523
    assert (gap.lower, gap.upper) == pytest.approx((-0.02 - reach, -0.02 + reach))


def test_clinical_columns_are_years_sex_and_stage_without_substage(tmp_path):
    path = tmp_path / "clinical.tsv.gz"
    rows = [
        "submitter_id\tage_at_diagnosis\tgender\ttumor_stage\tdays_to_death",
        "A\t24411.0\tfemale\tstage iiia\t10",
        "B\t\tmale\tnot reported\t",
        "A\t1.0\tmale\tstage i\t",
    ]
    with gzip.open(path, "wt") as file:
        file.write("\n".join(rows) + "\n")
    assert read_clinical(path) == {
        "A": (("age", "66.83"), ("sex", "female"), ("stage", "iii")),
        "B": (("age", ""), ("sex", "male"), ("stage", "")),
    }
