from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from shazam.errors import ConfigError
from shazam.training.late import ecdf, fuse_late


def _table(arm: str, validation: list[float], test: list[float]) -> pd.DataFrame:
    rows = [("validation", f"v{i}", risk) for i, risk in enumerate(validation)]
    rows += [("test", f"t{i}", risk) for i, risk in enumerate(test)]
    table = pd.DataFrame(rows, columns=["part", "case_id", "risk"])
    return table.assign(arm=arm, seed=0, fold=0)[["arm", "seed", "fold", "part", "case_id", "risk"]]


def test_ecdf_by_hand() -> None:
    reference = np.array([1.0, 2.0, 2.0, 4.0])
    values = ecdf(np.array([1.0, 2.0, 3.0, 4.0]), reference=reference)
    np.testing.assert_allclose(values, [0.2, 0.5, 0.65, 0.8])


def test_ecdf_ties_nobody_beyond_the_reference() -> None:
    reference = np.array([1.0, 2.0, 2.0, 4.0])
    sd = reference.std()
    values = ecdf(np.array([1 - 2 * sd, 1 - sd, 4 + sd, 4 + 2 * sd]), reference=reference)
    e = np.e
    np.testing.assert_allclose(values, [0.2 / e**2, 0.2 / e, 1 - 0.2 / e, 1 - 0.2 / e**2])


def test_ecdf_of_a_constant_reference_is_constant() -> None:
    values = ecdf(np.array([0.0, 1.0, 2.0]), reference=np.array([1.0, 1.0]))
    np.testing.assert_allclose(values, [0.5, 0.5, 0.5])


def test_arms_of_any_scale_count_the_same() -> None:
    one = _table("one", [1, 2, 3], [1.5, 2.5])
    loud = _table("loud", [1000, 3000, 2000], [2500, 1500])
    fused = fuse_late([one, loud]).query("part == 'test'")
    assert fused["risk"].tolist() == pytest.approx([0.5, 0.5])


def test_a_test_case_is_scored_without_the_others() -> None:
    both = [_table("a", [1, 2, 3], [1.2, 2.9]), _table("b", [4, 6, 5], [5.5, 4.1])]
    alone = [table[table["case_id"] != "t1"] for table in both]
    whole = fuse_late(both).set_index("case_id")["risk"]
    assert fuse_late(alone).set_index("case_id")["risk"]["t0"] == whole["t0"]


def test_probabilities_are_averaged_and_validation_rows_kept() -> None:
    tables = [
        _table("a", [0.2], [0.6]).rename(columns={"risk": "prob_x"}),
        _table("b", [0.4], [0.8]).rename(columns={"risk": "prob_x"}),
    ]
    fused = fuse_late(tables)
    assert set(fused["arm"]) == {"late_ensemble"}
    by_case = fused.set_index("case_id")["prob_x"]
    assert by_case["t0"] == pytest.approx(0.7)
    assert by_case["v0"] == pytest.approx(0.3)


def test_arms_of_other_cases_or_scores_are_refused() -> None:
    one = _table("one", [1, 2], [3])
    with pytest.raises(ConfigError, match="other cases"):
        fuse_late([one, one.assign(seed=1)])
    with pytest.raises(ConfigError, match="other scores"):
        fuse_late([one, one.rename(columns={"risk": "prob_a"})])
    with pytest.raises(ConfigError, match="no validation rows"):
        fuse_late([one[one["part"] == "test"]])
    with pytest.raises(ConfigError, match="at least one arm"):
        fuse_late([])
