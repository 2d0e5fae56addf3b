"""Keyed names: the same under one key, nothing without it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from shazam.errors import ConfigError
from shazam.ids import is_valid_id
from shazam.promotion.evidence import Pseudonyms, pseudonyms_of
from shazam.workspace import Workspace

ONE, OTHER = Pseudonyms(bytes(32)), Pseudonyms(bytes([1] * 32))


def test_names_are_valid_ids_and_depend_on_kind_and_key():
    names = {ONE.case("a"), ONE.slide("a"), ONE.content("a"), ONE.text("a"), OTHER.case("a")}
    assert len(names) == 5
    assert all(map(is_valid_id, names))
    assert ONE.case("a") == Pseudonyms(bytes(32)).case("a")
    assert ONE.case(" \uff21") == ONE.case("a")
    assert ONE.content("") == ""


def test_keys_are_told_apart_and_not_shown():
    assert ONE.key_id != OTHER.key_id
    assert len(ONE.key_id) == 64
    assert ONE.key.hex() not in ONE.key_id
    assert "key=" not in repr(ONE)


def test_a_workspace_makes_its_key_once(tmp_path: Path):
    workspace = Workspace(tmp_path / "ws")
    first = pseudonyms_of(workspace, environment={})
    path = tmp_path / "ws/secrets/pseudonym.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert pseudonyms_of(workspace, environment={}) == first
    assert [own.name for own in path.parent.iterdir()] == ["pseudonym.key"]
    assert pseudonyms_of(Workspace(tmp_path / "other"), environment={}) != first
    named = {"SHAZAM_PSEUDONYM_KEY_FILE": str(path)}
    assert pseudonyms_of(Workspace(tmp_path / "third"), environment=named) == first
    assert not (tmp_path / "third").exists()


@pytest.mark.parametrize(
    ("content", "told"), [("zz", "64 hex digits"), ("ab", "32 bytes, not 1"), ("é", "cannot be")]
)
def test_what_is_no_key_is_refused(content: str, told: str, tmp_path: Path):
    path = tmp_path / "key"
    path.write_text(content)
    with pytest.raises(ConfigError, match=told):
        pseudonyms_of(Workspace(tmp_path), environment={"SHAZAM_PSEUDONYM_KEY_FILE": str(path)})


def test_a_named_key_that_is_missing_is_not_made(tmp_path: Path):
    path = tmp_path / "key"
    with pytest.raises(ConfigError, match="cannot be read"):
        pseudonyms_of(Workspace(tmp_path), environment={"SHAZAM_PSEUDONYM_KEY_FILE": str(path)})
    assert not path.exists()


def test_a_key_that_others_can_read_is_refused(tmp_path: Path):
    workspace = Workspace(tmp_path)
    pseudonyms_of(workspace, environment={})
    (tmp_path / "secrets/pseudonym.key").chmod(0o644)
    with pytest.raises(ConfigError, match="others can read"):
        pseudonyms_of(workspace, environment={})
