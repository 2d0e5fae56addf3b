"""Moments of the features of every case: one pass over the tiles serves all folds and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from shazam.errors import FeatureError
from shazam.models.score import parts_of
from shazam.models.segments import BagSource, Source

Array = npt.NDArray[np.float64]

_SMALLEST_SD = 1e-6


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over the tiles of each case, float64 ``[n_cases, dim]`` by (teacher, level).

    ``counts`` are of tiles that are not NaN, ``sums`` of their values, ``squares`` of the squares.
    """

    counts: Mapping[Source, Tensor]
    sums: Mapping[Source, Tensor]
    squares: Mapping[Source, Tensor]

    def __getstate__(self) -> tuple[dict[Source, Array], ...]:
        """Travel as arrays: tensors would go through shared memory, of which a pod has little."""
        parts = (self.counts, self.sums, self.squares)
        return tuple({source: part[source].numpy() for source in part} for part in parts)

    def __setstate__(self, state: tuple[dict[Source, Array], ...]) -> None:
        """Come back as tensors."""
        for name, part in zip(("counts", "sums", "squares"), state, strict=True):
            tensors = {source: torch.from_numpy(array) for source, array in part.items()}
            object.__setattr__(self, name, tensors)

    def statistics(self, source: Source, *, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation over all tiles of some cases, float32 ``[dim]``.

        A column that does not vary, or has no value, gets the standard deviation 1.

        Args:
            source: teacher and level.
            rows: int64 ``[n]``, the training cases.
        """
        count = self.counts[source][rows].sum(dim=0).clamp_min(1.0)
        mean = self.sums[source][rows].sum(dim=0) / count
        return _usable(mean, self.squares[source][rows].sum(dim=0) / count - mean.square())

    def case_means(self, source: Source) -> Tensor:
        """Return the mean tile of each case, float64 ``[n_cases, dim]``; NaN where all are NaN."""
        return self.sums[source] / self.counts[source]

    def case_statistics(self, source: Source, *, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation over the mean tiles of some cases, float32 ``[dim]``.

        Args:
            source: teacher and level.
            rows: int64 ``[n]``, the training cases.
        """
        known = self.case_means(source)[rows]
        mean = known.nanmean(dim=0).nan_to_num()
        return _usable(mean, (known - mean).square().nanmean(dim=0).nan_to_num())

    def standard_case_means(self, source: Source, *, rows: Tensor) -> Tensor:
        """Return the mean tiles, standardised over the mean tiles of some cases.

        Args:
            source: teacher and level.
            rows: int64 ``[n]``, the training cases.

        Returns:
            float32 ``[n_cases, dim]``; NaN where a case has no value.
        """
        mean, sd = self.case_statistics(source, rows=rows)
        standard: Tensor = ((self.case_means(source) - mean) / sd).float()
        return standard

    def only(self, sources: Sequence[Source]) -> Moments:
        """Return the moments of these teachers and levels alone."""
        parts = (self.counts, self.sums, self.squares)
        return Moments(*({source: part[source] for source in sources} for part in parts))


def moments_of(bags: BagSource, *, impute: bool = False) -> Moments:
    """Read all tiles once and sum them by case.

    Args:
        bags: of all cases.
        impute: NaN stands for a missing value, and is left out of the sums.

    Raises:
        FeatureError: a feature is infinite, or NaN without ``impute``.
    """
    n_cases = len(bags.case_ids)
    totals = {source: _Total.empty(n_cases, dim=dim) for source, dim in bags.dims.items()}
    for rows in parts_of(bags.lengths):
        part = bags.select(rows.tolist())
        lengths = part.offsets.diff().tolist()
        for source, total in totals.items():
            present = part.present.get(source[0], torch.ones(len(rows), dtype=torch.bool))
            for index, tiles in enumerate(torch.split(part.levels[source], lengths)):
                if present[index]:
                    _check(tiles, part.case_ids[index], source=source, impute=impute)
                    total.add(int(rows[index]), tiles)
    return Moments(
        counts={source: total.counts for source, total in totals.items()},
        sums={source: total.sums for source, total in totals.items()},
        squares={source: total.squares for source, total in totals.items()},
    )


@dataclass(slots=True)
class _Total:
    """The sums of one teacher and level while they are made."""

    counts: Tensor
    sums: Tensor
    squares: Tensor

    @classmethod
    def empty(cls, n_cases: int, *, dim: int) -> _Total:
        counts, sums, squares = (torch.zeros(n_cases, dim, dtype=torch.float64) for _ in range(3))
        return cls(counts, sums, squares)

    def add(self, row: int, tiles: Tensor) -> None:
        # the square of a float16 number is exact in float32, that of a float32 number is not
        half = tiles.dtype == torch.float16
        exact = tiles.to(torch.float32 if half else torch.float64, copy=True)
        missing = torch.isnan(exact)
        known = exact.masked_fill_(missing, 0.0)
        self.counts[row] = len(tiles) - missing.sum(dim=0)
        self.sums[row] = known.sum(dim=0, dtype=torch.float64)
        self.squares[row] = known.square_().sum(dim=0, dtype=torch.float64)


def _check(tiles: Tensor, case_id: str, *, source: Source, impute: bool) -> None:
    bad = torch.isinf(tiles) if impute else ~torch.isfinite(tiles)
    if not bool(bad.any()):
        return
    teacher, level = source
    raise FeatureError(
        f"case '{case_id}', teacher '{teacher}', level {level}: {int(bad.any(dim=1).sum())} of "
        f"{len(tiles)} tiles have {'an infinity' if impute else 'NaN or an infinity'}; extract or "
        "import them again, or leave the case out"
    )


def _usable(mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    sd = variance.clamp_min(0.0).sqrt()
    # beyond this the spread is rounding of a constant
    varies = sd > torch.clamp(mean.abs() * 1e-7, min=_SMALLEST_SD)
    return mean.float(), torch.where(varies, sd, torch.ones_like(sd)).float()
