"""The feature map: what may stand in it, and the complete list of what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shazam.errors import CohortError
from shazam.features.imports.feature_map import read_feature_map


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.pt", "b.pt", "sub/c.h5"):
        path = tmp_path / "map" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(name)
    (tmp_path / "outside.pt").write_text("outside")
    return tmp_path / "map"


def read(folder: Path, value: object, *, root: Path | None = None) -> list[tuple[str, str]]:
    path = folder / "cases.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    files = read_feature_map(path, teacher="uni", root=root)
    return [(file.path.name, str(file.case_id)) for file in files]


@pytest.mark.parametrize(
    "value",
    [
        {"C1": ["a.pt", "sub/c.h5"], "C2": "b.pt"},
        {"C1": {"uni": ["a.pt", "sub/c.h5"]}, "C2": {"uni": "b.pt", "other": "x.pt"}},
        {"C1": ["./a.pt", "sub/../sub/c.h5"], "C2": ["b.pt"]},
    ],
)
def test_a_case_has_one_file_or_several_perhaps_by_teacher(folder, value):
    assert read(folder, value) == [("a.pt", "C1"), ("c.h5", "C1"), ("b.pt", "C2")]


def test_a_link_inside_the_folder_names_the_slide(folder):
    (folder / "S1.pt").symlink_to(folder / "a.pt")
    assert read(folder, {"C1": "S1.pt"}) == [("S1.pt", "C1")]
    with pytest.raises(CohortError, match=r"'a\.pt' stands in case 'C2' and in case 'C1'"):
        read(folder, {"C1": "S1.pt", "C2": "a.pt"})


def test_files_may_lie_in_a_folder_that_the_user_names(folder):
    assert read(folder, {"C1": "outside.pt"}, root=folder / "..") == [("outside.pt", "C1")]
    absolute = str(folder.parent / "outside.pt")
    assert read(folder, {"C1": absolute}, root=folder.parent) == [("outside.pt", "C1")]


def test_everything_that_is_wrong_is_listed_at_once(folder):
    (folder / "link.pt").symlink_to(folder.parent / "outside.pt")
    (folder / "loop.pt").symlink_to(folder / "loop.pt")
    text = """{
        "C1": "a.pt", "C1": "b.pt", "../C2": "b.pt", "C3": ["a.pt"], "C4": [], "C5": "gone.pt",
        "C6": "../outside.pt", "C7": "sub", "C8": 7, "C9": "", "C10": {"other": "b.pt"},
        "C11": ["sub/c.h5", "sub/c.h5"], "C12": "link.pt", "C13": null,
        "C14": {"uni": "b.pt", "uni": "b.pt"}, "C15": "a\\u0000.pt", "C16": [["b.pt"]]
    }"""
    with pytest.raises(CohortError) as raised:
        read(folder, text)
    for part in (
        "case 'C1' stands more than once",
        "case '../C2' is not a valid id",
        "'a.pt' stands in case 'C3' and in case 'C1'",
        "case 'C4' has no files",
        "case 'C5': 'gone.pt' is no file",
        "case 'C6': '../outside.pt' lies outside",
        "case 'C7': 'sub' is no file",
        "case 'C8': 7 is not the path of a file",
        "case 'C9': \"\" is not the path",
        "case 'C10' has no files of teacher 'uni'; it has ['other']",
        "case 'C11' names 'sub/c.h5' twice",
        "case 'C12': 'link.pt' lies outside",
        "case 'C13': null is not the path",
        "case 'C14': 'uni' stands twice",
        "case 'C15'",
        "case 'C16': [\"b.pt\"] is not the path",
    ):
        assert part in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[]", "not a JSON object"),
        ("{}", "names no case"),
        ('{"C1": "\\ud800.pt"}', "case 'C1'"),
        ("[" * 100_000, "not valid JSON"),
    ],
    ids=["empty", "cut", "list", "no case", "half a letter", "deep"],
)
def test_what_is_no_map_is_refused(folder, text, message):
    with pytest.raises(CohortError, match=message):
        read(folder, text)


def test_a_map_that_cannot_be_read_is_refused(folder):
    with pytest.raises(CohortError, match="cannot be read"):
        read_feature_map(folder / "gone.json", teacher="uni", root=None)
    (folder / "latin.json").write_bytes(b'{"C\xe9": "a.pt"}')
    with pytest.raises(CohortError, match="UTF-8"):
        read_feature_map(folder / "latin.json", teacher="uni", root=None)


def test_what_is_checked_is_what_is_read(folder):
    deep = folder / "sub" / "deep"
    deep.mkdir()
    (folder / "link").symlink_to(deep)
    (folder.parent / "c.h5").write_text("outside, if the dots were taken by the letter")
    path = folder / "cases.json"
    path.write_text(json.dumps({"C1": "link/../c.h5"}))
    (file,) = read_feature_map(path, teacher="uni", root=None)
    assert file.path.read_text() == "sub/c.h5"
