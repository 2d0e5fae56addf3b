"""Extraction: features of every tile of every slide, each tile decoded once for all teachers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from shazam.features.disk import check_room, feature_bytes
from shazam.features.encoding import one_thread_each
from shazam.features.jobs import Job, kept, make_job
from shazam.features.outcomes import Outcomes
from shazam.features.pace import write_pace
from shazam.features.plan import Plan
from shazam.features.session import Reading, Session
from shazam.features.shards import Shard
from shazam.manifests import FeaturesManifest, TilesManifest
from shazam.progress import MakeProgress
from shazam.teachers.encoder import Encoder
from shazam.workspace import Workspace

WHOLE = Shard()
_CHECKING_THREADS = 4


def extract_slides(
    tiles: TilesManifest,
    *,
    slides_dir: Path,
    encoders: Sequence[Encoder],
    workspace: Workspace,
    progress: MakeProgress,
    reading: Reading | None = None,
    shard: Shard = WHOLE,
) -> tuple[FeaturesManifest, ...]:
    """Extract the features of all tiled slides; a file that is there and sound is taken.

    Several processes may work in one workspace: a slide that another one has in hand is waited
    for, and taken over should that one die.

    Args:
        tiles: the tile grids.
        slides_dir: the slide folder.
        encoders: the teachers.
        workspace: where the files go.
        progress: told of each slide.
        reading: batch size and reading processes.
        shard: the part of the slides to do.

    Returns:
        One manifest for each teacher, in their order.

    Raises:
        ArtifactError: a tile grid is missing or altered.
        DiskFullError: there is no room; told before any work where that can be known.
        DeviceMemoryError: a device has no room for one tile.
    """
    how = reading or Reading()
    jobs = [
        make_job(tiled, slides_dir=slides_dir, encoders=encoders, workspace=workspace)
        for tiled in shard.select(tiles.slides)
    ]
    with progress(len(jobs)) as told:
        outcomes = Outcomes(jobs, told)
        _take_kept(jobs, outcomes=outcomes, workspace=workspace)
        check_room(_needed_bytes(jobs, encoders, outcomes=outcomes), folder=workspace.root)
        plan = Plan(jobs, outcomes=outcomes, batch_size=how.batch_size, workspace=workspace)
        session = Session(
            jobs, encoders, reading=how, plan=plan, outcomes=outcomes, workspace=workspace
        )
        with closing(plan), one_thread_each():
            session.run(note=told.note)
        if encoders:
            write_pace(
                session.made,
                seconds=session.worked_s,
                device_type=encoders[0].device_type,
                workspace=workspace,
            )
    return tuple(outcomes.manifest(encoder.identity, tiles) for encoder in encoders)


def _take_kept(jobs: Sequence[Job], *, outcomes: Outcomes, workspace: Workspace) -> None:
    """Record every file of an earlier run that is of its key and unaltered."""
    targets = [(number, job, target) for number, job in enumerate(jobs) for target in job.targets]
    with ThreadPoolExecutor(_CHECKING_THREADS) as pool:
        found = pool.map(lambda item: kept(item[1], item[2], workspace=workspace), targets)
        for (number, _, target), entry in zip(targets, found, strict=True):
            if entry is not None:
                outcomes.add(number, target, entry)


def _needed_bytes(
    jobs: Sequence[Job], encoders: Sequence[Encoder], *, outcomes: Outcomes
) -> Iterator[int]:
    dims = {encoder.identity.name: encoder.identity.dims for encoder in encoders}
    for number, job in enumerate(jobs):
        for target in outcomes.missing(number):
            yield feature_bytes(job.tiled.n_tiles, dims[target.teacher])
