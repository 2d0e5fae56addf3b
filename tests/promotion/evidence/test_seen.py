"""What a model has seen is compared under one key, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from shazam.cohort.seen import SeenRecord, unseen_cases
from shazam.errors import ArtifactError, ConfigError
from shazam.promotion.evidence import KeyedSeen, Pseudonyms, read_keyed_seen
from shazam.publish import publish_json
from tests.evaluation import made

KEY, OTHER = Pseudonyms(bytes(32)), Pseudonyms(bytes([1] * 32))
COHORT, _ = made.survival_cohort(24)
SPLITS = made.splits_of(COHORT)
RECORD = SeenRecord.of(COHORT, splits=SPLITS)
KEYED = KeyedSeen.of(RECORD, pseudonyms=KEY)


def test_the_same_cohort_gives_the_record_back(tmp_path: Path):
    publish_json(tmp_path / "seen.json", KEYED)
    found = read_keyed_seen(tmp_path / "seen.json")
    assert found.within(COHORT, pseudonyms=KEY) == RECORD
    assert "case-0" not in (tmp_path / "seen.json").read_text()


def test_a_case_is_known_by_its_name_and_by_its_slides():
    later, _ = made.survival_cohort(27)
    ids = [case.case_id for case in later.cases]
    seen = KEYED.within(later, pseudonyms=KEY)
    assert unseen_cases(later, ids, by=seen.whole) == ("case-024", "case-025", "case-026")
    renamed = later.cases[0].case_id.upper()
    keyed = KeyedSeen.of(
        SeenRecord(
            folds=(RECORD.folds[0].model_copy(update={"case_ids": (renamed,)}),),
        ),
        pseudonyms=KEY,
    )
    found = keyed.within(later, pseudonyms=KEY).whole
    assert "case-000" in found.case_ids
    assert found.slides_sha256 == frozenset(RECORD.folds[0].slides_sha256)


def test_another_key_is_refused_and_nothing_is_called_unseen():
    with pytest.raises(ConfigError, match="SHAZAM_PSEUDONYM_KEY_FILE") as refused:
        KEYED.within(COHORT, pseudonyms=OTHER)
    assert KEY.key_id[:12] in str(refused.value)
    assert OTHER.key_id[:12] in str(refused.value)


@pytest.mark.parametrize("content", ["{", "{}", RECORD.model_dump_json()])
def test_what_is_no_keyed_record_is_refused(content: str, tmp_path: Path):
    (tmp_path / "seen.json").write_text(content)
    with pytest.raises(ArtifactError, match="does not say what a model was trained on"):
        read_keyed_seen(tmp_path / "seen.json")
    with pytest.raises(ArtifactError, match="missing"):
        read_keyed_seen(tmp_path / "none.json")
