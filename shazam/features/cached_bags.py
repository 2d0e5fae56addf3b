"""Bags on disk of which the first cases that are read stay in memory, within a budget."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from shazam.errors import ConfigError
from shazam.features.bags import PackedBags, Source, TileChoice, offsets_of
from shazam.features.stored_bags import StoredBags

CACHE_VARIABLE = "SHAZAM_CACHE_GB"
_BYTES_PER_GB = 10**9


class CachedBags:
    """Bags on disk; cases that are in memory are not read again.

    What is kept does not travel to other processes: each keeps cases of its own.

    Args:
        stored: the bags.
        budget_bytes: that the kept features may take in a process.
    """

    def __init__(self, stored: StoredBags, *, budget_bytes: int) -> None:
        self._stored = stored
        self._budget_bytes = budget_bytes
        self._start()

    def _start(self) -> None:
        self._kept: dict[int, PackedBags] = {}
        self._left_bytes = self._budget_bytes
        self._lock = threading.Lock()

    def __getstate__(self) -> tuple[StoredBags, int]:
        """Leave the kept cases behind."""
        return self._stored, self._budget_bytes

    def __setstate__(self, state: tuple[StoredBags, int]) -> None:
        """Begin without kept cases."""
        self._stored, self._budget_bytes = state
        self._start()

    @property
    def case_ids(self) -> tuple[str, ...]:
        """Names of the cases."""
        return self._stored.case_ids

    @property
    def lengths(self) -> Tensor:
        """Number of tiles of each case, int64 ``[n_cases]``."""
        return self._stored.lengths

    @property
    def dims(self) -> Mapping[Source, int]:
        """Number of features by (teacher, level)."""
        return self._stored.dims

    @property
    def present(self) -> Mapping[str, Tensor]:
        """Which cases a teacher has seen; see :class:`PackedBags`."""
        return self._stored.present

    def only(self, sources: Sequence[Source]) -> CachedBags:
        """Return the bags with these teachers and levels alone, none of them kept yet."""
        return CachedBags(self._stored.only(sources), budget_bytes=self._budget_bytes)

    def select(self, indices: Sequence[int], tiles: TileChoice | None = None) -> PackedBags:
        """Return the bags of these cases, in this order; arguments as of :class:`PackedBags`.

        Raises:
            ArtifactError: a file is missing or ends too early.
        """
        parts = []
        for position, case in enumerate(torch.as_tensor(indices).tolist()):
            own = None if tiles is None else [tiles[position]]
            kept = self._whole(case)
            part = self._stored.select([case], own) if kept is None else kept.select([0], own)
            parts.append(part)
        return _joined(parts)

    def _whole(self, case: int) -> PackedBags | None:
        """Return a case that is kept, or is from now on; None if there is no room for it."""
        with self._lock:
            if case in self._kept:
                return self._kept[case]
            n_bytes = int(self.lengths[case]) * self._stored.tile_bytes
            if n_bytes > self._left_bytes:
                return None
            self._left_bytes -= n_bytes
        read = self._stored.select([case])
        with self._lock:
            return self._kept.setdefault(case, read)


def within_budget(
    stored: StoredBags, *, environment: Mapping[str, str] = os.environ
) -> StoredBags | CachedBags:
    """Return bags that keep as much in memory as ``SHAZAM_CACHE_GB`` says, by default nothing.

    The system keeps files in memory that it has room for, too; a budget of our own helps where
    files lie on a network.

    Raises:
        ConfigError: the variable is no number of at least 0.
    """
    asked = environment.get(CACHE_VARIABLE, "").strip()
    if not asked:
        return stored
    try:
        budget_gb = float(asked)
    except ValueError:
        budget_gb = -1.0
    if not 0.0 <= budget_gb < float("inf"):
        raise ConfigError(f"{CACHE_VARIABLE}={asked}: give gigabytes for each process, such as 4")
    return CachedBags(stored, budget_bytes=int(budget_gb * _BYTES_PER_GB))


def _joined(parts: Sequence[PackedBags]) -> PackedBags:
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    return PackedBags(
        case_ids=tuple(case_id for part in parts for case_id in part.case_ids),
        offsets=offsets_of(torch.cat([part.lengths for part in parts])),
        levels={source: torch.cat([p.levels[source] for p in parts]) for source in first.levels},
        present={name: torch.cat([p.present[name] for p in parts]) for name in first.present},
    )
