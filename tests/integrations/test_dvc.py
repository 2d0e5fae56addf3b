"""Versions of bytes: named by DVC, stored once, equal for equal content."""

import pytest

from shazam.integrations.dvc import VIEW_MANIFEST, freeze_folder, freeze_view
from shazam.publish import publish_bytes
from shazam.workspace import Workspace

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


def publish_features(workspace, **contents):
    paths = {}
    for name, content in contents.items():
        paths[f"{name}.h5"] = workspace.root / "features" / name / "x.h5"
        publish_bytes(paths[f"{name}.h5"], content)
    return paths


def test_equal_content_has_equal_versions(workspace):
    files = publish_features(workspace, a=b"1" * 1000, b=b"2" * 1000)
    first = freeze_view("features/t", files, workspace=workspace)
    again = freeze_view("features/t", files, workspace=workspace)
    assert first == again
    assert (first.path, first.n_files) == ("data/features/t", 3)
    assert first.md5.endswith(".dir")


def test_other_content_has_another_version_and_stale_files_leave_the_view(workspace):
    files = publish_features(workspace, a=b"1" * 1000, b=b"2" * 1000)
    first = freeze_view("features/t", files, workspace=workspace)
    del files["b.h5"]
    second = freeze_view("features/t", files, workspace=workspace)
    assert first.md5 != second.md5
    names = {path.name for path in (workspace.root / "data/features/t").iterdir()}
    assert names == {"a.h5", VIEW_MANIFEST}


def test_bytes_are_stored_once(workspace):
    files = publish_features(workspace, a=b"1" * 1000)
    freeze_view("features/t", files, workspace=workspace)
    inode = files["a.h5"].stat().st_ino
    assert (workspace.root / "data/features/t/a.h5").stat().st_ino == inode
    cached = {path.stat().st_ino for path in (workspace.root / ".dvc/cache").rglob("*")}
    assert inode in cached


def test_the_pointer_file_names_the_version(workspace):
    publish_bytes(workspace.root / "slides" / "a.tiff", b"pixels")
    version = freeze_folder(workspace.root / "slides", workspace=workspace)
    assert version.md5 in (workspace.root / "slides.dvc").read_text()


def test_telemetry_and_update_checks_are_off(workspace):
    publish_bytes(workspace.root / "slides" / "a.tiff", b"pixels")
    freeze_folder(workspace.root / "slides", workspace=workspace)
    config = (workspace.root / ".dvc" / "config").read_text()
    assert "analytics = False" in config
    assert "check_update = False" in config
