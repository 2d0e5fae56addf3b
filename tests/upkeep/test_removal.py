"""Removing keys: what a stop leaves never looks whole, and bytes count where no link is left."""

import os
import shutil
from unittest.mock import patch

import pytest

from shazam.publish import publish_sealed, sealed_digest
from shazam.upkeep.contents import digests_in, items_of, mentions_of, names_of
from shazam.upkeep.removal import freed_bytes, remove, sweep_removed
from shazam.workspace import Workspace

KEY, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    for name in (f"tiles/{KEY}/S1.h5", f"features/uni/{KEY}/S1.h5", f"slides/{KEY}.json"):
        publish_sealed(
            tmp_path / name, lambda path: path.write_bytes(b'{"x": "' + b"c" * 64 + b'"}')
        )
    return Workspace(tmp_path)


def test_a_key_is_a_folder_or_a_file_with_its_seal(workspace):
    (workspace.root / "tiles" / "by_hand").mkdir()
    (workspace.root / "notes.txt").write_text("mine")
    (workspace.root / "features" / "uni" / f".{KEY}.tmp").mkdir()
    found = {item.uri: item for item in items_of(workspace)}
    assert set(found) == {f"features/uni/{KEY}", f"slides/{KEY}.json", f"tiles/{KEY}"}
    slide = found[f"slides/{KEY}.json"]
    assert [path.name for path in slide.files] == [f"{KEY}.json", f"{KEY}.json.sha256"]
    assert slide.n_bytes == sum(path.stat().st_size for path in slide.files)
    assert (slide.kind, slide.key) == ("slides", KEY)


def test_a_key_is_meant_by_its_name_and_by_the_digests_of_its_files(workspace):
    tiles = next(item for item in items_of(workspace) if item.kind == "tiles")
    assert names_of(tiles) == {KEY, sealed_digest(workspace.path(f"tiles/{KEY}/S1.h5"))}
    slide = next(item for item in items_of(workspace) if item.kind == "slides")
    assert mentions_of(slide) == {"c" * 64}
    assert mentions_of(tiles) == frozenset()  # no text


def test_longer_runs_of_hexadecimal_digits_are_no_digest(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(f'["{KEY}", "{OTHER}0", "{"d" * 63}"]')
    assert list(digests_in(path)) == [KEY]


def test_removed_keys_are_gone_and_the_others_stay(workspace):
    items = items_of(workspace)
    for item in items[:2]:
        remove(item, workspace=workspace)
    assert items_of(workspace) == items[2:]
    assert not list(workspace.root.rglob(".gone-*"))


@pytest.mark.parametrize("uri", [f"tiles/{KEY}", f"slides/{KEY}.json"])
def test_a_stop_leaves_nothing_that_looks_whole(workspace, uri):
    item = next(item for item in items_of(workspace) if item.uri == uri)
    deleted = []

    def stop(path, *_args, **_options):
        if deleted:
            raise KeyboardInterrupt
        deleted.append(path)
        os.remove(path)  # noqa: PTH107

    with (
        patch.object(type(workspace.root), "unlink", stop),
        patch.object(shutil, "rmtree", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        remove(item, workspace=workspace)
    target = workspace.path(uri)
    assert sealed_digest(target if target.suffix else target / "S1.h5") is None
    sweep_removed(workspace)
    assert not list(workspace.root.rglob(".gone-*"))


def test_the_disk_gets_back_what_no_other_name_holds(workspace):
    tiles = next(item for item in items_of(workspace) if item.kind == "tiles")
    assert freed_bytes([tiles]) == tiles.n_bytes
    os.link(workspace.path(f"tiles/{KEY}/S1.h5"), workspace.root / "linked.h5")
    held = workspace.path(f"tiles/{KEY}/S1.h5").stat().st_size
    assert freed_bytes([tiles]) == tiles.n_bytes - held
