"""A folder is exactly its bundle, or is refused with the name of what is not."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from shazam.digest import canonical_json
from shazam.errors import ArtifactError
from shazam.promotion import build_bundle, folder_check
from shazam.promotion.folder_check import check_folder, read_file
from shazam.publish import publish_json

NAMES = ("config.json", "models/m.json", "models/m.safetensors")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "bundle"
    for name in NAMES:
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(name)
    publish_json(made / "bundle.json", build_bundle({n: made / n for n in NAMES}))
    return made


def replace_by_link(path: Path) -> None:
    path.rename(path.parents[1] / f"{path.name}.kept")
    path.symlink_to(path.parents[1] / f"{path.name}.kept")


def write_in(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("x")


def fifo(folder: Path) -> None:
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")


def folder_as_file(folder: Path) -> None:
    (folder / "config.json").unlink()
    write_in(folder, "config.json/x.json")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda f: (f / "config.json").write_text("other"), r"config\.json was altered"),
        (lambda f: (f / "config.json").write_text("conf"), r"config\.json.*truncated \(4 bytes"),
        (lambda f: (f / "config.json").write_text(""), r"config\.json.*truncated to nothing"),
        (lambda f: (f / "models/m.json").unlink(), r"models/m\.json is missing"),
        (lambda f: write_in(f, "models/x.json"), r"not of the bundle: models/x\.json"),
        (lambda f: write_in(f, ".hidden"), r"not of the bundle: \.hidden"),
        (lambda f: write_in(f, ".git/hooks/x"), r"not of the bundle: \.git/hooks/x"),
        (lambda f: write_in(f, "models/bundle.sig"), r"not of the bundle: models/bundle\.sig"),
        (lambda f: (f / "models/none").mkdir(), r"models/none: an empty folder"),
        (lambda f: (f / "config.json").rename(f / "b.json"), r"b\.json: is config\.json, renamed"),
        (
            lambda f: (f / "config.json").rename(f / "Config.json"),
            r"Config\.json: is config\.json in other upper and lower case",
        ),
        (lambda f: replace_by_link(f / "models/m.json"), r"models/m\.json: a symbolic link"),
        (lambda f: replace_by_link(f / "models"), r"models: a symbolic link"),
        (lambda f: (f / "bundle.sig").symlink_to(f / "config.json"), r"bundle\.sig: a symbolic"),
        (fifo, r"config\.json: a pipe, socket or device"),
        (folder_as_file, r"config\.json is missing"),
    ],
)
def test_what_is_not_the_bundle_is_named(
    change: Callable[[Path], object], told: str, folder: Path
) -> None:
    check_folder(folder)
    change(folder)
    with pytest.raises(ArtifactError, match=told):
        check_folder(folder)


def test_a_signature_and_a_link_to_the_folder_are_allowed(folder: Path, tmp_path: Path) -> None:
    (folder / "bundle.sig").write_text("x")
    (tmp_path / "link").symlink_to(folder)
    assert set(check_folder(tmp_path / "link").files) == set(NAMES)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["../config.json"], "lies outside the folder"),
        (["models/../config.json"], "lies outside the folder"),
        (["/etc/x.json"], "is absolute"),
        (["models\\m.json"], "backslash or NUL"),
        (["a\0.json"], "backslash or NUL"),
        (["./a.json"], "no plain relative path"),
        (["models//m.json"], "no plain relative path"),
        ([""], "no plain relative path"),
        (["e\u0301.json"], "form NFC"),
        (["bundle.json"], "kept for the manifest"),
        (["Bundle.sig"], "kept for the manifest"),
        (["A.json", "a.json"], "A.json and a.json differ only in"),
        (["stra\u00dfe.json", "strasse.json"], "differ only in"),
        (["A/x.json", "a/y.json"], "A and a differ only in"),
    ],
)
def test_a_name_that_no_bundle_may_hold_is_refused(
    names: list[str], told: str, folder: Path
) -> None:
    files = dict.fromkeys(names, "0" * 64)
    text = canonical_json({"format": "shazam-bundle-2", "files": files})
    (folder / "bundle.json").write_bytes(text)
    with pytest.raises(ArtifactError, match=told):
        check_folder(folder)


@pytest.mark.parametrize("digest", ["", "0" * 63, "A" * 64, "0" * 64 + "\n"])
def test_a_digest_that_is_none_is_refused(digest: str, folder: Path) -> None:
    files = {"config.json": digest}
    text = canonical_json({"format": "shazam-bundle-2", "files": files})
    (folder / "bundle.json").write_bytes(text)
    with pytest.raises(ArtifactError, match=r"the digest of config\.json is no SHA-256"):
        check_folder(folder)


@pytest.mark.parametrize(
    ("spell", "told"),
    [
        (lambda text: text + b"\n", "one canonical form"),
        (lambda text: json.dumps(json.loads(text)).encode(), "one canonical form"),
        (lambda text: b'{"format":"shazam-bundle-2",' + text[1:], "stands twice"),
        (lambda text: text[:-1] + b',"more":1}', "missing or damaged"),
        (lambda text: text[:-1], "missing or damaged"),
        (lambda text: b"\xff" + text, "missing or damaged"),
        (lambda text: b"[" * 100_000, "missing or damaged"),
        (lambda text: b"[]", "missing or damaged"),
    ],
)
def test_another_spelling_of_the_manifest_is_refused(
    spell: Callable[[bytes], bytes], told: str, folder: Path
) -> None:
    path = folder / "bundle.json"
    path.write_bytes(spell(path.read_bytes()))
    with pytest.raises(ArtifactError, match=told):
        check_folder(folder)


@pytest.mark.parametrize("link", [True, False])
def test_a_manifest_that_is_a_link_or_gone_is_told(link: bool, folder: Path) -> None:
    path = folder / "bundle.json"
    path.rename(folder.parent / "kept.json")
    if link:
        path.symlink_to(folder.parent / "kept.json")
    with pytest.raises(ArtifactError, match=r"bundle\.json: missing or damaged, or a symbolic"):
        check_folder(folder)


def test_a_folder_that_is_replaced_while_it_is_checked_is_not_mixed_with_the_other(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its names and its bytes are those of one folder, whatever takes its path meanwhile."""
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    write_in(other, ".git/hooks/x")
    (other / "config.json").write_text("other")
    real = folder_check._names

    def swapping(held):
        folder.rename(tmp_path / "moved")
        folder.symlink_to(other)
        return real(held)

    monkeypatch.setattr(folder_check, "_names", swapping)
    assert set(check_folder(folder).files) == set(NAMES)
    monkeypatch.setattr(folder_check, "_names", real)
    with pytest.raises(ArtifactError, match=r"\.git/hooks/x"):
        check_folder(folder)


def test_a_folder_that_becomes_a_link_while_it_is_listed_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = folder_check._digest

    def swapping(held, name):
        if not (tmp_path / "kept").exists():
            (folder / "models").rename(tmp_path / "kept")
            (folder / "models").symlink_to(tmp_path / "kept")
        return real(held, name)

    monkeypatch.setattr(folder_check, "_digest", swapping)
    with pytest.raises(ArtifactError, match=r"models/m\.json: missing or damaged, or a symbolic"):
        check_folder(folder)


def test_a_file_is_compared_as_it_is_read(folder: Path) -> None:
    digest = check_folder(folder).files["config.json"]
    assert read_file(folder, "config.json", sha256=digest) == b"config.json"
    (folder / "config.json").write_text("config.JSON")
    with pytest.raises(ArtifactError, match=r"config\.json was altered"):
        read_file(folder, "config.json", sha256=digest)


def test_folders_too_deep_and_folders_that_are_none_are_named(folder: Path) -> None:
    write_in(folder, "/".join("a" * 17) + "/x.json")
    with pytest.raises(ArtifactError, match="more than 16 folders deep"):
        check_folder(folder)
    with pytest.raises(ArtifactError, match="no folder"):
        check_folder(folder / "config.json")
