"""One row per slide and teacher: what the contract on features is checked on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from shazam.config.imports import StoredDtype
from shazam.digest import digest_of_file
from shazam.errors import ShazamError
from shazam.features.store import Int32Array, read_attrs, read_coords, read_features
from shazam.features.stored_levels import LEVELS, StoredArray, is_bad
from shazam.manifests import FeatureSetManifest, SlideFeatures, TeacherIdentity, TilesManifest
from shazam.slides import read_grid
from shazam.workspace import Workspace

# tells whether the coordinates of a file are those that its tiles must have
Fits = Callable[[Int32Array | None], bool]


def feature_rows(
    manifest: FeatureSetManifest, tiles: TilesManifest, *, workspace: Workspace
) -> pd.DataFrame:
    """Return one row per slide and teacher; a file that cannot be read is a row with its error."""
    grids = {tiled.slide.slide_id: tiled for tiled in tiles.slides}
    rows = []
    for teacher, entries in zip(manifest.teachers, manifest.features, strict=True):
        for entry in entries:
            tiled = grids[entry.slide_id]
            rows.append(
                feature_row(
                    entry,
                    teacher,
                    n_tiles=tiled.n_tiles,
                    fits=partial(_are_those_of, workspace.path(tiled.uri)),
                    mpp=tiled.slide.mpp,
                    workspace=workspace,
                )
            )
    return pd.DataFrame(rows)


def feature_row(
    entry: SlideFeatures,
    teacher: TeacherIdentity,
    *,
    n_tiles: int,
    fits: Fits,
    mpp: float | None = None,
    allow_nan: bool = False,
    dtype: StoredDtype = StoredDtype.FLOAT16,
    workspace: Workspace,
) -> dict[str, object]:
    """Return the row of one file.

    Args:
        entry: what the manifest says of the file.
        teacher: whose features it holds.
        n_tiles: how many tiles it must have.
        fits: tells whether its coordinates are those of its tiles.
        mpp: micrometres per level-0 pixel of the slide, where it is known.
        allow_nan: whether NaN may stand among its features.
        dtype: how it must be stored.
        workspace: where it lies.
    """
    expected = {
        "slide_id": entry.slide_id,
        "case_id": entry.case_id,
        "teacher": teacher.name,
        "dims_expected": _text(teacher.dims.widths()),
        "sha256_expected": entry.sha256,
        "weights_sha256_expected": teacher.weights_sha256,
        "transform_sha256_expected": teacher.transform_sha256,
        "revision_expected": teacher.revision,
        "mpp_expected": mpp,
        "tiles_key_expected": entry.tiles_key,
        "n_coords": n_tiles,
        "dtype_expected": dtype.value,
    }
    try:
        return {
            **expected,
            **_read(entry, fits, allow_nan=allow_nan, workspace=workspace),
            "error": "",
        }
    except (OSError, ShazamError, KeyError) as error:
        return {**expected, "error": f"{type(error).__name__}: {error}"}


def _read(
    entry: SlideFeatures, fits: Fits, *, allow_nan: bool, workspace: Workspace
) -> dict[str, object]:
    path = workspace.path(entry.uri)
    levels = read_features(path)
    values = list(levels.values())
    attrs = read_attrs(path)
    return {
        "n_tiles": len(values[0]),
        "dims": _text({level: value.shape[1] for level, value in levels.items()}),
        "dtype": ",".join(sorted({str(value.dtype) for value in values})),
        "n_not_finite": int(sum(is_bad(value, allow_nan=allow_nan).sum() for value in values)),
        "std": float(min(_std(value) for value in values)),
        "coords_equal": fits(read_coords(path)),
        "sha256": digest_of_file(path),
        "weights_sha256": attrs.weights_sha256,
        "transform_sha256": attrs.transform_sha256,
        "revision": attrs.revision,
        "mpp": attrs.mpp,
        "tiles_key": attrs.tiles_key,
    }


def _std(value: StoredArray) -> float:
    known = value[np.isfinite(value)].astype(np.float64)
    return float(known.std()) if known.size else 0.0


def _are_those_of(grid: Path, found: Int32Array | None) -> bool:
    return found is not None and bool(np.array_equal(found, read_grid(grid).coords_level0))


def _text(widths: Mapping[str, int]) -> str:
    return "/".join(str(widths.get(level, "-")) for level in LEVELS)
