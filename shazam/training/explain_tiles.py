"""Which tiles of a case a network attends to most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import nn

from shazam.config.student import Form
from shazam.models.abmil import Abmil
from shazam.models.clam import ClamSb
from shazam.models.concat_abmil import ConcatAbmil
from shazam.models.logit_prod import LogitProd
from shazam.models.segments import BagSource, TileWeighing
from shazam.models.student import FusionStudent
from shazam.models.trans_mil import TransMil

N_TILES = 8


@dataclass(frozen=True, slots=True)
class TopTiles:
    """The tiles of highest attention of one case, the highest first.

    Args:
        n_tiles: of the case.
        rows: of the tiles in the case's bag.
        relative_weights: 1 where all tiles of the case count the same.
    """

    n_tiles: int
    rows: tuple[int, ...]
    relative_weights: tuple[float, ...]


def without_attention(network: nn.Module) -> str | None:
    """Return why a network has no attention over tiles; None if it has."""
    match network:
        case Abmil() | ClamSb() | ConcatAbmil():
            return None
        case FusionStudent() if network.shape.form is Form.SLIDE:
            return None
        case LogitProd():
            told = [without_attention(part) for part in network.parts]
            return next((why for why in told if why is not None), None)
        case TransMil():
            return "attends from tile to tile and by approximation: no tile has a weight of its own"
        case _:
            return "takes the mean of a case's tiles: it has no attention over them"


def top_tiles(network: nn.Module, bags: BagSource, *, row: int) -> TopTiles:
    """Return the tiles that a network attends to most; of equal ones the first.

    Args:
        network: has attention over tiles, see :func:`without_attention`.
        bags: features of all teachers that it reads.
        row: of the case among the bags.
    """
    network.eval()
    with torch.inference_mode():
        weights = cast(TileWeighing, network).tile_weights(bags.select([row])).double().numpy()
    rows = np.argsort(-weights, kind="stable")[:N_TILES]
    return TopTiles(
        n_tiles=len(weights),
        rows=tuple(int(number) for number in rows),
        relative_weights=tuple(float(weights[number] * len(weights)) for number in rows),
    )
