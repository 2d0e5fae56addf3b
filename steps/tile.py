"""Lay a tile grid over the tissue of every slide."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.config.tiling import TilingConfig
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.manifests import ValidationManifest
from shazam.refs import TilesRef, ValidationRef
from shazam.slides.publish import publish_tiles
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
        return publish_tiles(
            workspace.read_manifest(validation, ValidationManifest),
            slides_dir=workspace.slides(slides_dir),
            config=tiling,
            max_quarantine_fraction=max_quarantine_fraction,
            workspace=workspace,
        )
