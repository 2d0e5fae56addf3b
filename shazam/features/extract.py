"""Extraction: the features of every tile of every slide under one teacher."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event

import numpy as np
import torch

from shazam.digest import digest_of
from shazam.errors import ArtifactError, StoppedError
from shazam.features.reading import read_batches
from shazam.features.store import LEVELS, FeatureAttrs, check_features, write_features
from shazam.ids import resolve_inside
from shazam.manifests import (
    FeaturesManifest,
    QuarantineEntry,
    SlideFeatures,
    TeacherIdentity,
    TiledSlide,
    TilesManifest,
)
from shazam.progress import MakeProgress
from shazam.publish import sealed_digest
from shazam.slides.grid import TileGrid
from shazam.slides.quarantine import attempt
from shazam.slides.records import check_unchanged
from shazam.slides.tiles import read_grid
from shazam.teachers.encoder import Encoder
from shazam.workspace import Workspace

STAGE = "extract"
# part of every key; raise it when reading, encoding or rounding changes
EXTRACTION_METHOD = "float32-half-1"


@dataclass(frozen=True, slots=True)
class FeaturesKey:
    """Everything that changes the bytes of a feature file.

    ``tiles_key`` covers the slide's own SHA-256, its resolution and the tiling.
    """

    tiles_key: str
    teacher: str
    revision: str
    weights_sha256: str
    transform_sha256: str
    device_type: str
    method: str = EXTRACTION_METHOD

    @classmethod
    def of(cls, tiled: TiledSlide, *, teacher: TeacherIdentity, device_type: str) -> FeaturesKey:
        """Return the key of one slide under a teacher, run on ``cpu`` or ``cuda``."""
        return cls(
            tiles_key=tiled.key,
            teacher=teacher.name,
            revision=teacher.revision,
            weights_sha256=teacher.weights_sha256,
            transform_sha256=teacher.transform_sha256,
            device_type=device_type,
        )


@dataclass(frozen=True, slots=True)
class _Job:
    """One slide to extract, and where its features go."""

    tiled: TiledSlide
    path: Path
    grid: TileGrid
    target: Path
    attrs: FeatureAttrs


def extract_slides(
    tiles: TilesManifest,
    *,
    slides_dir: Path,
    encoder: Encoder,
    batch_size: int,
    workspace: Workspace,
    progress: MakeProgress,
) -> FeaturesManifest:
    """Extract the features of all tiled slides; a file that is there and sound is taken.

    Args:
        tiles: the tile grids.
        slides_dir: the slide folder.
        encoder: the teacher.
        batch_size: tiles per forward; does not change the bytes.
        workspace: where the files go.
        progress: told of each slide.

    Raises:
        ArtifactError: a tile grid is missing or altered.
    """
    jobs = [_job(tiled, slides_dir, encoder, workspace) for tiled in tiles.slides]
    slides: list[SlideFeatures] = []
    quarantine: list[QuarantineEntry] = []
    stop = Event()
    work = partial(_attempt, encoder=encoder, size=batch_size, stop=stop, workspace=workspace)
    with progress(len(jobs)) as told, _one_thread_each(), _workers(stop) as workers:
        for outcome in workers.map(work, jobs):
            if isinstance(outcome, QuarantineEntry):
                quarantine.append(outcome)
                told.quarantine(outcome.slide_id, outcome.reason)
            else:
                slides.append(outcome)
            told.advance()
    return FeaturesManifest(
        cohort=tiles.cohort,
        teacher=encoder.identity,
        slides=tuple(slides),
        quarantine=tuple(quarantine),
    )


def _job(tiled: TiledSlide, slides_dir: Path, encoder: Encoder, workspace: Workspace) -> _Job:
    teacher = encoder.identity
    key = digest_of(FeaturesKey.of(tiled, teacher=teacher, device_type=encoder.device_type))
    slide = tiled.slide
    attrs = FeatureAttrs(
        teacher=teacher.name,
        revision=teacher.revision,
        weights_sha256=teacher.weights_sha256,
        transform_sha256=teacher.transform_sha256,
        tiles_key=tiled.key,
        slide_sha256=slide.sha256,
        key=key,
        mpp=slide.mpp,
    )
    return _Job(
        tiled=tiled,
        path=resolve_inside(slides_dir, slide.path),
        grid=read_grid(workspace.open(tiled.uri, tiled.sha256)),
        target=workspace.root / "features" / teacher.name / key / f"{slide.slide_id}.h5",
        attrs=attrs,
    )


def _kept(job: _Job) -> str | None:
    """Return the digest of an earlier run's file if it is of this key and unaltered."""
    sha256 = sealed_digest(job.target)
    if sha256 is None:
        return None
    try:
        check_features(job.target, attrs=job.attrs, coords=job.grid.coords_level0)
    except ArtifactError:
        return None
    return sha256


def _attempt(
    job: _Job, *, encoder: Encoder, size: int, stop: Event, workspace: Workspace
) -> SlideFeatures | QuarantineEntry:
    return attempt(
        partial(_extract, job, encoder=encoder, size=size, stop=stop, workspace=workspace),
        slide_id=job.tiled.slide.slide_id,
        slide_sha256=job.tiled.slide.sha256,
        stage=f"{STAGE}:{encoder.identity.name}",
    )


def _extract(
    job: _Job, *, encoder: Encoder, size: int, stop: Event, workspace: Workspace
) -> SlideFeatures:
    kept = _kept(job)
    if kept is not None:
        return _described(job, kept, workspace)
    check_unchanged(job.path, size_bytes=job.tiled.slide.size_bytes)
    encoded = []
    with closing(read_batches(job.path, grid=job.grid, batch_size=size)) as batches:
        for batch in batches:
            if stop.is_set():
                raise StoppedError(f"{job.tiled.slide.slide_id}: dropped, the run was stopped")
            encoded.append(encoder.encode(batch))
    levels = {level: np.concatenate([batch[level] for batch in encoded]) for level in LEVELS}
    sha256 = write_features(
        job.target, levels=levels, coords=job.grid.coords_level0, attrs=job.attrs
    )
    return _described(job, sha256, workspace)


@contextmanager
def _workers(stop: Event) -> Iterator[Executor]:
    """Give threads that each take a slide; a run that stops drops the slides in hand."""
    executor = ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix=STAGE)
    try:
        yield executor
    finally:
        stop.set()
        executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Keep torch to one thread inside a worker.

    Slides side by side use the cores better than one forward spread over them, and the bytes do
    not depend on the number of cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _described(job: _Job, sha256: str, workspace: Workspace) -> SlideFeatures:
    slide = job.tiled.slide
    return SlideFeatures(
        slide_id=slide.slide_id,
        case_id=slide.case_id,
        key=job.attrs.key,
        uri=workspace.uri(job.target),
        sha256=sha256,
        n_tiles=job.grid.n_tiles,
        tiles_key=job.tiled.key,
    )
