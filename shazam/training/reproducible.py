"""Same seed, same bytes: the random state and threads of a fit, and their return."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from threadpoolctl import threadpool_limits


@contextmanager
def reproducible(*, seed: int, n_threads: int = 1) -> Iterator[None]:
    """Seed torch's generators inside the block and give the caller's states back after it.

    A given number of threads computes, one by default: sums depend on how many share them, and
    fits of small cohorts lose more by waking threads than they gain.
    """
    n_before = torch.get_num_threads()
    with (
        torch.random.fork_rng(devices=range(torch.cuda.device_count())),
        threadpool_limits(limits=n_threads),
    ):
        torch.manual_seed(seed)
        torch.set_num_threads(n_threads)
        try:
            yield
        finally:
            torch.set_num_threads(n_before)


def unit_seed(seed: int, *, fold: int) -> int:
    """Return the seed of one fit, different for every seed and fold."""
    return int(np.random.SeedSequence([seed, fold]).generate_state(1)[0])
