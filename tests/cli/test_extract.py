"""`shazam extract`: killed, stopped, sharded, side by side; the bytes are always the same."""

import shutil
import signal
import time
from pathlib import Path

import pytest

from shazam.cli.extract import _cohort, extract
from shazam.config import load_config
from shazam.errors import ConfigError
from shazam.stages import SOURCE_ROOT
from shazam.workspace import Workspace
from tests.command import fresh_shazam, settings, shazam, start_shazam
from tests.real_data import write_table
from tests.slides.made import make_slide, tissue_picture

NAMES = [f"S{number}" for number in range(6)]
TEACHER = "efficientnet_lite0"
WAIT_S = 240


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("extract")
    for number, name in enumerate(NAMES):
        make_slide(folder / "slides", name, rgb=tissue_picture(seed=number))
    rows = [
        {"case_id": name, "slide_id": name, "time_months": 12 + number, "event": number % 2}
        for number, name in enumerate(NAMES)
    ]
    write_table(folder / "cohort.csv", rows)
    return folder


def arguments(cohort: Path, workspace: Path, *more: str, n_readers: int = 0) -> list[str | Path]:
    sources = [
        f"cohort.table={cohort / 'cohort.csv'}",
        f"cohort.slides_dir={cohort / 'slides'}",
        "extraction.batch_size=4",
        f"extraction.readers={n_readers}",
    ]
    config = SOURCE_ROOT / "configs" / "survival.yaml"
    return ["extract", "-c", config, "-w", workspace, *settings(sources), *more]


def features(workspace: Path) -> dict[str, bytes]:
    found = (workspace / "features").rglob("*.h5")
    return {p.relative_to(workspace).as_posix(): p.read_bytes() for p in found if p.name[0] != "."}


@pytest.fixture(scope="module")
def undisturbed(cohort):
    workspace = cohort / "undisturbed"
    outcome = fresh_shazam(*arguments(cohort, workspace, "--teachers", TEACHER))
    assert outcome.code == 0, outcome.text
    assert (workspace / outcome.last_line).is_file()
    assert "6 slides, 72 tiles under 1 teacher(s), 0 quarantined" in outcome.out
    return features(workspace)


def wait_for_files(workspace: Path, n_files: int) -> None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if len(list((workspace / "features").rglob("S*.h5.sha256"))) >= n_files:
            return
        time.sleep(0.005)
    raise TimeoutError(f"{n_files} feature files did not come")


@pytest.mark.parametrize(("n_files", "n_readers"), [(1, 1), (4, 0)])
def test_a_killed_extraction_resumes_to_the_same_bytes(
    cohort, undisturbed, tmp_path, n_files, n_readers
):
    command = arguments(cohort, tmp_path, "--teachers", TEACHER, n_readers=n_readers)
    process = start_shazam(*command)
    wait_for_files(tmp_path, n_files)
    process.stop(signal.SIGKILL)
    assert process.wait().code == -signal.SIGKILL
    kept = {
        seal.with_suffix(""): seal.with_suffix("").stat().st_mtime_ns
        for seal in (tmp_path / "features").rglob("S*.h5.sha256")
    }
    outcome = shazam(*command)
    assert outcome.code == 0, outcome.text
    assert features(tmp_path) == undisturbed
    assert {path: path.stat().st_mtime_ns for path in kept} == kept  # none was made again
    assert list((tmp_path / "features").rglob("*.tmp*")) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_extraction_ends_with_its_code_and_nothing_half_written(
    cohort, undisturbed, tmp_path, number
):
    process = start_shazam(*arguments(cohort, tmp_path, "--teachers", TEACHER, n_readers=1))
    wait_for_files(tmp_path, 1)
    process.stop(number)
    outcome = process.wait(within_s=WAIT_S)
    assert outcome.code == 143, outcome.text
    assert "Traceback" not in outcome.err
    assert [p.name for p in (tmp_path / "features").rglob(".*")] == []
    assert features(tmp_path).items() <= undisturbed.items()


def test_processes_side_by_side_make_every_file_once(cohort, undisturbed, tmp_path):
    """A shard, and a process without one, in one workspace at the same time."""
    shutil.copytree(cohort / "undisturbed", tmp_path / "ws")
    shutil.rmtree(tmp_path / "ws" / "features")
    (tmp_path / "ws" / "workspace.json").unlink()
    commands = [
        arguments(cohort, tmp_path / "ws", "--teachers", TEACHER, "--shard", shard)
        for shard in ("0/2", "1/1")
    ]
    processes = [start_shazam(*command) for command in commands]
    ended = [process.wait(within_s=WAIT_S) for process in processes]
    assert [outcome.code for outcome in ended] == [0, 0], ended
    assert features(tmp_path / "ws") == undisturbed
    assert [p.name for p in (tmp_path / "ws" / "features").rglob(".*")] == []


@pytest.mark.parametrize("harm", ["gone", "altered", "garbage record"])
def test_a_cohort_that_was_lost_from_the_workspace_is_read_again(cohort, tmp_path, harm):
    sources = [
        f"cohort.table={cohort / 'cohort.csv'}",
        f"cohort.slides_dir={cohort / 'slides'}",
    ]
    config = load_config(SOURCE_ROOT / "configs" / "survival.yaml", overrides=sources).config
    workspace = Workspace(tmp_path)
    first = _cohort(config, workspace)
    path = workspace.open_ref(first)
    match harm:
        case "gone":
            path.unlink()
        case "altered":
            path.write_bytes(b"altered")
        case _:
            (record,) = (tmp_path / "manifests" / "ingest").iterdir()
            record.write_bytes(b"{garbage")
    assert _cohort(config, workspace) == first
    assert workspace.open_ref(first) == path


@pytest.mark.parametrize(
    ("teachers", "shard", "message"),
    [
        (None, "5/4", "write it as i/n"),
        ("nobody", "0/1", "teacher 'nobody' is unknown"),
        (f"{TEACHER},{TEACHER}", "0/1", "name each teacher once"),
        (",", "0/1", "name each teacher once"),
        ("uni_v2", "0/1", "shazam teachers fetch"),
    ],
)
def test_what_cannot_be_asked_is_refused(cohort, tmp_path, teachers, shard, message):
    with pytest.raises(ConfigError, match=message):
        extract(
            SOURCE_ROOT / "configs" / "survival.yaml",
            workspace=tmp_path / "ws",
            teachers=teachers,
            shard=shard,
            overrides=[f"cohort.table={cohort / 'cohort.csv'}"],
            strict=False,
        )
    assert not (tmp_path / "ws").exists()
