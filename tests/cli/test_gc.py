"""`shazam gc` on workspaces that were written by hand: what refers to what, and what goes."""

import fcntl
import json
import os
import time
from pathlib import Path

import pytest

from shazam.config.tiling import TilingConfig
from shazam.digest import digest_of
from shazam.publish import publish_bytes, publish_json, publish_sealed
from shazam.slides.validate import FindingsKey
from shazam.workspace import Workspace
from tests.command import Outcome, shazam_here

AGES_AGO = 1_600_000_000


def key(name: str) -> str:
    return digest_of({"name": name})


def features(workspace: Path, name: str) -> str:
    uri = f"features/uni/{key(name)}"
    publish_sealed(workspace / uri / "S1.h5", lambda path: path.write_bytes(name.encode()))
    return uri


def manifest(workspace: Path, stage: str, content: object) -> tuple[str, str]:
    """Publish a manifest; returns its digest and uri."""
    digest = digest_of(content)
    uri = f"manifests/{stage}/{digest}.json"
    publish_json(workspace / uri, content)
    return digest, uri


def run_folder(workspace: Path, name: str, content: object) -> str:
    uri = f"runs/{key(name)}"
    publish_json(workspace / uri / "report.json", content)
    publish_json(workspace / uri / "config.json", {"tiling": TilingConfig().model_dump()})
    return uri


def all_keys(workspace: Path) -> set[str]:
    patterns = ("features/*/*", "manifests/*/*", "runs/*", "tiles/*", "slides/*.json", "arms/*/*")
    return {
        path.relative_to(workspace).as_posix()
        for pattern in (*patterns, "cohorts/*", "checkpoints/*", "contact_sheets/*.jpg")
        for path in workspace.glob(pattern)
    }


def gc(workspace: Path, *more: str) -> Outcome:
    for path in workspace.rglob("*"):
        os.utime(path, (AGES_AGO, AGES_AGO))
    return shazam_here("gc", "-w", workspace, "--views", workspace.parent / "data", *more)


@pytest.fixture
def workspace(tmp_path) -> Path:
    """A run, the manifest of its features, and features and a manifest that nobody refers to."""
    root = tmp_path / "ws"
    used = features(root, "used")
    digest, _ = manifest(root, "validate_features", {"uri": used})
    run_folder(root, "run", {"key": {"feature_set": digest}})
    manifest(root, "extract", {"features": [features(root, "unused")]})
    return root


def unused(workspace: Path) -> set[str]:
    (path,) = (workspace / "manifests" / "extract").iterdir()
    return {f"features/uni/{key('unused')}", path.relative_to(workspace).as_posix()}


def test_a_dry_run_tells_keys_and_bytes_and_changes_nothing(workspace):
    before = all_keys(workspace)
    outcome = gc(workspace)
    assert outcome.code == 0, outcome.text
    for uri in unused(workspace):
        assert uri in outcome.out
    assert key("used") not in outcome.out
    assert "2 keys of " in outcome.out
    assert "nothing was removed" in outcome.out
    assert all_keys(workspace) == before
    assert not (workspace / ".shazam.lock").exists()


def test_yes_removes_them_and_what_a_run_reaches_stays(workspace):
    before, gone = all_keys(workspace), unused(workspace)
    outcome = gc(workspace, "--yes")
    assert outcome.code == 0, outcome.text
    assert all_keys(workspace) == before - gone
    assert "0 keys of 0 bytes are removed" in gc(workspace, "--yes").out


def test_what_is_young_stays_with_all_that_it_refers_to(workspace):
    before = all_keys(workspace)
    (path,) = (workspace / "manifests" / "extract").iterdir()
    gc(workspace)  # everything is old now
    now = time.time()
    os.utime(path, (now, now))
    options = ("gc", "-w", workspace, "--views", workspace / "none", "--yes")
    assert shazam_here(*options).code == 0
    assert all_keys(workspace) == before
    assert shazam_here(*options, "--keep-days", "0").code == 0
    assert len(all_keys(workspace)) == len(before) - 2


def test_runs_go_only_if_asked_with_what_they_alone_reach(workspace):
    outcome = gc(workspace, "--runs", "--yes")
    assert outcome.code == 0, outcome.text
    assert all_keys(workspace) == set()


def test_a_file_that_two_runs_share_holds_neither(workspace):
    """A run's copy of the splits is no reason to keep the run when another refers to the splits."""
    digest, _ = manifest(workspace, "split", {"folds": []})
    for name in ("registered", "other"):
        folder = run_folder(workspace, name, {"key": {"splits": digest}})
        publish_json(workspace / folder / "splits.json", {"folds": []})
    view = {"ref": {"uri": f"runs/{key('registered')}"}, "files": {}}
    publish_json(workspace.parent / "data" / "kept" / "manifest.json", view)
    assert gc(workspace, "--runs", "--yes").code == 0
    assert {path.name for path in (workspace / "runs").iterdir()} == {key("registered")}
    assert (workspace / "manifests" / "split" / f"{digest}.json").is_file()


def test_what_a_view_shows_stays(workspace):
    before = all_keys(workspace)
    (path,) = (workspace / "manifests" / "extract").iterdir()
    shown = {"ref": {"uri": path.relative_to(workspace).as_posix()}, "files": {}}
    publish_json(workspace.parent / "data" / "extract" / "uni" / "manifest.json", shown)
    assert gc(workspace, "--yes").code == 0
    assert all_keys(workspace) == before


@pytest.mark.parametrize("place", ["folder", "cache"])
def test_what_a_pointer_of_dvc_names_stays(workspace, place):
    source = workspace / "features" / "uni" / key("unused") / "S1.h5"
    pointer = {"outs": [{"md5": "ab" * 16 + ".dir", "path": "uni"}]}
    publish_json(workspace / "data" / "features" / "uni.dvc", pointer)  # JSON is YAML
    cache = workspace / ".dvc" / "cache" / "files" / "md5"
    if place == "folder":
        link = workspace / "data" / "features" / "uni" / "S1.h5"
    else:
        publish_json(cache / "ab" / f"{'ab' * 15}.dir", [{"md5": "cd" * 16, "relpath": "S1.h5"}])
        link = cache / "cd" / ("cd" * 15)
    link.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, link)
    outcome = gc(workspace, "--yes")
    assert outcome.code == 0, outcome.text
    assert source.is_file()
    assert not list((workspace / "manifests" / "extract").iterdir())


def test_what_a_locked_cohort_refers_to_stays(workspace):
    cohort = workspace / "cohorts" / key("cohort") / "cohort.parquet"
    publish_bytes(cohort, b"PAR1")
    publish_json(workspace / "locked" / "test" / "cohort.json", {"cohort_sha256": key("cohort")})
    assert gc(workspace, "--yes").code == 0
    assert cohort.is_file()
    (workspace / "locked" / "test" / "cohort.json").unlink()
    assert gc(workspace, "--yes").code == 0
    assert not cohort.exists()


def test_findings_of_slides_that_stay_stay(workspace):
    slides = {name: key(f"bytes of {name}") for name in ("in", "out")}
    for sha256 in slides.values():
        found = digest_of(FindingsKey.of(sha256, config=TilingConfig()))
        publish_sealed(workspace / "slides" / f"{found}.json", lambda p: p.write_bytes(b"{}"))
    digest, _ = manifest(workspace, "tile", {"slides": [{"sha256": slides["in"]}]})
    run_folder(workspace, "other", {"tiles": digest})
    assert gc(workspace, "--yes").code == 0
    kept = digest_of(FindingsKey.of(slides["in"], config=TilingConfig()))
    assert sorted(p.name for p in (workspace / "slides").iterdir()) == [
        f"{kept}.json",
        f"{kept}.json.sha256",
    ]


def test_fits_that_were_left_and_pictures_go(workspace):
    publish_bytes(workspace / "checkpoints" / key("fit") / "state.safetensors", b"x")
    publish_bytes(workspace / "contact_sheets" / f"{key('sheet')}.jpg", b"x")
    publish_bytes(workspace / "arms" / "abmil.uni" / key("arm") / "predictions.parquet", b"x")
    assert gc(workspace, "--yes").code == 0
    assert {uri.split("/")[0] for uri in all_keys(workspace)} == {"features", "manifests", "runs"}


@pytest.mark.parametrize("more", [(), ("--yes",)])
def test_a_workspace_that_a_run_holds_is_left_alone(workspace, more):
    before = all_keys(workspace)
    with (workspace / ".shazam.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        outcome = gc(workspace, *more)
    assert outcome.code == 1, outcome.text
    assert "uses it" in outcome.err
    assert all_keys(workspace) == before


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    outcome = shazam_here("gc", "-w", tmp_path / "absent", "--yes")
    assert outcome.code == 45
    assert not (tmp_path / "absent").exists()


def test_a_copy_of_a_workspace_is_refused(workspace):
    (workspace / "workspace.json").write_text(json.dumps({"root": "/elsewhere"}))
    assert gc(workspace).code == 45
    assert Workspace(workspace).root.is_dir()


def test_pictures_and_fetched_slides_stay_only_where_a_run_names_them(tmp_path):
    root = tmp_path / "ws"
    versions = {name: key(name)[:32] for name in ("kept", "gone")}
    for name, md5 in versions.items():
        publish_bytes(root / "slides_by_version" / md5 / "S1.tiff", name.encode())
        picture = root / "attention" / key(f"{name} picture") / "S1.jpg"
        publish_sealed(picture, lambda path, name=name: path.write_bytes(name.encode()))
    named = {"md5": f"{versions['kept']}.dir", "picture": f"attention/{key('kept picture')}/S1.jpg"}
    digest, _ = manifest(root, "validate_features", named)
    run_folder(root, "run", {"key": {"feature_set": digest}})
    assert gc(root, "--yes").code == 0
    folders = (root / "slides_by_version", root / "attention")
    left = {path.name for folder in folders for path in folder.iterdir()}
    assert left == {versions["kept"], key("kept picture")}
