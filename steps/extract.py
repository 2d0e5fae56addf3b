"""Run one teacher over the tiles of every slide."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from zenml import step

from shazam.features.extract import extract_slides
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.manifests import TilesManifest
from shazam.progress import console_progress
from shazam.refs import FeaturesRef, TilesRef
from shazam.slides import check_fraction
from shazam.teachers.encoder import load_encoder
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("extract"))
def extract(
    tiles: TilesRef,
    teacher: str,
    slides_dir: str,
    batch_size: int,
    device: str,
    max_quarantine_fraction: float,
) -> Annotated[FeaturesRef, "features"]:
    """Extract the features of one teacher."""
    with step_boundary():
        workspace = Workspace.from_environment()
        tiled = workspace.read_manifest(tiles, TilesManifest)
        manifest = extract_slides(
            tiled,
            slides_dir=Path(slides_dir),
            encoder=load_encoder(teacher, device=device),
            batch_size=batch_size,
            workspace=workspace,
            progress=lambda total: console_progress(f"extract {teacher}", total),
        )
        check_fraction(
            (*tiled.quarantine, *manifest.quarantine),
            n_slides=manifest.cohort.n_slides,
            max_fraction=max_quarantine_fraction,
        )
        uri, sha256 = workspace.write_manifest("extract", manifest)
        return FeaturesRef(
            uri=uri,
            sha256=sha256,
            teacher=teacher,
            n_slides=len(manifest.slides),
            n_tiles=sum(slide.n_tiles for slide in manifest.slides),
            n_quarantined=len(manifest.quarantine),
        )
