"""What differs between two cohorts, one kind of change at a time."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shazam.cohort.model import Cohort
from shazam.config.cohort import Task
from shazam.errors import ConfigError
from shazam.upkeep.new_data import NewData, OutcomeKind, new_data
from tests.upkeep.made import BEFORE, case, cohort, slide, with_case

NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
CASES = st.dictionaries(
    NAMES, st.tuples(st.integers(1, 9), st.booleans(), st.sampled_from(["x", "y"])), min_size=1
)


def made(found: dict[str, tuple[int, bool, str]]) -> Cohort:
    return cohort(
        *(
            case(name, time_months=float(time), event=event)
            for name, (time, event, _) in found.items()
        ),
        slides=tuple(
            slide(f"{name}1", of=name, sha256=sha * 64) for name, (_, _, sha) in found.items()
        ),
    )


def test_equal_cohorts_have_nothing_new():
    assert new_data(BEFORE, BEFORE) == NewData()


@given(CASES, CASES)
def test_every_case_and_slide_is_new_lost_or_known_and_the_other_way_round(before, now):
    found, back = new_data(made(before), made(now)), new_data(made(now), made(before))
    assert set(found.new_cases) == now.keys() - before.keys()
    assert found.new_cases == back.lost_cases
    assert found.lost_cases == back.new_cases
    assert found.new_slides == back.lost_slides
    assert found.changed_slides == back.changed_slides
    both = now.keys() & before.keys()
    assert {c.case_id for c in found.outcomes} == {n for n in both if before[n][:2] != now[n][:2]}
    assert set(found.slide_cases) == {n for n in both if before[n][2] != now[n][2]}
    assert set(found.changed_cases).isdisjoint(found.new_cases)


@pytest.mark.parametrize(
    ("name", "changes", "kind"),
    [
        ("a", {"time_months": 20.0}, OutcomeKind.LONGER),
        ("a", {"time_months": 20.0, "event": True}, OutcomeKind.CAME),
        ("a", {"event": True}, OutcomeKind.CAME),
        ("a", {"time_months": 5.0}, OutcomeKind.CORRECTED),
        ("a", {"time_months": 5.0, "event": True}, OutcomeKind.CORRECTED),
        ("b", {"event": False}, OutcomeKind.CORRECTED),
        ("b", {"event": False, "time_months": 20.0}, OutcomeKind.CORRECTED),
        ("b", {"time_months": 20.0}, OutcomeKind.CORRECTED),
    ],
)
def test_an_outcome_is_late_or_corrected(name, changes, kind):
    found = new_data(BEFORE, with_case(BEFORE, name, **changes))
    (change,) = found.outcomes
    assert (change.case_id, change.kind) == (name, kind)
    assert found.outcomes_of(kind) == (name,)
    assert found.changed_cases == ((name,) if kind is OutcomeKind.CORRECTED else ())


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [("x", "y", OutcomeKind.CORRECTED), (None, "y", OutcomeKind.CAME), ("x", "x", None)],
)
def test_a_label_came_or_was_corrected(before, now, kind):
    pair = [
        cohort(case("a", label=label, time_months=None, event=None), task=Task.CLASSIFICATION)
        for label in (before, now)
    ]
    assert [change.kind for change in new_data(*pair).outcomes] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("now", "kind"),
    [
        ((("g", 1.0), ("h", 2.0)), OutcomeKind.CAME),
        ((("g", 2.0), ("h", None)), OutcomeKind.CORRECTED),
        ((("g", 2.0), ("h", 2.0)), OutcomeKind.CORRECTED),
        ((("g", None), ("h", None)), OutcomeKind.CORRECTED),
        ((("g", 1.0), ("h", None)), None),
    ],
)
def test_a_value_was_measured_or_corrected(now, kind):
    pair = [
        cohort(case("a", values=values, time_months=None, event=None), task=Task.REGRESSION)
        for values in ((("g", 1.0), ("h", None)), now)
    ]
    assert [change.kind for change in new_data(*pair).outcomes] == ([kind] if kind else [])


def test_slides_of_known_cases_are_told_apart_from_those_of_new_ones():
    now = replace(
        BEFORE,
        cases=(*BEFORE.cases, case("d")),
        slides=(
            slide("a1", of="a", sha256="b" * 64),  # other bytes
            slide("b2", of="b"),  # one is gone, another came
            slide("c1", of="c"),
            slide("d1", of="d"),
        ),
    )
    found = new_data(BEFORE, now)
    assert found.new_cases == ("d",)
    assert found.new_slides == ("b2", "d1")
    assert found.changed_slides == ("a1",)
    assert found.lost_slides == ("b1",)
    assert found.slide_cases == found.changed_cases == ("a", "b")


def test_a_slide_that_moved_to_another_case_changes_both():
    slides = (slide("a1", of="b"), *BEFORE.slides[1:])
    found = new_data(BEFORE, replace(BEFORE, slides=slides))
    assert found.changed_slides == ("a1",)
    assert found.slide_cases == ("a", "b")


@pytest.mark.parametrize(
    ("changes", "sites", "clinical"),
    [
        ({"site": "h2"}, ("a",), ()),
        ({"clinical": (("age", "61"),)}, (), ("a",)),
        ({"clinical": (("age", "60"), ("sex", "f"))}, (), ()),  # a column more corrects nothing
        ({"clinical": ()}, (), ()),
    ],
)
def test_sites_and_clinical_values_are_corrected(changes, sites, clinical):
    found = new_data(BEFORE, with_case(BEFORE, "a", **changes))
    assert (found.changed_sites, found.changed_clinical) == (sites, clinical)
    assert found.changed_cases == (sites or clinical)


def test_tiles_are_compared_by_their_patients_without_outcomes():
    tiles = [
        case(f"a1#{number}", group="a", label="x", time_months=None, event=None)
        for number in range(3)
    ]
    before = cohort(*tiles, case("b", label=None), task=Task.CLASSIFICATION)
    now = cohort(case("a", label="y"), case("b", label="x"), case("c"), task=Task.CLASSIFICATION)
    assert new_data(before, now) == NewData(new_cases=("c",))


@pytest.mark.parametrize(
    ("now", "key"),
    [
        (replace(BEFORE, endpoint="PFI"), "cohort.endpoint is PFI"),
        (replace(BEFORE, task=Task.CLASSIFICATION), "cohort.task is classification"),
    ],
)
def test_another_question_is_another_model(now, key):
    with pytest.raises(ConfigError, match=key) as caught:
        new_data(BEFORE, now)
    assert "another cohort.name" in str(caught.value)
