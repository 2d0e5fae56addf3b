"""A changed line that decides the bytes of a slide's files changes their key; a remark does not."""

import pytest

from shazam import meaning, stages
from shazam.features.imports.teacher import import_method
from shazam.features.keys import extraction_method
from shazam.slides.survey import survey_method
from shazam.slides.tiles import tiles_method


@pytest.fixture
def sources(tmp_path, monkeypatch):
    (tmp_path / "one.py").write_text(
        '"""Doc."""\n\n\ndef f(x):\n    """Say."""\n    return x + 1\n'
    )
    monkeypatch.setattr(meaning, "SOURCE_ROOT", tmp_path)
    meaning.meaning_of.cache_clear()
    yield tmp_path
    meaning.meaning_of.cache_clear()


def told(sources, text):
    (sources / "one.py").write_text(text)
    meaning.meaning_of.cache_clear()
    return meaning.meaning_of("one.py")


def test_remarks_docstrings_and_layout_do_not_count(sources):
    before = meaning.meaning_of("one.py")
    assert told(sources, "# more\ndef f(x):\n    'other words'\n    return (x\n  + 1)\n") == before


@pytest.mark.parametrize("line", ["return x + 2", "return x - 1", "return y + 1", "pass"])
def test_another_line_counts(sources, line):
    before = meaning.meaning_of("one.py")
    assert told(sources, f"def f(x):\n    {line}\n") != before


def test_a_missing_file_is_not_passed_over(sources):
    with pytest.raises(FileNotFoundError):
        meaning.meaning_of("absent.py")


CASES = [
    (survey_method, "shazam/slides/tissue.py"),
    (survey_method, "shazam/slides/levels.py"),
    (tiles_method, "shazam/slides/tissue.py"),
    (tiles_method, "shazam/slides/sharpness.py"),
    (extraction_method, "shazam/slides/tile_pixels.py"),
    (extraction_method, "shazam/features/stored_levels.py"),
    (extraction_method, "shazam/teachers/network_encoder.py"),
    (import_method, "shazam/features/imports/hdf5.py"),
]


@pytest.mark.parametrize(("method", "file"), CASES)
def test_a_line_more_in_a_deciding_file_is_another_method(method, file, tmp_path, monkeypatch):
    before = method()
    for path in (stages.SOURCE_ROOT / "shazam").rglob("*.py"):
        copied = tmp_path / path.relative_to(stages.SOURCE_ROOT)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(path.read_bytes())
    with (tmp_path / file).open("a") as opened:
        opened.write("\nMORE = 1\n")
    monkeypatch.setattr(meaning, "SOURCE_ROOT", tmp_path)
    for known in (meaning.meaning_of, meaning.meaning_within):
        known.cache_clear()
    try:
        assert method() != before
    finally:
        for known in (meaning.meaning_of, meaning.meaning_within):
            known.cache_clear()
