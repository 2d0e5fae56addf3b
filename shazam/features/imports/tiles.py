"""What says that several teachers saw the same tiles of a slide."""

from __future__ import annotations

import hashlib

from shazam.digest import digest_of
from shazam.features.store import Int32Array


def tiles_key(slide_id: str, coords: Int32Array | None, *, n_tiles: int) -> str:
    """Return the digest of the tiles of an imported slide.

    Without coordinates only the slide and the number of its tiles are known, and equal keys mean
    no more than that.

    Args:
        slide_id: the slide.
        coords: int32 ``[n_tiles, 2]``, (x, y) at level 0, or None.
        n_tiles: number of tiles.
    """
    found = None if coords is None else hashlib.sha256(coords.astype("<i4").tobytes()).hexdigest()
    return digest_of(["imported tiles", slide_id, n_tiles, found])
