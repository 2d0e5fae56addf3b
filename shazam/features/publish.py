"""Extract and publish the manifest that the next stage reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shazam.config.extraction import EncodingConfig
from shazam.features.extract import extract_slides
from shazam.features.session import Reading
from shazam.features.shards import Shard
from shazam.manifests import ExtractionManifest, TilesManifest
from shazam.progress import console_progress
from shazam.refs import FeaturesRef, TilesRef
from shazam.slides import check_fraction
from shazam.teachers import TeacherLibrary
from shazam.teachers.encoder import load_from
from shazam.workspace import Workspace


def publish_features(
    tiles: TilesRef,
    *,
    teachers: Sequence[str],
    slides_dir: Path,
    config: EncodingConfig,
    shard: Shard,
    max_quarantine_fraction: float,
    workspace: Workspace,
) -> FeaturesRef:
    """Extract the features of some teachers and publish their manifest.

    Args:
        tiles: the tile grids.
        teachers: names in the catalogue; each tile is decoded once for all of them.
        slides_dir: the slide folder.
        config: how teachers are run.
        shard: the part of the slides to do.
        max_quarantine_fraction: of the whole cohort, 0 to 1.
        workspace: where everything goes.

    Raises:
        ConfigError: a teacher cannot be loaded.
        QuarantineExceededError: too many slides were set aside.
        DiskFullError: there is no room.
    """
    library = TeacherLibrary.from_config(config)
    tiled = workspace.read_manifest(tiles, TilesManifest)
    who = teachers[0] if len(teachers) == 1 else f"{len(teachers)} teachers"
    title = f"extract {who}" + (f" {shard}" if shard.count > 1 else "")
    features = extract_slides(
        tiled,
        slides_dir=slides_dir,
        encoders=[
            load_from(library, name, device=config.device, precision=config.precision)
            for name in teachers
        ],
        workspace=workspace,
        progress=lambda total: console_progress(title, total),
        reading=Reading(batch_size=config.batch_size, n_readers=config.readers),
        shard=shard,
    )
    quarantine = [entry for manifest in features for entry in manifest.quarantine]
    check_fraction(
        (*tiled.quarantine, *quarantine),
        n_slides=tiled.cohort.n_slides,
        max_fraction=max_quarantine_fraction,
    )
    uri, sha256 = workspace.write_manifest("extract", ExtractionManifest(features=features))
    return FeaturesRef(
        uri=uri,
        sha256=sha256,
        teachers=tuple(teachers),
        n_slides=max(len(manifest.slides) for manifest in features),
        n_tiles=sum(slide.n_tiles for manifest in features for slide in manifest.slides),
        n_quarantined=len({entry.slide_id for entry in quarantine}),
    )
