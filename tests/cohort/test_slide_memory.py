"""Slides that an earlier process read are known by size and time of their files."""

import os
from pathlib import Path

import pytest

from shazam import slidefiles
from shazam.cohort import slide_contents
from shazam.cohort.model import Cohort
from shazam.cohort.slide_memory import MEMORY, recall_slides, remember_slides
from shazam.cohort.table import read_table
from shazam.config.cohort import CohortConfig
from shazam.workspace import Workspace
from tests.real_data import write_table

NAMES = ("s0", "s1", "s2")


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """The names of the slides that are read, in a process that knows none."""
    names: list[str] = []
    monkeypatch.setattr(slidefiles, "_HASHED", {})
    hash_slide = slide_contents.hash_slide

    def reading(path: Path) -> str:
        names.append(path.name)
        return hash_slide(path)

    monkeypatch.setattr(slide_contents, "hash_slide", reading)
    return names


@pytest.fixture
def workspace(tmp_path, read) -> Workspace:
    for name in NAMES:
        slide = tmp_path / "slides" / f"{name}.svs"
        slide.parent.mkdir(exist_ok=True)
        slide.write_bytes(name.encode())
    rows = [
        {"case_id": name, "slide_id": name, "time_months": 5, "event": number % 2}
        for number, name in enumerate(NAMES)
    ]
    write_table(tmp_path / "cohort.csv", rows)
    workspace = Workspace(tmp_path / "workspace")
    remember_slides(cohort_of(tmp_path), slides_dir=tmp_path / "slides", workspace=workspace)
    assert sorted(read) == ["s0.svs", "s1.svs", "s2.svs"]
    new_process(read)
    return workspace


def new_process(read: list[str]) -> None:
    slidefiles._HASHED.clear()
    read.clear()


def cohort_of(folder: Path) -> Cohort:
    config = CohortConfig(name="made")
    return read_table(folder / "cohort.csv", slides_dir=folder / "slides", config=config)


def test_a_later_process_reads_no_known_slide(tmp_path, workspace, read):
    before = cohort_of(tmp_path)
    new_process(read)
    assert recall_slides(workspace) == len(NAMES)
    assert cohort_of(tmp_path) == before
    assert read == []


@pytest.mark.parametrize("how", ["size", "time"])
def test_a_slide_that_was_written_to_is_read_again(tmp_path, workspace, read, how):
    path = tmp_path / "slides" / "s1.svs"
    stat = path.stat()
    path.write_bytes(b"longer" if how == "size" else b"s9")
    later = 0 if how == "size" else 1_000_000
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + later))
    assert recall_slides(workspace) == len(NAMES) - 1
    now = cohort_of(tmp_path)
    assert read == ["s1.svs"]
    assert now.slides[1].sha256 == slidefiles.digest_of_slide(path)


def test_a_slide_that_is_gone_is_not_known(tmp_path, workspace):
    (tmp_path / "slides" / "s1.svs").unlink()
    assert recall_slides(workspace) == len(NAMES) - 1


@pytest.mark.parametrize("harm", ["altered", "no seal", "gone", "other format"])
def test_a_damaged_memory_is_none(workspace, harm):
    path = workspace.root / MEMORY
    match harm:
        case "altered":
            path.write_bytes(path.read_bytes().replace(b"s1.svs", b"s2.svs"))
        case "no seal":
            path.with_name(f"{path.name}.sha256").unlink()
        case "gone":
            path.unlink()
        case _:
            slide_memory_of_another_format(path)
    assert recall_slides(workspace) == 0


def slide_memory_of_another_format(path: Path) -> None:
    from shazam.publish import publish_sealed

    publish_sealed(path, lambda target: target.write_bytes(b'{"format": "other", "slides": {}}'))


def test_equal_knowledge_is_not_written_again(tmp_path, workspace, read):
    path = workspace.root / MEMORY
    before = path.stat().st_ino
    recall_slides(workspace)
    remember_slides(cohort_of(tmp_path), slides_dir=tmp_path / "slides", workspace=workspace)
    assert path.stat().st_ino == before
    assert read == []


def test_slides_of_another_folder_stay_known(tmp_path, workspace):
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "slides").rename(other / "slides")
    (tmp_path / "cohort.csv").rename(other / "cohort.csv")
    remember_slides(cohort_of(other), slides_dir=other / "slides", workspace=workspace)
    (other / "slides").rename(tmp_path / "slides")
    assert recall_slides(workspace) == len(NAMES)
