"""The lock file: strict in what it takes, found in a documented order."""

import pytest
import yaml

from shazam.errors import ConfigError
from shazam.teachers.lock import Lock, LockedFile, LockedTeacher, find_lock, read_lock, write_lock

ENTRY = {
    "hub_id": "a/b",
    "revision": "0" * 40,
    "files": [{"file": "w.safetensors", "sha256": "1" * 64, "size_bytes": 7}],
}


def written(folder, **changes):
    path = folder / "teachers.lock.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "teachers": {"t": {**ENTRY, **changes}}}))
    return path


def test_what_is_written_is_read_back(tmp_path):
    entry = LockedTeacher(
        hub_id="a/b",
        revision="0" * 40,
        files=(LockedFile(file="sub/w.bin", sha256="1" * 64, size_bytes=7),),
    )
    lock = Lock().with_entry("z", entry).with_entry("a", entry)
    write_lock(tmp_path / "l.yaml", lock)
    assert read_lock(tmp_path / "l.yaml") == lock
    assert list(lock.teachers) == ["a", "z"]
    before = (tmp_path / "l.yaml").read_bytes()
    write_lock(tmp_path / "l.yaml", lock)
    assert (tmp_path / "l.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"revision": "0" * 39}, r"teachers\.t\.revision"),
        ({"revision": "ABCDEF0123" * 4}, r"teachers\.t\.revision"),
        ({"revision": "main"}, r"teachers\.t\.revision"),
        ({"revision": "0" * 40 + "\n"}, r"teachers\.t\.revision"),
        ({"revision": None}, r"teachers\.t\.revision"),
        ({"hub_id": "../b"}, r"teachers\.t\.hub_id"),
        ({"hub_id": "b"}, r"teachers\.t\.hub_id"),
        ({"files": []}, r"teachers\.t\.files"),
        ({"files": ENTRY["files"] * 2}, "named twice"),
        ({"files": [{**ENTRY["files"][0], "file": "../w"}]}, r"files\.0\.file"),
        ({"files": [{**ENTRY["files"][0], "file": "/w"}]}, r"files\.0\.file"),
        ({"files": [{**ENTRY["files"][0], "sha256": "1" * 63}]}, r"files\.0\.sha256"),
        ({"files": [{**ENTRY["files"][0], "size_bytes": 0}]}, r"files\.0\.size_bytes"),
        ({"surplus": 1}, r"teachers\.t\.surplus"),
    ],
)
def test_a_malformed_entry_is_named(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        read_lock(written(tmp_path, **changes))


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"teachers: [", b"version: 2\n", b"- a\n", b"teachers: {t: 1}\n"]
)
def test_garbage_is_named(tmp_path, content):
    (tmp_path / "l.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"l\.yaml"):
        read_lock(tmp_path / "l.yaml")


def test_an_entry_that_is_there_twice_is_refused(tmp_path):
    text = written(tmp_path).read_text()
    entry = text[text.index("  t:") :].split("version")[0]
    (tmp_path / "l.yaml").write_text(f"teachers:\n{entry}{entry}")
    with pytest.raises(ConfigError, match="'t' is there twice"):
        read_lock(tmp_path / "l.yaml")


@pytest.mark.parametrize("value", ["2026-13-01", "!!bool maybe", "!!timestamp x"])
def test_yaml_that_stands_for_no_value_is_named(tmp_path, value):
    path = tmp_path / "lock.yaml"
    path.write_text(f"version: {value}")
    with pytest.raises(ConfigError, match=r"lock\.yaml: not valid YAML"):
        read_lock(path)


def test_no_file_is_an_empty_lock():
    assert read_lock(None).teachers == {}


def test_the_named_one_then_beside_the_config_then_the_current_folder(tmp_path, monkeypatch):
    beside, current = tmp_path / "beside", tmp_path / "current"
    for folder in (beside, current):
        folder.mkdir()
    monkeypatch.chdir(current)
    assert find_lock(None, folder=beside) is None
    here = written(current)
    assert find_lock(None, folder=beside) == here
    there = written(beside)
    assert find_lock(None, folder=beside) == there
    assert find_lock(None) == here
    assert find_lock(here, folder=beside) == here
    with pytest.raises(ConfigError, match=r"absent\.yaml: does not exist"):
        find_lock(tmp_path / "absent.yaml", folder=beside)
