"""The numbers of docs/scale.md are those of the code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from benchmarks.scale import LARGE, LARGE_TEACHERS, NAME
from shazam.config import load_config
from shazam.stages import SOURCE_ROOT
from shazam.teachers.catalogue import shipped_catalogue
from shazam.teachers.entry import Hub
from shazam.teachers.lock import Lock, LockedFile, LockedTeacher, write_lock
from shazam.upkeep.throughput import ASSUMED_PATCH_PX, SUSTAINED, TILE_PX
from shazam.upkeep.todo import ASSUMED_TILES, TeacherToDo, extraction_to_do
from shazam.workspace import Workspace
from tests.features.made import MeanColour, extracted, tiled
from tests.slides.made import make_slide, tissue_picture

PAGE = (SOURCE_ROOT / "docs" / "scale.md").read_text()
SLIDE_GB = 1
FILES, TEACHER_FILES, FOLDERS, TEACHER_FOLDERS = 6, 2, 1, 1


@dataclass(frozen=True)
class Unread:
    """A slide of a table whose bytes were not read."""

    path: str
    size_bytes: int = SLIDE_GB * 10**9
    sha256: str = ""


@pytest.fixture(scope="module")
def planned(tmp_path_factory) -> tuple[TeacherToDo, ...]:
    folder = tmp_path_factory.mktemp("scale")
    lock = Lock()
    for name in LARGE_TEACHERS:
        source = shipped_catalogue().entry(name).source
        assert isinstance(source, Hub)
        file = LockedFile(file="weights", sha256="1" * 64, size_bytes=1)
        locked = LockedTeacher(hub_id=source.hub_id, revision="0" * 40, files=(file,))
        lock = lock.with_entry(name, locked)
    write_lock(folder / "teachers.lock.yaml", lock)
    config = load_config(
        SOURCE_ROOT / "configs" / "k8s.yaml",
        overrides=[f"extraction.teachers_lock={folder / 'teachers.lock.yaml'}"],
        environment={},
    ).config.extracted()
    assert config.teachers == LARGE_TEACHERS
    slides = [Unread(f"s{number}.svs") for number in range(LARGE)]
    return extraction_to_do(slides, config=config, tiled=(), workspace=Workspace(folder))


def measured(file: str, name: str) -> Mapping[str, float]:
    rows = json.loads((SOURCE_ROOT / "benchmarks" / "results" / file).read_bytes())
    return dict(rows[name]["measured"])


def simulated(what: str) -> Mapping[str, float]:
    return measured("scale.json", f"{NAME}: {what}")


def told(*lines: str) -> None:
    flat = " ".join(PAGE.split())
    for line in lines:
        assert line in flat, line


def test_teachers_have_these_hours_and_bytes(planned):
    for one in planned:
        entry = shipped_catalogue().entry(one.teacher)
        patch_px = (entry.network.patch_px if entry.network else None) or ASSUMED_PATCH_PX
        width = sum(entry.dims.widths().values())
        told(
            f"| {one.teacher} | {entry.params_millions:g} | {(TILE_PX // patch_px) ** 2} | "
            f"{one.gpu.tiles_per_s:.0f} | {one.gpu_hours:.1f} | {width:,} | "
            f"{one.n_bytes / 1e12:.2f} | {one.n_bytes / LARGE / 1e6:.0f} |"
        )
    hours, n_bytes = sum(one.gpu_hours for one in planned), sum(one.n_bytes for one in planned)
    told(f"| all | | | | {hours:.1f} | | {n_bytes / 1e12:.2f} | {n_bytes / LARGE / 1e6:.0f} |")
    told(f"{LARGE:,} slides of {ASSUMED_TILES:,} tiles are {LARGE * ASSUMED_TILES / 1e6:.0f} ")
    told(f"sustains {SUSTAINED['cuda'] / 1e12:.0f} Tflop/s")


@pytest.mark.parametrize(("n_gpus", "n_shards"), [(8, 8), (64, 128)])
def test_wall_clock_pods_and_bandwidth(planned, n_gpus, n_shards):
    found = simulated(f"{LARGE:,} slides, 3 teachers, {n_shards} shards on {n_gpus} GPUs")
    hours = sum(one.gpu_hours for one in planned)
    read_tb = LARGE * len(planned) * 2 * SLIDE_GB / 1000
    extraction_h = found["extraction_h"]
    told(
        f"| {n_gpus} | {n_shards} | {len(planned) * n_shards} | {found['n_steps']:.0f} | "
        f"{hours / n_gpus:.1f} | {extraction_h:.1f} | {read_tb * 1000 / extraction_h / 3600:.1f} |"
    )
    assert found["most_gpus"] == n_gpus
    assert found["n_waited"] == 0


def test_the_simulation_of_a_thousand_slides(planned):
    quiet = simulated("extraction on 8 GPUs, makespan")
    many = simulated("the same, steps at once as many as GPUs")
    lossy = simulated("the same, 20 pods preempted")
    lost = simulated("work that a preempted pod does again")
    told(
        f"takes {quiet['extraction_h']:.2f} h where its work over the GPUs is "
        f"{quiet['ideal_h']:.2f} h",
        f"of them {quiet['longest_wait_h']:.1f} h",
        f"{many['extraction_h']:.2f} h, and none waits",
        f"{lossy['extraction_h']:.2f} h: {lost['lost_h'] * 60:.0f} minutes of work are done again",
        f"There {quiet['n_waited']:.0f} wait, one",
        f"the largest shard is {quiet['largest_shard_over_mean']:.2f} times the mean",
    )


def test_the_runner_as_it_is_agrees_with_the_stepped_one():
    found = simulated("extraction with ZenML's runner as it is, its threads and its clock")
    assert found["extraction_h"] == pytest.approx(found["stepped_h"], rel=0.05)
    told("gives the same within a twentieth")


def test_decoding_keeps_up_by_what_was_measured(planned):
    found = measured("extraction.json", "reading tiles, 2 workers")
    read_per_s = found["n_tiles"] / found["readers_s"]
    tiles_per_s = planned[0].gpu.tiles_per_s
    told(f"{tiles_per_s:.0f} tiles a second are {tiles_per_s / 8:.0f} for each of a pod's 8 cores")
    told(f"read {read_per_s:.0f} a second here")
    assert tiles_per_s / 8 < read_per_s / 2


def test_files_of_a_workspace(planned, tmp_path):
    folder = tmp_path / "slides"
    slide = make_slide(folder, "A", mpp=0.25, n_levels=1, rgb=tissue_picture(seed=1))
    tiles = tiled([slide], folder, tmp_path / "ws")
    before = counted(tmp_path / "ws")
    extracted(tiles, folder, tmp_path / "ws", MeanColour())
    after = counted(tmp_path / "ws")
    assert before == (FILES, FOLDERS)
    assert after == (FILES + TEACHER_FILES, FOLDERS + TEACHER_FOLDERS)
    n_files = LARGE * (FILES + TEACHER_FILES * len(planned))
    n_folders = LARGE * (FOLDERS + TEACHER_FOLDERS * len(planned))
    told(f"{n_files:,} files in {n_folders:,} folders")


def counted(root: Path) -> tuple[int, int]:
    """Return the files of a slide, and the folders that hold them."""
    files = [
        path
        for kind in ("slides", "tiles", "features")
        for path in (root / kind).rglob("*")
        if path.is_file()
    ]
    keyed = {path.parent for path in files if path.parent.parent != root}
    return len(files), len(keyed)


def test_what_the_cluster_must_offer(planned):
    claims = (SOURCE_ROOT / "k8s" / "overlays" / "gpu" / "storage.yaml").read_text()
    sizes = {
        one["metadata"]["name"]: one["spec"]["resources"]["requests"]["storage"]
        for one in yaml.safe_load_all(claims)
    }
    needed_tb = sum(one.n_bytes for one in planned) / 1e12
    assert needed_tb > float(sizes["shazam-workspace"].removesuffix("Ti")) * 2**40 / 1e12
    told(f"`shazam-workspace` ({sizes['shazam-workspace']} in the overlay)")
    config = load_config(SOURCE_ROOT / "configs" / "k8s.yaml", environment={}).config
    assert config.cluster is not None
    deadline_s = config.cluster.steps.other.deadline_s
    told(f"{deadline_s // 3600} h are {deadline_s / LARGE:.2f} s a slide")
