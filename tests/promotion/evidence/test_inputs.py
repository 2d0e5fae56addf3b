"""Evidence of every task, and of tiles, gives the numbers of the named cases again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from shazam.cohort.model import Excluded
from shazam.config.acceptance import AcceptanceConfig
from shazam.config.splits import Scheme
from shazam.digest import canonical_json
from shazam.errors import ConfigError
from shazam.promotion.evidence import Inputs
from shazam.promotion.evidence.compared import compared
from shazam.promotion.evidence.files import CONFIG, evidence_files, read_inputs
from shazam.publish import publish_bytes
from tests.evaluation import made
from tests.evaluation.test_order import PROBES, inputs_of
from tests.promotion.evidence.made import PSEUDONYMS, config_of
from tests.promotion.evidence.made import inputs_of as survival_inputs
from tests.promotion.evidence.search import found_in

KINDS = [("survival", 1), ("classification", 1), ("regression", 1), ("classification", 3)]


@pytest.mark.parametrize(("task", "group_size"), KINDS)
def test_files_of_evidence_give_the_numbers_of_the_named_cases(task, group_size, tmp_path: Path):
    given = inputs_of(task, group_size=group_size)
    named = Inputs(
        predictions=given.tables,
        cohort=given.cohort,
        splits=given.splits,
        teachers=(made.teacher(),),
        probe=PROBES[task],
        acceptance=AcceptanceConfig(),
        config=config_of().evaluation,
        champion=given.champion,
    )
    files = {**evidence_files(named.under(PSEUDONYMS)), CONFIG: canonical_json(config_of())}
    for name, content in files.items():
        publish_bytes(tmp_path / name, content)
    own, again = (
        json.loads(canonical_json(inputs.evaluated())) for inputs in (named, read_inputs(tmp_path))
    )
    differ = [told for told in compared(own, again) if told is not None]
    assert {told.split(" ")[0] for told in differ} == {"cohort_sha256", "splits_sha256"}
    names = {name for case in given.cohort.cases for name in (case.case_id, case.group_id)}
    assert found_in(tmp_path, names) == []


def test_notes_that_list_cases_and_excluded_cases_are_left_out():
    named = survival_inputs()
    named = replace(
        named,
        cohort=replace(
            named.cohort, excluded=(Excluded("case-999", "no time"),), notes=("case-998 twice",)
        ),
        splits=named.splits.model_copy(
            update={"notes": ("left out: case-997",), "scheme": Scheme.FILES}
        ),
    )
    files = evidence_files(named.under(PSEUDONYMS))
    assert not any(b"case-99" in content for content in files.values())
    assert b"a note of the run's report" in files["evidence/splits.json"]


def test_cases_that_a_reader_takes_for_one_are_refused():
    named = survival_inputs()
    first = replace(named.cohort.cases[0], case_id="CASE-001")
    cohort = replace(named.cohort, cases=(first, *named.cohort.cases[1:]))
    with pytest.raises(ConfigError, match="'CASE-001', 'case-001'"):
        replace(named, cohort=cohort).under(PSEUDONYMS)
