"""Same seed, same bytes: the random state and threads of a fit, and their return."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from threadpoolctl import threadpool_limits


@contextmanager
def reproducible(*, seed: int) -> Iterator[None]:
    """Seed torch's CPU generator inside the block and give the caller's state back after it.

    One thread computes: sums depend on how many threads share them, and fits of small cohorts
    lose more by waking threads than they gain.
    """
    n_threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]), threadpool_limits(limits=1):
        torch.default_generator.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(n_threads)


def unit_seed(seed: int, *, fold: int) -> int:
    """Return the seed of one fit, different for every seed and fold."""
    return int(np.random.SeedSequence([seed, fold]).generate_state(1)[0])
