"""C against numbers found by hand, by other tools, and by the makers of published models."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sksurv.metrics import concordance_index_censored

from shazam.evaluation.metrics import harrell_c, observed, uno_c
from tests.evaluation.test_metrics import survival_truth
from tests.real_data import shared_data

# mean C over 15 splits, of regions of patients
PUBLISHED = {"pathomic_fusion": 0.705, "pathgraphomic_fusion": 0.708}
# lifelines 0.30.3, utils.concordance_index(time_months, -risk, event)
LIFELINES = (0.38896411645226814, 0.5306859205776173, 0.5259282970550576, 0.5431861804222649)
N_SPLITS = 15
N_REGIONS = 3


def c_of(time_months: object, event: object, risk: object) -> float:
    risk = np.asarray(risk, dtype=np.float64)
    truth = survival_truth(time_months, event)
    return observed(harrell_c(risk, truth=truth), n_cases=len(risk))


def by_definition(time_months: list[float], event: list[bool], risk: list[float]) -> float:
    """Count pair by pair, in words: who is known to have died before whom, and who was at risk."""
    credit, n_pairs = 0.0, 0
    for i, j in combinations(range(len(risk)), 2):
        first, second = (i, j) if time_months[i] < time_months[j] else (j, i)
        if time_months[i] == time_months[j]:
            if event[i] == event[j]:
                continue
            first, second = (i, j) if event[i] else (j, i)
        if not event[first]:
            continue
        n_pairs += 1
        credit += 0.5 if risk[first] == risk[second] else float(risk[first] > risk[second])
    return credit / n_pairs if n_pairs else np.nan


@pytest.mark.parametrize(
    ("time_months", "event", "risk", "expected"),
    [
        # two die in one month: nobody was first, so only the pairs with the third count
        ([3, 3, 7], [1, 1, 0], [0.9, 0.1, 0.5], 1 / 2),
        # who is censored in the month of a death lived longer
        ([3, 3], [1, 0], [0.9, 0.1], 1.0),
        ([3, 3], [0, 1], [0.9, 0.1], 0.0),
        # who is censored first cannot be compared with anyone later
        ([1, 2, 3], [0, 1, 1], [0.0, 0.8, 0.3], 1.0),
        # equal risks count half; 5 pairs: (a,b) tie, (a,c) right, (a,d) right, (b,c), (b,d) right
        ([1, 2, 4, 4], [1, 1, 0, 0], [0.7, 0.7, 0.2, 0.1], 4.5 / 5),
        # the last death outlives nobody
        ([1, 5], [0, 1], [1.0, 0.0], np.nan),
    ],
)
def test_harrell_c_of_cases_counted_by_hand(time_months, event, risk, expected):
    assert c_of(time_months, event, risk) == pytest.approx(expected, nan_ok=True)
    if expected == expected:  # scikit-survival refuses where nothing can be compared
        theirs = concordance_index_censored(np.array(event, bool), time_months, risk)[0]
        assert theirs == pytest.approx(expected)


def test_uno_c_of_a_case_weighted_by_hand():
    # two folds of two. Fold 0 is weighted by the censoring of fold 1, where one of two is censored
    # at 4 (G = 1 before, 1/2 from then on), fold 1 by fold 0, where nobody is (G = 1).
    truth = survival_truth([2, 4, 6, 8], [1, 0, 1, 1], n_folds=2)
    risk = np.array([2.0, 1.0, 1.0, 3.0])
    # fold 0 (cases 0, 2): the death at 2 is seen before the death at 6, concordant.
    # fold 1 (cases 1, 3): case 1 is censored first: no pair.
    assert observed(uno_c(risk, truth=truth), n_cases=4) == pytest.approx(1.0)
    # three deaths of one fold at G = 1, 1/4: pairs weigh 1, 1 and 16
    event = [1, 1, 1, 0, 0, 0, 0, 1]
    truth = survival_truth([1, 5, 7, 2, 3, 4, 9, 9], event)
    truth = type(truth)(
        truth.case_ids,
        np.array([0, 0, 0, 1, 1, 1, 1, 1]),
        truth.time_months,
        truth.event,
        truth.labels,
        truth.classes,
    )
    risk = np.array([2.0, 1.0, 3.0, 0, 0, 0, 0, 0])
    # G after 2, 3, 4 of five: 4/5 * 3/4 * 2/3 = 2/5, so the pair (5, 7) weighs 25/4
    share = (1.0 * 1 + 0.0 * 1 + 0.0 * 25 / 4) / (1 + 1 + 25 / 4)
    fold_0 = np.array([[1, 1, 1, 0, 0, 0, 0, 0]], dtype=np.float64)
    assert uno_c(risk, truth=truth)(fold_0)[0] == pytest.approx(share)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    st.lists(
        st.tuples(st.integers(1, 6), st.booleans(), st.integers(-2, 2)), min_size=2, max_size=14
    )
)
def test_harrell_c_equals_its_definition_with_many_ties(cases):
    time_months, event, risk = (list(column) for column in zip(*cases, strict=True))
    expected = by_definition(time_months, event, risk)
    assert c_of(time_months, event, risk) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(("seed", "theirs"), list(enumerate(LIFELINES)))
def test_harrell_c_equals_lifelines(seed, theirs):
    rng = np.random.default_rng(seed)
    time_months, event = rng.integers(1, 30, 80).astype(float), rng.random(80) < 0.5
    risk = np.round(rng.normal(size=80), 1)
    assert c_of(time_months, event, risk) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.integration
@pytest.mark.parametrize(("arm", "published"), list(PUBLISHED.items()))
def test_published_predictions_give_the_published_c(arm, published):
    path = shared_data() / "teacher_outputs_pathomicfusion" / "TCGA_KIRC_test_preds.npz"
    with np.load(path) as file:
        splits = [
            [file[f"{arm}__{number}__{name}"].ravel() for name in ("time", "event", "hazard")]
            for number in range(1, N_SPLITS + 1)
        ]
    of_regions = [c_of(*split) for split in splits]
    assert np.mean(of_regions) == pytest.approx(published, abs=5e-4)
    of_patients = np.mean([c_of(*_of_patients(*split)) for split in splits])
    assert 0.71 < of_patients < 0.725
    times, events, hazards = splits[0]
    theirs = concordance_index_censored(events > 0, times, hazards.astype(np.float64))[0]
    assert of_regions[0] == pytest.approx(theirs, abs=1e-12)


def _of_patients(*columns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean hazard of each patient, whose regions stand together."""
    time_months, event, hazard = (column.reshape(-1, N_REGIONS) for column in columns)
    assert (time_months == time_months[:, :1]).all()
    return time_months[:, 0], event[:, 0], hazard.astype(np.float64).mean(axis=1)
