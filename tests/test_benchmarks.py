"""The benchmarks run; what they find is not judged here."""

import json
import subprocess
import sys

import pytest

from shazam.stages import SOURCE_ROOT
from tests.real_data import shared_data

pytestmark = [pytest.mark.integration]


def test_a_row_is_measured_printed_and_kept(tmp_path):
    shared_data()
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "--only",
        "bytes on disk",
        "--results",
        str(tmp_path),
    ]
    done = subprocess.run(
        command, cwd=SOURCE_ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads((tmp_path / "extraction.json").read_bytes()).values()
    measured = row["measured"]
    assert row["ratio"] == pytest.approx(measured["ours_bytes"] / measured["pt_bytes"])
    assert f"{row['ratio']:.3f}" in done.stdout
    assert row["machine"]["cores"] >= 1


def test_the_folder_of_real_slides_must_be_named(monkeypatch):
    monkeypatch.delenv("SHAZAM_SHARED_DATA", raising=False)
    command = [sys.executable, "-m", "benchmarks"]
    done = subprocess.run(command, cwd=SOURCE_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "SHAZAM_SHARED_DATA" in done.stderr


def test_a_name_that_no_row_has_is_an_error(tmp_path):
    shared_data()
    command = [sys.executable, "-m", "benchmarks", "--only", "bytes on a disc"]
    done = subprocess.run(
        [*command, "--results", str(tmp_path)],
        cwd=SOURCE_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--only: no row has 'bytes on a disc' in its name" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_simulation_needs_no_data_and_has_a_trial(tmp_path, monkeypatch):
    monkeypatch.delenv("SHAZAM_SHARED_DATA", raising=False)
    command = [sys.executable, "-m", "benchmarks", "--only", "simulation", "--quick"]
    done = subprocess.run(
        [*command, "--results", str(tmp_path)],
        cwd=SOURCE_ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "simulation.json").read_bytes())
    assert all(name.startswith("simulation: ") for name in rows)
    assert "4 runs" in rows["simulation: equal arms differ, by p"]["against"]
    assert list(tmp_path.iterdir()) == [tmp_path / "simulation.json"]
