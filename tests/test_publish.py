"""Publishing: all of a file under its name, or nothing."""

import errno
import os
import stat
from pathlib import Path

import pytest

from shazam.digest import digest_of_file
from shazam.errors import ArtifactError, DiskFullError
from shazam.publish import (
    publish,
    publish_bytes,
    publish_folder,
    publish_json,
    publish_link,
    publish_private,
    sweep,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_publish_gives_the_digest_of_the_bytes(tmp_path):
    sha256 = publish_bytes(tmp_path / "deep" / "file.bin", b"content")
    assert sha256 == digest_of_file(tmp_path / "deep" / "file.bin")
    assert names(tmp_path / "deep") == ["file.bin"]


def test_a_failing_writer_leaves_the_old_file_and_no_trace(tmp_path):
    target = tmp_path / "file.bin"
    publish_bytes(target, b"old")

    def write(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        publish(target, write)
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["file.bin"]


def test_a_failing_check_publishes_nothing(tmp_path):
    def check(path: Path) -> None:
        raise ArtifactError("not what was meant")

    with pytest.raises(ArtifactError, match="not what was meant"):
        publish(tmp_path / "file.bin", lambda path: path.write_bytes(b"x") and None, check=check)
    assert names(tmp_path) == []


def test_an_empty_file_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="empty"):
        publish(tmp_path / "file.bin", lambda path: None)


def test_the_writer_sees_the_suffix_of_the_target(tmp_path):
    seen = []
    publish(tmp_path / "a.parquet", lambda path: seen.append(path.suffix) or path.write_text("x"))
    assert seen == [".parquet"]


def test_published_files_are_readable_by_the_group_as_the_umask_says(tmp_path):
    umask = os.umask(0o022)
    try:
        publish_json(tmp_path / "a.json", {"a": 1})
    finally:
        os.umask(umask)
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o644


def test_a_link_shares_the_bytes(tmp_path):
    publish_bytes(tmp_path / "a", b"content")
    sha256 = publish_link(tmp_path / "b", tmp_path / "a")
    assert (tmp_path / "a").samefile(tmp_path / "b")
    assert sha256 == digest_of_file(tmp_path / "a")


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    def fail(folder: Path) -> None:
        (folder / "page.html").write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        publish_folder(tmp_path / "docs", fail)
    assert names(tmp_path) == []
    publish_folder(tmp_path / "docs", lambda folder: (folder / "a").write_text("a") and None)
    assert names(tmp_path / "docs") == ["a"]
    with pytest.raises(ArtifactError, match="exists already"):
        publish_folder(tmp_path / "docs", fail)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_and_leaves_what_was_there(tmp_path, code):
    target = tmp_path / "file.bin"
    publish_bytes(target, b"old")

    def write(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(code, os.strerror(code))

    with pytest.raises(DiskFullError, match=r"file\.bin: not written"):
        publish(target, write)
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["file.bin"]


def test_what_a_killed_writer_left_is_swept_and_nothing_else(tmp_path):
    target = tmp_path / "S[1].h5"
    publish_bytes(target, b"whole")
    (tmp_path / ".S[1].abc123.tmp.h5").write_bytes(b"half")
    (tmp_path / ".S[1].h5.abc123.tmp.sha256").write_bytes(b"half")
    (tmp_path / ".S1.abc123.tmp.h5").write_bytes(b"of another file")
    sweep(target)
    assert names(tmp_path) == [".S1.abc123.tmp.h5", "S[1].h5"]


def test_a_stop_right_after_the_temporary_came_into_being_leaves_nothing(tmp_path, monkeypatch):
    created = Path.touch

    def stopped(path: Path, *args, **kwargs) -> None:
        created(path, *args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "touch", stopped)
    with pytest.raises(KeyboardInterrupt):
        publish_bytes(tmp_path / "file.bin", b"x")
    assert names(tmp_path) == []


def test_a_stop_right_after_the_temporary_folder_came_into_being_leaves_nothing(
    tmp_path, monkeypatch
):
    created = Path.mkdir

    def stopped(path: Path, *args, **kwargs) -> None:
        created(path, *args, **kwargs)
        if path.name.startswith("."):
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "mkdir", stopped)
    with pytest.raises(KeyboardInterrupt):
        publish_folder(tmp_path / "folder", lambda folder: None)
    assert names(tmp_path) == []


def test_what_is_private_is_readable_by_nobody_else_at_any_moment(tmp_path, monkeypatch):
    modes, real = [], os.link

    def linking(source, target):
        modes.append(stat.S_IMODE(Path(source).stat().st_mode))
        real(source, target)

    monkeypatch.setattr("shazam.publish.os.link", linking)
    before = os.umask(0)
    try:
        publish_private(tmp_path / "secret", b"x")
    finally:
        os.umask(before)
    modes.append(stat.S_IMODE((tmp_path / "secret").stat().st_mode))
    assert modes == [0o600, 0o600]
    with pytest.raises(FileExistsError):
        publish_private(tmp_path / "secret", b"y")
    assert (tmp_path / "secret").read_bytes() == b"x"
    assert list(tmp_path.iterdir()) == [tmp_path / "secret"]
