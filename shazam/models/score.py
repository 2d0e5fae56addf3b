"""Scores of cases: a network over packed bags, and the tables they are written to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn

from shazam.models.heads import Head, scores_of
from shazam.models.segments import Bags, Segments

_TILE_BUDGET = 65_536


def score_bags(network: nn.Module, bags: Bags, *, head: Head) -> npt.NDArray[np.float64]:
    """Return the scores of all cases; memory is bounded by a budget of tiles.

    Args:
        network: takes features and segments, gives ``[n_cases, n_outputs]``.
        bags: the cases.
        head: what the outputs mean.

    Returns:
        float64 ``[n_cases, 1]`` risks, ``[n_cases, n_classes]`` probabilities, or
        ``[n_cases, n_targets]`` standardised values.
    """
    network.eval()
    with torch.inference_mode():
        return np.concatenate(
            [
                scores_of(network(part.levels, Segments(part.offsets)), head=head)
                for part in _parts(bags)
            ]
        )


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


def _parts(bags: Bags) -> list[Bags]:
    group = (bags.offsets[:-1] // _TILE_BUDGET).numpy()
    return [bags.select(np.flatnonzero(group == number).tolist()) for number in np.unique(group)]
