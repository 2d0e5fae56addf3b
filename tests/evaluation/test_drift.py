"""Two cohorts compared: what is flagged, what is not judged, and what the verdict makes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shazam.config.cohort import ClinicalKind
from shazam.config.drift import DriftConfig, Severity
from shazam.digest import canonical_json
from shazam.evaluation.drift import Described, compare
from shazam.evaluation.drift_gates import drift_gates
from shazam.evaluation.drift_result import Drift
from shazam.evaluation.model_card import render_card
from shazam.evaluation.pages import template_of
from shazam.evaluation.report import render_report
from shazam.evaluation.wording import gate_label
from tests.evaluation import made
from tests.evaluation.made_report import context, document
from tests.evaluation.test_report import Page

REFERENCE = "a" * 64
CONFIG = DriftConfig(reference=REFERENCE)
CRITICAL = DriftConfig(reference=REFERENCE, severity=Severity.CRITICAL)


def described(n: int, *, seed: int, shift: float = 0.0, age: float = 60, **columns: Sequence[str]):
    rng = np.random.default_rng(seed)
    ages = rng.normal(age, 10, size=n).round(1)
    cases = [
        {"age": str(ages[row]), **{name: own[row] for name, own in columns.items()}}
        for row in range(n)
    ]
    return Described(tuple(cases), {"lite0": shift + rng.normal(size=(n, 20))}, {})


def compared(new: Described, *, config: DriftConfig = CONFIG, reference: Described | None = None):
    columns, teachers = compare(reference or described(80, seed=0), new, config=config)
    return Drift(
        config=config,
        reference_sha256=REFERENCE,
        new_sha256="b" * 64,
        n_reference=80,
        n_new=len(new.clinical),
        n_shared=0,
        columns=columns,
        teachers=teachers,
    )


@pytest.fixture(scope="module")
def same() -> Drift:
    return compared(described(30, seed=1))


@pytest.fixture(scope="module")
def moved() -> Drift:
    return compared(described(30, seed=1, shift=2.0, age=80), config=CRITICAL)


def test_a_second_draw_is_alike(same):
    assert same.exceeded == ()
    assert same.not_judged == ()
    assert "No drift was found." in same.sentence()


def test_what_moved_is_named_with_its_numbers(moved):
    teacher, column = moved.exceeded
    assert teacher.startswith("features of lite0 (ratio ")
    assert column.startswith("column age (PSI ")
    assert moved.columns[0].ks.p_holm < 1e-6
    assert moved.teachers[0].p_holm == pytest.approx(0.001)


def test_a_great_index_that_chance_explains_is_no_drift():
    new = described(12, seed=3)
    column = compared(new).columns[0]
    assert column.psi > CONFIG.max_psi
    assert column.p_holm > CONFIG.alpha
    assert not column.exceeded


def test_a_sure_but_small_difference_is_no_drift():
    reference, new = described(3000, seed=0), described(3000, seed=1, age=62)
    column = compared(new, reference=reference).columns[0]
    assert column.p_holm <= CONFIG.alpha
    assert column.ks.p_holm < 0.001
    assert column.psi < CONFIG.max_psi
    assert not column.exceeded


def test_columns_of_one_cohort_alone_are_named_and_not_judged():
    reference = described(80, seed=0, sex=["M", "F"] * 40)
    found = compared(described(30, seed=1, grade=["2"] * 30), reference=reference)
    assert [column.column for column in found.columns] == ["age", "sex", "grade"]
    assert "column sex: the new cohort has no such column" in found.not_judged
    assert "column grade: the reference has no such column" in found.not_judged


def test_missing_values_are_a_level_and_a_share():
    reference = described(80, seed=0, sex=["M", "F"] * 40)
    found = compared(described(30, seed=1, sex=["M", "NA", ""] * 10), reference=reference)
    column = found.columns[1]
    assert column.kind is ClinicalKind.CATEGORY
    assert (column.missing_reference, column.missing_new) == (0, pytest.approx(2 / 3))
    assert column.unseen == ("missing",)
    assert column.exceeded
    assert [level.level for level in column.levels] == ["F", "M", "missing"]


def test_numbers_that_the_cohort_calls_categories_are_categories():
    cases = described(80, seed=0, grade=["1", "2"] * 40)
    told = Described(cases.clinical, cases.means, {"grade": ClinicalKind.CATEGORY})
    found = compared(described(30, seed=1, grade=["1", "3"] * 15), reference=told)
    assert found.columns[1].kind is ClinicalKind.CATEGORY
    assert (found.columns[1].ks, found.columns[1].unseen) == (None, ("3",))


def test_too_few_cases_are_not_judged_and_critical_then_fails():
    few = compared(described(9, seed=1), config=CRITICAL)
    assert few.exceeded == ()
    assert len(few.not_judged) == 2
    assert few.refused
    (gate,) = drift_gates(few)
    assert not gate.passed
    assert "cannot be judged fails" in gate.explanation
    assert not compared(described(9, seed=1)).refused


def test_a_teacher_that_the_reference_lacks_is_not_judged():
    new = described(30, seed=1)
    both = Described(new.clinical, {**new.means, "lite1": new.means["lite0"]}, {})
    found = compared(both, config=CRITICAL)
    assert "features of lite1: the reference has no features of it" in found.not_judged
    assert found.refused


def test_the_least_p_value_reaches_the_bound_for_any_number_of_tests():
    config = DriftConfig(alpha=0.001, permutations=99)
    for n_tests in (1, 7, 40):
        assert n_tests / (config.n_draws(n_tests) + 1) <= config.alpha


@dataclass(frozen=True)
class Shown:
    drift: Drift | None


CELLS = st.sampled_from(["", "NA", "1", "2", "-3.5", "1e12", "1e300", "nan", "inf", "II", "1_0"])


@given(st.lists(CELLS, min_size=40, max_size=45), st.lists(CELLS, min_size=0, max_size=20))
@settings(max_examples=30, deadline=None)
def test_no_cell_makes_a_number_that_is_none(then, now):
    quick = DriftConfig(permutations=99, alpha=0.05)
    cohorts = [
        Described(tuple({"x": text} for text in texts), {"t": np.ones((len(texts), 2))}, {})
        for texts in (then, now)
    ]
    columns, teachers = compare(*cohorts, config=quick)
    told = json.loads(canonical_json(columns[0] if columns else None))
    if len(now) >= 10:
        assert told["psi"] >= 0
        assert sum(level["new"] for level in told["levels"]) == pytest.approx(1)
    assert teachers[0].ratio is None


def test_equal_cohorts_give_equal_bytes():
    first, second = (compared(described(30, seed=1)) for _ in range(2))
    assert canonical_json(first) == canonical_json(second)
    assert Drift.model_validate_json(canonical_json(first)) == first


def test_drift_fails_the_verdict_only_where_it_is_critical(same, moved):
    assert drift_gates(None) == ()
    assert drift_gates(moved.model_copy(update={"config": CONFIG})) == ()
    (failed,) = drift_gates(moved)
    assert (failed.passed, failed.observed, failed.required) == (False, 2, 0)
    (passed,) = drift_gates(same.model_copy(update={"config": CRITICAL}))
    assert passed.passed
    assert gate_label("drift") != "drift"


def test_the_report_shows_it_where_there_is_a_reference(moved):
    result = made.survival_result().model_copy(update={"drift": moved})
    page = render_report(result, context=context())
    assert Page(page).ids.count("drift") == 1
    assert "Drift fails the verdict." in page
    assert "Kolmogorov-Smirnov" in page


def test_the_section_says_what_was_not_judged_and_escapes_what_it_shows(same):
    section = template_of("drift.html.j2")
    few = compared(described(9, seed=1))
    assert "not judged: too few" in section.render(result=Shown(few))
    assert "It is shown and fails nothing." in section.render(result=Shown(same))
    assert section.render(result=Shown(None)).strip() == ""
    unseen = compared(
        described(30, seed=1, sex=["<b>"] * 30), reference=described(80, seed=0, sex=["M"] * 80)
    )
    page = section.render(result=Shown(unseen))
    assert "not in the reference: &lt;b&gt;" in page
    Page(page)


def test_the_model_card_is_made_with_it(moved):
    with_drift = document().result.model_copy(update={"drift": moved})
    assert render_card(document().model_copy(update={"result": with_drift}))


@pytest.mark.parametrize(
    "values",
    [
        {"severity": "critical"},
        {"reference": "abc"},
        {"reference": "A" * 64},
        {"max_psi": 0},
        {"max_frechet_ratio": 0.5},
        {"alpha": 0},
        {"permutations": 10},
        {"max_pci": 1},
    ],
)
def test_a_section_that_says_nothing_sound_is_refused(values):
    with pytest.raises(ValidationError):
        DriftConfig.model_validate(values)
