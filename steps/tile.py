"""Lay a tile grid over the tissue of every slide."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from zenml import step

from shazam.config.tree import TilingConfig
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.manifests import ValidationManifest
from shazam.progress import console_progress
from shazam.refs import TilesRef, ValidationRef
from shazam.slides import check_fraction, tile_slides
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("tile"))
def tile(
    validation: ValidationRef,
    slides_dir: str,
    tiling: TilingConfig,
    max_quarantine_fraction: float,
) -> Annotated[TilesRef, "tiles"]:
    """Tile the slides that passed validation."""
    with step_boundary():
        workspace = Workspace.from_environment()
        validated = workspace.read_manifest(validation, ValidationManifest)
        manifest = tile_slides(
            validated,
            slides_dir=Path(slides_dir),
            config=tiling,
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
