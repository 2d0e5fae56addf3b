"""Claims: one owner at a time, and none after the owner's death."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shazam.errors import ConfigError, DiskFullError
from shazam.features import claims as module
from shazam.features.claims import Claims

HOLDER = """
import sys, time
from pathlib import Path
from shazam.features.claims import Claims
claims = Claims()
assert claims.take([Path(sys.argv[1])])
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds a claim."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "S1.h5")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "held"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_target_has_one_owner(tmp_path):
    first, second = Claims(), Claims()
    assert first.take([tmp_path / "S1.h5"])
    assert not second.take([tmp_path / "S1.h5"])
    first.release([tmp_path / "S1.h5"])
    assert second.take([tmp_path / "S1.h5"])


def test_all_targets_are_claimed_or_none(tmp_path):
    first, second = Claims(), Claims()
    assert first.take([tmp_path / "b.h5"])
    assert not second.take([tmp_path / "a.h5", tmp_path / "b.h5", tmp_path / "c.h5"])
    assert first.take([tmp_path / "a.h5", tmp_path / "c.h5"])


def test_released_claims_leave_no_files(tmp_path):
    claims = Claims()
    claims.take([tmp_path / "deep" / "a.h5", tmp_path / "b.h5"])
    claims.release_all()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_claim_of_a_living_process_holds(tmp_path, holder):
    assert not Claims().take([tmp_path / "S1.h5"])


def test_a_claim_does_not_survive_its_owner(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert Claims().take([tmp_path / "S1.h5"])


def test_a_lock_file_that_was_left_behind_is_no_claim(tmp_path):
    (tmp_path / ".S1.h5.lock").touch()
    assert Claims().take([tmp_path / "S1.h5"])


def test_a_lock_on_a_file_that_its_last_owner_deleted_does_not_count(tmp_path, monkeypatch):
    path = tmp_path / ".S1.h5.lock"
    real, calls = os.open, []

    def open_and_delete(name, *arguments):
        handle = real(name, *arguments)
        calls.append(name)
        if len(calls) == 1:
            Path(name).unlink()
        return handle

    monkeypatch.setattr(module.os, "open", open_and_delete)
    claims = Claims()
    assert claims.take([tmp_path / "S1.h5"])
    assert len(calls) == 2
    assert path.exists()
    assert not Claims().take([tmp_path / "S1.h5"])


def test_a_disk_too_full_for_a_claim_is_named_and_nothing_stays_claimed(tmp_path, monkeypatch):
    real = os.open

    def full(name, *arguments):
        if Path(name).name == ".b.h5.lock":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(name, *arguments)

    monkeypatch.setattr(module.os, "open", full)
    claims = Claims()
    with pytest.raises(DiskFullError, match=r"b\.h5: not written"):
        claims.take([tmp_path / "a.h5", tmp_path / "b.h5"])
    claims.release_all()
    assert Claims().take([tmp_path / "a.h5"])


def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch):
    def refuse(handle, how):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(module.fcntl, "flock", refuse)
    with pytest.raises(ConfigError, match="knows no locks"):
        Claims().take([tmp_path / "S1.h5"])
