"""The digest of a table and its slide folder."""

import os

import pytest

from shazam.cohort.sources import source_digest
from shazam.errors import CohortError


def test_a_table_that_cannot_be_read_is_named(tmp_path):
    for table in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(CohortError, match=r"cohort\.table must name a CSV file"):
            source_digest(table, slides_dir=tmp_path)


def test_a_file_beside_the_slides_may_have_a_name_that_is_no_text(tmp_path):
    table = tmp_path / "cohort.csv"
    table.write_text("case_id,slide_id")
    slides = tmp_path / "slides"
    slides.mkdir()
    digests = {source_digest(table, slides_dir=slides)}
    for name in (b"a\xef.txt", b"a\xee.txt"):
        (slides / os.fsdecode(name)).touch()
        digests.add(source_digest(table, slides_dir=slides))
    assert len(digests) == 3
