"""What extraction still has to do: slides, tiles and bytes for each teacher."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from shazam.config.extraction import ExtractionConfig
from shazam.config.tiling import TilingConfig
from shazam.digest import digest_of
from shazam.features.keys import FeaturesKey
from shazam.manifests import TiledSlide, TilesManifest
from shazam.slides.tiles import TilesKey
from shazam.teachers import TeacherLibrary
from shazam.teachers.encoder import runs_as
from shazam.teachers.entry import TeacherEntry
from shazam.upkeep.throughput import Throughput, assumed, measured
from shazam.workspace import Workspace

BYTES_PER_VALUE = 2  # features are float16
ASSUMED_TILES = 4000

AnyManifest = TypeVar("AnyManifest", bound=BaseModel)


class PlannedSlide(Protocol):
    """A slide as the cohort has it; ``sha256`` is empty where its bytes were not read."""

    @property
    def path(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def sha256(self) -> str: ...


@dataclass(frozen=True, slots=True)
class TeacherToDo:
    """What is to do under one teacher.

    Args:
        teacher: its name.
        n_slides: slides whose feature file is not in the workspace.
        n_tiles: tiles of these.
        n_tiles_estimated: how many of those are an estimate, from the slides that are tiled.
        n_bytes: what the feature files will take.
        here: tiles a second on this machine.
        gpu: tiles a second on one GPU, measured if one was used here, else by the assumption.
    """

    teacher: str
    n_slides: int
    n_tiles: int
    n_tiles_estimated: int
    n_bytes: int
    here: Throughput
    gpu: Throughput

    @property
    def hours_here(self) -> float:
        """Hours on this machine."""
        return self.n_tiles / self.here.tiles_per_s / 3600

    @property
    def gpu_hours(self) -> float:
        """Hours on one GPU."""
        return self.n_tiles / self.gpu.tiles_per_s / 3600


def tiled_before(workspace: Workspace, *, tiling: TilingConfig) -> tuple[TiledSlide, ...]:
    """Return the slides that the workspace holds tiled as a config asks, each content once."""
    found = {
        tiled.slide.sha256: tiled
        for manifest in _manifests(workspace, "tile", TilesManifest)
        for tiled in manifest.slides
        if tiled.key == digest_of(TilesKey.of(tiled.slide, config=tiling))
        and workspace.path(tiled.uri).is_file()
    }
    return tuple(found.values())


def extraction_to_do(
    slides: Sequence[PlannedSlide],
    *,
    config: ExtractionConfig,
    tiled: Sequence[TiledSlide],
    workspace: Workspace,
) -> tuple[TeacherToDo, ...]:
    """Return what is to do for each teacher, slides that will be set aside included.

    Slides whose bytes were not read are taken for those of the same path and size.

    Args:
        slides: of the cohort.
        config: the teachers, and how they are run; the device is chosen as a run here would.
        tiled: what :func:`tiled_before` gave.
        workspace: where feature files lie.

    Raises:
        ConfigError: a teacher is unknown or not locked, or the device is absent.
    """
    by_content = {one.slide.sha256: one for one in tiled}
    by_place = {(one.slide.path, one.slide.size_bytes): one for one in tiled}
    known = [
        by_content.get(slide.sha256)
        if slide.sha256
        else by_place.get((slide.path, slide.size_bytes))
        for slide in slides
    ]
    mean_tiles = round(sum(one.n_tiles for one in tiled) / len(tiled)) if tiled else ASSUMED_TILES
    library = TeacherLibrary.from_config(config)
    return tuple(
        _of_teacher(
            name,
            known=known,
            mean_tiles=mean_tiles,
            config=config,
            library=library,
            workspace=workspace,
        )
        for name in config.encoders()
    )


def _of_teacher(
    name: str,
    *,
    known: Sequence[TiledSlide | None],
    mean_tiles: int,
    config: ExtractionConfig,
    library: TeacherLibrary,
    workspace: Workspace,
) -> TeacherToDo:
    entry, identity = library.entry(name), library.identity(name)
    device_type, precision = runs_as(entry, device=config.device, precision=config.precision)

    def done(one: TiledSlide) -> bool:
        key = FeaturesKey.of(one, teacher=identity, device_type=device_type, precision=precision)
        path = workspace.root / "features" / name / digest_of(key) / f"{one.slide.slide_id}.h5"
        return path.is_file() and path.with_name(f"{path.name}.sha256").is_file()

    todo = [one for one in known if one is None or not done(one)]
    estimated = mean_tiles * sum(one is None for one in todo)
    n_tiles = estimated + sum(one.n_tiles for one in todo if one is not None)
    return TeacherToDo(
        teacher=name,
        n_slides=len(todo),
        n_tiles=n_tiles,
        n_tiles_estimated=estimated,
        n_bytes=n_tiles * sum(identity.dims.widths().values()) * BYTES_PER_VALUE,
        here=_throughput(entry, device_type=device_type, workspace=workspace),
        gpu=_throughput(entry, device_type="cuda", workspace=workspace),
    )


def _throughput(entry: TeacherEntry, *, device_type: str, workspace: Workspace) -> Throughput:
    known = measured(entry.name, device_type=device_type, workspace=workspace)
    return known or assumed(entry, device_type=device_type)


def _manifests(workspace: Workspace, stage: str, kind: type[AnyManifest]) -> Iterator[AnyManifest]:
    """Yield the manifests of a stage that can be read; a run tells of those that cannot."""
    for path in sorted((workspace.root / "manifests" / stage).glob("*.json")):
        try:
            yield kind.model_validate_json(path.read_bytes())
        except ValidationError:
            continue
