"""What a reader gives: the tiles of one file, and how the user says a file is laid out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from shazam.config.imports import MissingValues, StoredDtype
from shazam.errors import ConfigError, FeatureError
from shazam.features.imports.layouts import CoordsUnit, Layout
from shazam.features.store import Int32Array
from shazam.features.stored_levels import LEVELS

FloatArray = npt.NDArray[np.floating]
Attribute = str | int | float

# what a scanner can produce, as for slides
MIN_MPP = 0.05
MAX_MPP = 5.0


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What a file does not say of itself.

    Args:
        levels: names of levels, one for each of ``datasets``; empty means what the file says, and
            high for a single array.
        datasets: names of the arrays that hold features; empty means the usual names.
        layout: what two tensors are; None lets their types and shapes decide.
        ids: the array of a table that names its rows; each row is a bag of one tile.
        group: the array of a table whose equal values make one bag of their rows.
        labels: the array that holds the labels of the tiles.
        classes: names of classes where labels are text; a label is its place among them.
        coords_unit: unit of the coordinates, if the file does not say it.
        mpp: micrometres per pixel at level 0, if the file does not say it.
        dtype: how features are stored.
        missing_values: whether NaN may stand among them.
    """

    levels: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    layout: Layout | None = None
    ids: str | None = None
    group: str | None = None
    labels: str | None = None
    classes: tuple[str, ...] = ()
    coords_unit: CoordsUnit | None = None
    mpp: float | None = None
    dtype: StoredDtype = StoredDtype.FLOAT16
    missing_values: MissingValues = MissingValues.REFUSE

    def __post_init__(self) -> None:
        unknown = [level for level in self.levels if level not in LEVELS]
        if unknown or len(set(self.levels)) != len(self.levels):
            raise ConfigError(
                f"levels {list(self.levels)}: choose of {', '.join(LEVELS)}, each once"
            )
        n_levels, n_datasets = len(self.levels) or 1, len(self.datasets)
        if n_datasets and n_levels != n_datasets:
            raise ConfigError(
                f"{n_datasets} dataset(s) for {n_levels} level(s); give one --level for each "
                "--dataset, in the same order"
            )
        for names in (self.datasets, self.classes):
            if len(set(names)) != len(names):
                raise ConfigError(f"{', '.join(names)}: one is named twice")
        if self.mpp is not None and not MIN_MPP <= self.mpp <= MAX_MPP:
            raise ConfigError(
                f"mpp {self.mpp:g}: must be from {MIN_MPP} to {MAX_MPP:g} micrometres per pixel"
            )

    @property
    def allows_nan(self) -> bool:
        """Whether NaN may stand among the features."""
        return self.missing_values is MissingValues.IMPUTE

    @property
    def is_table(self) -> bool:
        """Whether the rows of a file belong to several bags."""
        return self.ids is not None or self.group is not None


@dataclass(frozen=True, slots=True)
class ImportedBag:
    """Tiles of one file as they were found.

    Args:
        levels: features by level name, float ``[n_tiles, dim]`` of any width.
        coords_level0: int32 ``[n_tiles, 2]``, (x, y) in level-0 pixels; None if there are none.
        without_coords: why there are none.
        labels: int32 ``[n_tiles]``, or None.
        mpp: micrometres per pixel at level 0, if told.
        tile_px_level0: side of a tile in level-0 pixels, if told.
        layout: name of what the file was read as.
        attributes: what the file says of itself.
    """

    levels: Mapping[str, FloatArray]
    layout: str
    coords_level0: Int32Array | None = None
    without_coords: str | None = "the file holds none"
    labels: Int32Array | None = None
    mpp: float | None = None
    tile_px_level0: float | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lengths = {level: len(array) for level, array in self.levels.items()}
        if len(set(lengths.values())) != 1:
            raise FeatureError(f"the levels have different numbers of tiles: {lengths}")

    @property
    def n_tiles(self) -> int:
        """Number of tiles."""
        return len(next(iter(self.levels.values())))

    def select(self, rows: npt.NDArray[np.int64]) -> ImportedBag:
        """Return the bag of these rows, in this order."""
        return ImportedBag(
            levels={level: array[rows] for level, array in self.levels.items()},
            layout=self.layout,
            coords_level0=None if self.coords_level0 is None else self.coords_level0[rows],
            without_coords=self.without_coords,
            labels=None if self.labels is None else self.labels[rows],
            mpp=self.mpp,
            tile_px_level0=self.tile_px_level0,
            attributes=self.attributes,
        )
