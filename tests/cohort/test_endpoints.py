"""Endpoints of survival: which columns, which unit, which coding; nothing is guessed in silence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shazam.cohort.endpoints import unit_of
from shazam.cohort.events import coding_of, event_of
from shazam.cohort.model import Cohort, Endpoint
from shazam.cohort.store import load_cohort, write_cohort
from shazam.config.cohort import Coding, TimeUnit
from shazam.workspace import Workspace
from tests.cohort.tables import config, problems, read

CBIO = (
    "#Patient Identifier\tOverall Survival Status\tOverall Survival (Months)\tAge\tSex\tStage\n"
    "#Identifier\tStatus\tMonths\tAge\tSex\tStage\n"
    "#STRING\tSTRING\tNUMBER\tNUMBER\tSTRING\tSTRING\n#1\t1\t1\t1\t1\t1\n"
    "PATIENT_ID\tOS_STATUS\tOS_MONTHS\tAGE\tSEX\tSTAGE\n"
    "P-1\t1:DECEASED\t12.5\t61\tMale\tII\nP-2\t0:LIVING\t30\t[Not Available]\tFemale\tIII\n"
)


def outcomes(cohort: Cohort) -> list[tuple[float | None, bool | None]]:
    return [(case.time_months, case.event) for case in cohort.cases]


def test_a_cbioportal_table_is_read_as_it_is(tmp_path: Path) -> None:
    cohort = read(tmp_path, CBIO, clinical_columns=["AGE", "SEX", "STAGE"])
    assert outcomes(cohort) == [(12.5, True), (30.0, False)]
    assert cohort.cases[0].clinical == (("AGE", "61"), ("SEX", "Male"), ("STAGE", "II"))
    assert [kind.value for _, kind in cohort.clinical_kinds] == ["number", "category", "category"]
    assert "column 'PATIENT_ID' is read as case_id" in cohort.notes


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("survival_months,censorship", "12,0", (12.0, True)),
        ("survival_months,censored", "12,1", (12.0, False)),
        ("time_days,event", "365.25,1", (12.0, True)),
        ("os_survival_days,os_censorship", "365.25,0.0", (12.0, True)),
        ("OS_YEARS,OS_STATUS", "2,Alive", (24.0, False)),
        ("time_weeks,vital_status", "365.25,Dead", (84.0, True)),
        ("time_months,event", "1,true", (1.0, True)),
    ],
)
def test_units_and_codings_are_those_of_the_names(
    tmp_path: Path, header: str, row: str, expected: tuple[float, bool]
) -> None:
    other = "1,0" if header.endswith(("censorship", "censored")) else "1,1"
    cohort = read(tmp_path, f"case_id,{header}\nC1,{row}\nC2,{other}\n")
    assert cohort.cases[0].time_months == pytest.approx(expected[0], rel=1e-12)
    assert cohort.cases[0].event is expected[1]
    if "censor" in header:
        assert any("1 means censored there, so it is inverted" in note for note in cohort.notes)


def test_a_time_without_a_unit_is_refused_until_the_config_says_it(tmp_path: Path) -> None:
    table = "case_id,time,event\nC1,2,1\nC2,0.5,0\n"
    assert "column 'time' says no unit, and none is guessed" in problems(tmp_path, table)[0]
    cohort = read(tmp_path, table, time_unit="years")
    assert outcomes(cohort) == [(24.0, True), (6.0, False)]
    named = read(tmp_path, "case_id,OS_MONTHS,OS_STATUS\nC1,365.25,1\n", time_unit="days")
    assert named.cases[0].time_months == pytest.approx(12.0)
    assert "column 'OS_MONTHS' is read in days as configured, not in months" in named.notes


SEVERAL = (
    "case_id,os_months,os_status,PFI.time,PFI,dss_days,dss_censorship\n"
    "C1,10,1,100,1,,\nC2,20,0,0,1,200,1\n"
)
NAMED = [
    {"name": "OS"},
    {"name": "PFI", "time": "PFI.time", "event": "PFI", "unit": "days"},
    {"name": "DSS"},
]


def test_one_endpoint_is_predicted_and_those_that_are_named_travel(tmp_path: Path) -> None:
    assert (
        "several endpoints (os, pfi, dss); say in cohort.endpoint" in problems(tmp_path, SEVERAL)[0]
    )
    cohort = read(tmp_path, SEVERAL, endpoints=NAMED, endpoint="OS")
    assert cohort.endpoint == "OS"
    assert outcomes(cohort) == [(10.0, True), (20.0, False)]
    pfi, dss = cohort.cases[0].endpoints
    assert (pfi.name, pfi.event) == ("PFI", True)
    assert pfi.time_months == pytest.approx(100 * 12 / 365.25)
    assert dss == Endpoint("DSS", None, None)
    assert cohort.cases[1].endpoints[0] == Endpoint("PFI", None, None)
    assert "endpoint PFI: 1 of 2 cases have no time above 0" in " ".join(cohort.notes)
    alone = read(tmp_path, SEVERAL, endpoint="os")
    assert alone.cases[0].endpoints == ()
    assert alone.digest != cohort.digest


def test_the_others_are_in_the_digest_and_come_back_from_the_file(tmp_path: Path) -> None:
    cohort = read(tmp_path, SEVERAL, endpoints=NAMED, endpoint="OS")
    ref = write_cohort(cohort, workspace=Workspace(tmp_path))
    assert load_cohort(tmp_path / ref.uri) == cohort
    first = cohort.cases[0]
    changed = replace(first, endpoints=(replace(first.endpoints[0], event=False),))
    assert replace(cohort, cases=(changed, cohort.cases[1])).digest != cohort.digest
    for other in ({"endpoint": "PFI"}, {"notes": ()}):
        assert replace(cohort, **other).digest != cohort.digest  # type: ignore[arg-type]


def test_the_predicted_endpoint_needs_an_outcome_in_every_case(tmp_path: Path) -> None:
    found = problems(tmp_path, SEVERAL, endpoints=NAMED, endpoint="DSS")
    assert any("line 2: dss_days '' is not a number" in problem for problem in found)
    assert any("line 2: dss_censorship '' is not 0 (event seen)" in problem for problem in found)
    assert any("line 3: PFI" in problem for problem in found) is False
    assert (
        "the table has no time and event columns of endpoint RFS"
        in problems(tmp_path, SEVERAL, endpoint="RFS")[0]
    )
    missing = [{"name": "X", "time": "a", "event": "b"}]
    assert [p[:24] for p in problems(tmp_path, SEVERAL, endpoints=missing)] == [
        "line 1: column 'a' of en",
        "line 1: column 'b' of en",
    ]


def test_cases_are_left_out_only_where_the_config_says_so(tmp_path: Path) -> None:
    table = "case_id,time_months,event\nC1,5,1\nC2,0,0\nC3,,1\nC4,NA,\n"
    assert len(problems(tmp_path, table)) == 4
    cohort = read(tmp_path, table, exclude=["without_outcome", "time_not_positive"])
    assert [case.case_id for case in cohort.cases] == ["C1"]
    assert [(case.case_id, case.reason) for case in cohort.excluded] == [
        ("C2", "time_not_positive"),
        ("C3", "without_outcome"),
        ("C4", "without_outcome"),
    ]
    ref = write_cohort(cohort, workspace=Workspace(tmp_path))
    assert load_cohort(tmp_path / ref.uri) == cohort
    assert "line 3" in problems(tmp_path, table, exclude=["without_outcome"])[0]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("case_id,time_months,event,censorship\nC1,1,1,1\n", "event '1' and censorship '1' contra"),
        ("case_id,OS_MONTHS,OS_STATUS\nC1,1,0:DECEASED\n", "OS_STATUS '0:DECEASED' is not 0"),
        ("case_id,time_months,event\nC1,1,2\nC2,1,1\n", "where 1 is censored and 2 is dead"),
        ("case_id;time_months;event\nC1;1,5;1\n", "'1,5' is not a number; write decimals with a p"),
        ("case_id,time_months,event\nC1,3650,1\n", "is 304 years, longer than any follow-up"),
        ("case_id,survival_months,censorship\nC1,3,1\nC2,3,1\n", "no case has event 1"),
        ("case_id,time_months,event\nC1,1,1\nC1,1,0\n", "case 'C1' has event '0' here and '1' in"),
    ],
)
def test_outcomes_that_cannot_be_are_named(tmp_path: Path, table: str, message: str) -> None:
    assert message in "\n".join(problems(tmp_path, table))


def test_a_column_of_days_is_never_said_to_be_one_of_months(tmp_path: Path) -> None:
    table = "case_id,time_to_event_days,status\nC1,365.25,1\n"
    time, event = problems(tmp_path, table)
    assert "if time_to_event_days is the time, name it with its event in cohort.endpoints" in time
    assert event.startswith("line 1: column 'event' is missing")
    named = [{"name": "OS", "time": "time_to_event_days", "event": "status"}]
    assert outcomes(read(tmp_path, table, endpoints=named)) == [(pytest.approx(12.0), True)]


def test_events_everywhere_are_doubtful(tmp_path: Path) -> None:
    cohort = read(tmp_path, "case_id,time_months,event\nC1,1,1\nC2,1,1\n")
    assert "every case has an event; make sure" in " ".join(cohort.notes)


@given(st.sampled_from(["0", "1", "0.0", "1.0", "true", "False"]))
def test_the_two_codings_are_opposites(text: str) -> None:
    seen = event_of(text, coding=Coding.EVENT)
    assert seen is not None
    assert event_of(text, coding=Coding.CENSORED) is (not seen)


@pytest.mark.parametrize("text", ["", "2", "-1", "nan", "1:", "maybe", "1:LIVING", "0:Progression"])
def test_what_says_no_event_is_none(text: str) -> None:
    assert event_of(text, coding=Coding.EVENT) is None


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        *(("OS_MONTHS", "months"), ("days_to_death", "days"), ("age.years", "years")),
        *(("time", None), ("holidays", None), ("days_or_months", None), ("week", "weeks")),
    ],
)
def test_a_unit_is_a_word_of_the_name(column: str, unit: str | None) -> None:
    assert unit_of(column) == (None if unit is None else TimeUnit(unit))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"endpoints": [{"name": "OS"}, {"name": "PFI"}]}, "say which of OS, PFI is predicted"),
        ({"endpoints": [{"name": "OS"}], "endpoint": "PFI"}, "'PFI' is none of OS"),
        ({"endpoints": [{"name": "A"}, {"name": "A"}], "endpoint": "A"}, "named twice"),
        ({"endpoints": [{"name": "A", "time": "t"}]}, "give both of time and event"),
        ({"endpoint": "OS", "task": "classification"}, "only for task survival"),
        (
            {"endpoints": [{"name": "A", "time": "t", "event": "e"}], "clinical_columns": ["e"]},
            "outcomes of an endpoint",
        ),
        ({"clinical_kinds": {"age": "number"}}, "clinical_kinds: not in clinical_columns: age"),
    ],
)
def test_endpoints_that_do_not_fit_are_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        config(**changes)


@pytest.mark.parametrize("name", ["uncensored", "not_censored", "non_censored", "is_uncensored"])
def test_uncensored_means_that_the_event_was_seen(name: str) -> None:
    assert coding_of(name) is Coding.EVENT
    assert coding_of(name, told=Coding.CENSORED) is Coding.CENSORED


@pytest.mark.parametrize("name", ["censored", "os_censorship", "Censor", "os_is_censored"])
def test_censored_means_that_it_was_not(name: str) -> None:
    assert coding_of(name) is Coding.CENSORED
