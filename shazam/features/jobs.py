"""Jobs: one slide, and the feature file that each teacher owes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shazam.digest import digest_of
from shazam.errors import ArtifactError
from shazam.features.keys import FeaturesKey
from shazam.features.store import FeatureAttrs, check_provenance
from shazam.ids import resolve_inside
from shazam.manifests import SlideFeatures, TiledSlide
from shazam.publish import sealed_digest
from shazam.slides.tiles import read_grid
from shazam.teachers.encoder import Encoder
from shazam.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Target:
    """The feature file of one slide under one teacher."""

    teacher: str
    path: Path
    attrs: FeatureAttrs


@dataclass(frozen=True, slots=True)
class Job:
    """One slide with its files; ``path`` is the slide's, ``grid_path`` its tile grid's."""

    tiled: TiledSlide
    path: Path
    grid_path: Path
    targets: tuple[Target, ...]


def make_job(
    tiled: TiledSlide, *, slides_dir: Path, encoders: Sequence[Encoder], workspace: Workspace
) -> Job:
    """Return the job of a slide.

    Raises:
        ArtifactError: the tile grid is missing or altered.
    """
    return Job(
        tiled=tiled,
        path=resolve_inside(slides_dir, tiled.slide.path),
        grid_path=workspace.open(tiled.uri, tiled.sha256),
        targets=tuple(_target(tiled, encoder, workspace) for encoder in encoders),
    )


def kept(job: Job, target: Target, *, workspace: Workspace) -> SlideFeatures | None:
    """Return an earlier run's file if it is of this key, whole and unaltered."""
    sha256 = sealed_digest(target.path)
    if sha256 is None:
        return None
    try:
        coords = read_grid(job.grid_path).coords_level0
        check_provenance(target.path, attrs=target.attrs, coords=coords)
    except ArtifactError:
        return None
    return described(job, target, sha256=sha256, workspace=workspace)


def described(job: Job, target: Target, *, sha256: str, workspace: Workspace) -> SlideFeatures:
    """Return the manifest's entry of a feature file."""
    slide = job.tiled.slide
    return SlideFeatures(
        slide_id=slide.slide_id,
        case_id=slide.case_id,
        key=target.attrs.key,
        uri=workspace.uri(target.path),
        sha256=sha256,
        n_tiles=job.tiled.n_tiles,
        tiles_key=job.tiled.key,
    )


def _target(tiled: TiledSlide, encoder: Encoder, workspace: Workspace) -> Target:
    teacher = encoder.identity
    key = digest_of(
        FeaturesKey.of(
            tiled,
            teacher=teacher,
            device_type=encoder.device_type,
            precision=encoder.precision,
        )
    )
    attrs = FeatureAttrs(
        teacher=teacher.name,
        revision=teacher.revision,
        weights_sha256=teacher.weights_sha256,
        transform_sha256=teacher.transform_sha256,
        tiles_key=tiled.key,
        slide_sha256=tiled.slide.sha256,
        key=key,
        mpp=tiled.slide.mpp,
    )
    path = workspace.root / "features" / teacher.name / key / f"{tiled.slide.slide_id}.h5"
    return Target(teacher=teacher.name, path=path, attrs=attrs)
