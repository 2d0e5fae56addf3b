"""The champion in a run: compared on new cases, and a gate that says why where it cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import pytest

from shazam.cohort.seen import Seen
from shazam.config.acceptance import AcceptanceConfig, ChampionKind, ChampionRule
from shazam.errors import LeakError
from shazam.evaluation.evaluate import evaluate
from shazam.evaluation.procedure import ScoredChampion
from shazam.evaluation.report import render_report
from shazam.evaluation.result import EvaluationResult, Gate
from tests.evaluation import made
from tests.evaluation.made_report import context

COHORT, SIGNAL = made.survival_cohort()
SPLITS = made.splits_of(COHORT)
NAMES = [case.case_id for case in COHORT.cases]
BUNDLE = "c" * 64
ACCEPTANCE = made.ACCEPTANCE.model_copy(update={"champion": ChampionRule(bundle=BUNDLE)})
TABLES = {
    arm: made.predictions(arm, SIGNAL, cohort=COHORT, splits=SPLITS, noise=noise)
    for arm, noise in {"fusion_student_v2": 0.2, "late_ensemble": 0.5}.items()
}


def champion(names: Sequence[str], *, noise: float = 1.0, column: str = "risk") -> ScoredChampion:
    """Return a champion that was trained on all cases but these, and predicts these."""
    drawn = made.predictions("x", SIGNAL, cohort=COHORT, splits=SPLITS, noise=noise)
    tested = drawn[drawn.part == "test"].set_index("case_id").loc[list(names)].reset_index()
    others = [name for name in NAMES if name not in set(names)]
    table = tested.rename(columns={"risk": column}) if names else None
    return ScoredChampion(BUNDLE, table, Seen.of(COHORT, others))


def run(
    scored: ScoredChampion | None, *, acceptance: AcceptanceConfig = ACCEPTANCE
) -> EvaluationResult:
    return evaluate(
        TABLES,
        cohort=COHORT,
        splits=SPLITS,
        teachers=[made.teacher()],
        probe=made.probe_result(),
        acceptance=acceptance,
        config=made.CONFIG,
        champion=scored,
    )


def gate(result: EvaluationResult) -> Gate:
    (found,) = (one for one in result.gates if one.name == "champion")
    return found


@pytest.fixture(scope="module")
def compared() -> EvaluationResult:
    return run(champion(NAMES[::2], noise=3.0))


def test_a_run_compares_on_the_new_cases_alone(compared: EvaluationResult) -> None:
    assert compared.champion is not None
    found = compared.champion.comparison
    assert found is not None
    assert (found.kind, found.n_cases) == (ChampionKind.PROCEDURE, 36)
    assert found.n_slides_compared == 36
    assert found.candidate > found.champion
    assert gate(compared).passed
    assert "36 cases that neither was trained on (procedure)" in gate(compared).explanation


def test_new_cases_may_lie_in_one_fold(compared: EvaluationResult) -> None:
    for fold in SPLITS.folds:
        found = run(champion(fold.test)).champion
        assert found is not None
        assert found.comparison is not None
        assert found.comparison.n_cases == len(fold.test)


def test_a_champion_that_saw_a_case_after_all_is_a_leak() -> None:
    scored = champion(NAMES[::2])
    seen = replace(scored.trained_on, case_ids=scored.trained_on.case_ids | {NAMES[0]})
    with pytest.raises(LeakError, match=f"champion was trained on 1 tested case.*{NAMES[0]}"):
        run(replace(scored, trained_on=seen))


CENSORED = [case.case_id for case in COHORT.cases if not case.event]


@pytest.mark.parametrize(
    ("scored", "told"),
    [
        (champion([]), "it was trained on all 72 tested cases"),
        (champion(NAMES[:1]), f"only {NAMES[0]} is new"),
        (champion(CENSORED), "no two tested cases can be compared"),
        (champion(NAMES[::2], column="other"), "does not predict risk"),
    ],
)
def test_where_nothing_can_be_compared_the_gate_fails_and_says_why(
    scored: ScoredChampion, told: str
) -> None:
    result = run(scored)
    assert not result.passed
    assert not gate(result).passed
    assert told in gate(result).explanation
    page = render_report(result, context=context())
    assert "There is no comparison:" in page
    assert told in page


def test_a_champion_that_says_nothing_fails_the_gate() -> None:
    scored = champion(NAMES[::2])
    assert scored.table is not None
    result = run(replace(scored, table=pd.DataFrame(scored.table).assign(risk=1.0)))
    assert "the champion predicts the same for every case" in gate(result).explanation


def test_the_report_says_that_the_procedure_is_measured(compared: EvaluationResult) -> None:
    page = render_report(compared, context=context())
    assert '<section id="champion">' in page
    assert "measures the <em>procedure</em>" in page
    assert "on 36 new cases" in page
    assert 'id="champion"' not in render_report(made.survival_result(), context=context())


def test_a_locked_champion_is_left_to_the_locked_cohort() -> None:
    rule = ChampionRule(bundle=BUNDLE, kind=ChampionKind.LOCKED)
    result = run(None, acceptance=made.ACCEPTANCE.model_copy(update={"champion": rule}))
    assert result.passed
    assert "champion" not in {gate.name for gate in result.gates}
    assert result.champion is not None
    assert "left to the locked cohort" in str(result.champion.why_not)
    page = render_report(result, context=context())
    assert "left to the locked cohort" in page
    assert "measures the <em>procedure</em>" not in page
