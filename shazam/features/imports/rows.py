"""One row per imported file: what the contract on features is checked on."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from shazam.config.imports import MissingValues
from shazam.features.imports.tiles import tiles_key
from shazam.features.rows import feature_row
from shazam.features.store import Int32Array
from shazam.manifests import ImportedSlide, ImportManifest
from shazam.workspace import Workspace


def imported_rows(manifests: Sequence[ImportManifest], *, workspace: Workspace) -> pd.DataFrame:
    """Return one row per teacher and slide; a file that cannot be read is a row with its error.

    What nobody knows of any file, such as the digest of the weights, is left out.
    """
    rows = [
        _row(slide, manifest, workspace=workspace)
        for manifest in manifests
        for slide in manifest.slides
    ]
    return pd.DataFrame(rows).dropna(axis="columns", how="all")


def _row(
    slide: ImportedSlide, manifest: ImportManifest, *, workspace: Workspace
) -> dict[str, object]:
    def fits(coords: Int32Array | None) -> bool:
        return tiles_key(slide.slide_id, coords, n_tiles=slide.n_tiles) == slide.tiles_key

    return feature_row(
        slide,
        manifest.teacher,
        n_tiles=slide.n_tiles,
        fits=fits,
        mpp=slide.mpp,
        dtype=manifest.dtype,
        allow_nan=manifest.missing_values is MissingValues.IMPUTE,
        workspace=workspace,
    )
