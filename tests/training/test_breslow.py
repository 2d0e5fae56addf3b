"""The baseline hazard of Cox models, and the curves that arms write beside their risks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

from shazam.config.arms import BaselineFamily
from shazam.config.cohort import Task
from shazam.config.training import SurvivalHead
from shazam.models.curves import Baseline, cox_survival, curve_table
from shazam.models.heads import Head
from shazam.predictions import curve_columns, n_edges_of
from shazam.training.arms import fit_baseline
from shazam.training.breslow import breslow
from shazam.training.execution import Execution
from tests.training.made import QUICK, Quiet, make_study


def test_the_hazard_of_a_hand_computed_case_with_ties_and_censoring() -> None:
    time_months = np.array([2.0, 5.0, 5.0, 5.0, 9.0])
    event = np.array([True, True, True, False, False])
    risks = np.log([1.0, 2.0, 3.0, 4.0, 5.0])
    baseline = breslow(risks, time_months=time_months, event=event)
    assert baseline is not None
    assert baseline.edges_months == (2.0, 5.0, 9.0)
    assert np.exp(baseline.log_hazard) == pytest.approx([1 / 15, 1 / 15 + 2 / 14, 1 / 15 + 2 / 14])


@pytest.mark.parametrize("shift", [0.0, 900.0])
def test_curves_equal_those_of_scikit_survival(shift: float) -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(80, 2))
    time_months = np.round(rng.exponential(20 * np.exp(-features[:, 0])), 0) + 1
    event = rng.random(80) < 0.6
    model = CoxPHSurvivalAnalysis(alpha=1.0).fit(features, Surv.from_arrays(event, time_months))
    risks = features @ model.coef_
    baseline = breslow(risks + shift, time_months=time_months, event=event)
    assert baseline is not None
    assert len(baseline.edges_months) <= 33
    ours = cox_survival(risks + shift, baseline=baseline)
    theirs = model.predict_survival_function(features)
    expected = [curve(np.array(baseline.edges_months)) for curve in theirs]
    assert ours == pytest.approx(np.array(expected), abs=1e-9)


def test_nothing_is_made_of_no_events_or_of_risks_that_are_no_number() -> None:
    ones = np.ones(3)
    assert breslow(ones, time_months=ones, event=np.zeros(3, dtype=bool)) is None
    assert breslow(ones * np.nan, time_months=ones, event=np.ones(3, dtype=bool)) is None


def test_risks_far_out_give_a_curve_of_0_or_1() -> None:
    survival = cox_survival(np.array([-1e6, 1e6]), baseline=Baseline((1.0, 2.0), (-1.0, 0.0)))
    assert survival.tolist() == [[1.0, 1.0], [0.0, 0.0]]


@pytest.mark.parametrize("head", SurvivalHead)
@pytest.mark.parametrize("family", [BaselineFamily.MEAN_POOL, BaselineFamily.ABMIL])
@pytest.mark.parametrize("min_events", [1, 1000])
def test_every_arm_for_survival_writes_curves(
    head: SurvivalHead, family: BaselineFamily, min_events: int
) -> None:
    study = make_study(Task.SURVIVAL)
    config = QUICK.model_copy(
        update={"survival_head": head, "min_validation_events": min_events, "max_epochs": 1}
    )
    result = fit_baseline(
        family,
        teacher="ann",
        study=study,
        config=config,
        execution=Execution(),
        progress=Quiet,
    )
    table, time_months = result.predictions, study.outcomes.survival()[0]
    edge, survival = curve_columns(n_edges_of(table))
    for number, fold in enumerate(study.splits.folds):
        rows = table[table["fold"] == number]
        edges = rows[edge].dropna(axis=1).to_numpy()
        s = rows[survival].dropna(axis=1).to_numpy()
        assert edges.shape == s.shape
        assert (np.diff(edges, axis=1) > 0).all()
        assert ((np.diff(s, axis=1) <= 0) & (s[:, 1:] >= 0) & (s[:, :1] <= 1)).all()
        known = [study.bags.case_ids.index(case) for case in (*fold.train, *fold.validation)]
        assert edges.max() <= time_months[known].max()
        member = result.members[number]
        if result.head is Head.LINEAR_RISK:
            assert member.record.baseline_edges_months == tuple(edges[0])
            assert np.argsort(rows["risk"]).tolist() == np.argsort(-s[:, -1]).tolist()


def test_an_interval_without_width_has_no_edge() -> None:
    study = make_study(Task.SURVIVAL)
    result = fit_baseline(
        BaselineFamily.ABMIL,
        teacher="ann",
        study=study,
        config=QUICK,
        execution=Execution(),
        progress=Quiet,
    )
    record = result.members[0].record
    ended = record.model_copy(update={"max_time_months": record.cut_points_months[-1]})
    table = curve_table(np.zeros((2, record.n_outputs)), head=Head.DISCRETE_TIME, record=ended)
    assert table["edge_0"].tolist() == [record.cut_points_months[0]] * 2
    assert n_edges_of(table) == record.n_outputs - 1


def test_a_table_without_survival_has_no_curves() -> None:
    study = make_study(Task.CLASSIFICATION)
    result = fit_baseline(
        BaselineFamily.MEAN_POOL,
        teacher="ann",
        study=replace(study),
        config=QUICK,
        execution=Execution(),
        progress=Quiet,
    )
    assert n_edges_of(result.predictions) == 0
