"""Scores of cases: a network over packed bags, and the tables they are written to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn

from shazam.models.heads import Head, scores_of
from shazam.models.segments import BagSource

TILE_BUDGET = 16_384


def score_bags(
    network: nn.Module,
    bags: BagSource,
    *,
    head: Head,
    rows: Tensor | None = None,
    tile_budget: int = TILE_BUDGET,
) -> npt.NDArray[np.float64]:
    """Return the scores of cases.

    Args:
        network: takes bags, gives ``[n_cases, n_outputs]``.
        bags: the cases.
        head: what the outputs mean.
        rows: int64 ``[n_cases]``, which of the cases, in this order; None scores all.
        tile_budget: how many tiles are in memory at a time; a case is never divided.

    Returns:
        float64 ``[n_cases, 1]`` risks, ``[n_cases, n_classes]`` probabilities, or
        ``[n_cases, n_targets]`` standardised values.
    """
    return scores_of(outputs_of(network, bags, rows=rows, tile_budget=tile_budget), head=head)


def outputs_of(
    network: nn.Module,
    bags: BagSource,
    *,
    rows: Tensor | None = None,
    tile_budget: int = TILE_BUDGET,
) -> Tensor:
    """Return the outputs for cases, ``[n_cases, n_outputs]``; arguments as of
    :func:`score_bags`."""
    network.eval()
    chosen = torch.arange(len(bags.case_ids)) if rows is None else rows
    with torch.inference_mode():
        return torch.cat(
            [
                network(bags.select(chosen[part].tolist()))
                for part in parts_of(bags.lengths[chosen], tile_budget=tile_budget)
            ]
        )


def parts_of(lengths: Tensor, *, tile_budget: int = TILE_BUDGET) -> list[Tensor]:
    """Divide cases, in order, into parts within a budget of tiles.

    Args:
        lengths: tiles of each case, int64 ``[n_cases]``, n_cases >= 1.
        tile_budget: tiles of a part; a case with more is a part of its own.

    Returns:
        int64 positions of the cases, by part.
    """
    parts: list[list[int]] = [[]]
    n_tiles = 0
    for index, length in enumerate(lengths.tolist()):
        if parts[-1] and n_tiles + length > tile_budget:
            parts.append([])
            n_tiles = 0
        parts[-1].append(index)
        n_tiles += length
    return [torch.tensor(part, dtype=torch.int64) for part in parts]


def score_columns(
    *, head: Head, classes: Sequence[str], targets: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the columns of a predictions table that hold scores."""
    match head:
        case Head.CLASSES:
            return tuple(f"prob_{name}" for name in classes)
        case Head.VALUES:
            return tuple(f"value_{name}" for name in targets)
        case Head.LINEAR_RISK | Head.DISCRETE_TIME:
            return ("risk",)


def score_table(
    scores: npt.NDArray[np.float64],
    *,
    case_ids: Sequence[str],
    columns: Sequence[str],
) -> pd.DataFrame:
    """Return a table of ``case_id`` and one float64 column per score."""
    table = pd.DataFrame({"case_id": list(case_ids)})
    for index, column in enumerate(columns):
        table[column] = scores[:, index]
    return table
