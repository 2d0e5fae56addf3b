"""One row per slide and teacher: what the contract on features is checked on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from shazam.digest import digest_of_file
from shazam.errors import ShazamError
from shazam.features.store import LEVELS, read_attrs, read_coords, read_features
from shazam.manifests import FeatureSetManifest, SlideFeatures, TeacherIdentity, TilesManifest
from shazam.slides import read_grid
from shazam.workspace import Workspace


def feature_rows(
    manifest: FeatureSetManifest, tiles: TilesManifest, *, workspace: Workspace
) -> pd.DataFrame:
    """Return one row per slide and teacher; a file that cannot be read is a row with its error."""
    grids = {tiled.slide.slide_id: tiled for tiled in tiles.slides}
    rows = []
    for teacher, entries in zip(manifest.teachers, manifest.features, strict=True):
        for entry in entries:
            grid = read_grid(workspace.path(grids[entry.slide_id].uri))
            rows.append(_row(entry, teacher, grid.coords_level0, workspace=workspace))
    return pd.DataFrame(rows)


def _row(
    entry: SlideFeatures,
    teacher: TeacherIdentity,
    coords: np.ndarray[Any, Any],
    *,
    workspace: Workspace,
) -> dict[str, object]:
    expected = {
        "slide_id": entry.slide_id,
        "case_id": entry.case_id,
        "teacher": teacher.name,
        "dims_expected": _text(teacher.dims.low, teacher.dims.mid, teacher.dims.high),
        "sha256_expected": entry.sha256,
        "weights_sha256_expected": teacher.weights_sha256,
        "n_coords": len(coords),
    }
    try:
        return {**expected, **_read(entry, coords, workspace=workspace), "error": ""}
    except (OSError, ShazamError, KeyError) as error:
        return {**expected, "error": f"{type(error).__name__}: {error}"}


def _read(
    entry: SlideFeatures, coords: np.ndarray[Any, Any], *, workspace: Workspace
) -> dict[str, object]:
    path = workspace.path(entry.uri)
    levels = read_features(path, levels=LEVELS)
    values = [levels[level] for level in LEVELS]
    return {
        "n_tiles": len(values[0]),
        "dims": _text(*(value.shape[1] for value in values)),
        "dtype": ",".join(sorted({str(value.dtype) for value in values})),
        "n_not_finite": int(sum(np.count_nonzero(~np.isfinite(value)) for value in values)),
        "std": float(min(value.astype(np.float32).std() for value in values)),
        "coords_equal": bool(np.array_equal(read_coords(path), coords)),
        "sha256": digest_of_file(path),
        "weights_sha256": read_attrs(path).weights_sha256,
    }


def _text(*dims: int) -> str:
    return "/".join(str(dim) for dim in dims)
