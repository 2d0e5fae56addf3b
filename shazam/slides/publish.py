"""Tile the slides that passed validation and publish the manifest that the next stage reads."""

from __future__ import annotations

from pathlib import Path

from shazam.config.tiling import TilingConfig
from shazam.manifests import ValidationManifest
from shazam.progress import console_progress
from shazam.refs import TilesRef
from shazam.slides.quarantine import check_fraction
from shazam.slides.tiles import tile_slides
from shazam.workspace import Workspace


def publish_tiles(
    validated: ValidationManifest,
    *,
    slides_dir: Path,
    config: TilingConfig,
    max_quarantine_fraction: float,
    workspace: Workspace,
) -> TilesRef:
    """Tile slides and publish their manifest.

    Args:
        validated: slides that go on, and the quarantine so far.
        slides_dir: the slide folder.
        config: size of tiles and limits.
        max_quarantine_fraction: of the whole cohort, 0 to 1.
        workspace: where everything goes.

    Raises:
        QuarantineExceededError: too many slides were set aside.
    """
    manifest = tile_slides(
        validated,
        slides_dir=slides_dir,
        config=config,
        workspace=workspace,
        progress=lambda total: console_progress("tile", total),
    )
    check_fraction(
        manifest.quarantine,
        n_slides=manifest.cohort.n_slides,
        max_fraction=max_quarantine_fraction,
    )
    uri, sha256 = workspace.write_manifest("tile", manifest)
    return TilesRef(
        uri=uri,
        sha256=sha256,
        n_slides=len(manifest.slides),
        n_tiles=sum(slide.n_tiles for slide in manifest.slides),
        n_quarantined=len(manifest.quarantine),
    )
