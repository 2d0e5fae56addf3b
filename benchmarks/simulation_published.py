"""The published protocol on a null model: the best of 20 epochs, chosen on the test fold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from benchmarks.simulation_cases import World, draw_risks
from benchmarks.simulation_runs import N_FOLDS, Judged
from shazam.evaluation.metrics import harrell_c

N_EPOCHS = 20


@dataclass(frozen=True, slots=True)
class PublishedSetting:
    """A test fold's size and mean number of events, and the correlation of epochs' risks."""

    n_tested: int
    n_events: int
    epoch_correlation: float
    n_replicates: int

    @property
    def name(self) -> str:
        """How figures of this setting are called."""
        return (
            f"{self.n_tested} cases with {self.n_events} events a fold, "
            f"epochs correlated {self.epoch_correlation:g}"
        )


def published_world(setting: PublishedSetting) -> World:
    """Return how the patients of a setting live: nothing that is seen matters."""
    return World(beta=0.0, censored=1 - setting.n_events / setting.n_tested)


def chosen_on_test(setting: PublishedSetting, *, world: World, seed: int) -> Counter[str]:
    """Run 20 epochs of a model that knows nothing, and report the best epoch of each fold.

    ``chosen_c`` and ``last_c`` are the mean over the folds of the C of the epoch that was best on
    the test fold, and of the last one; ``chosen_passes`` and ``last_passes`` tell whether the
    floor's gate is passed with them.
    """
    rng = np.random.default_rng(seed)
    signal = np.zeros(setting.n_tested * N_FOLDS)
    truth = world.observe(signal, n_folds=N_FOLDS, rng=rng)
    epochs = np.stack(
        draw_risks(
            signal,
            truth=truth,
            correlations=[np.zeros(N_FOLDS)] * N_EPOCHS,
            noise_correlation=setting.epoch_correlation,
            rng=rng,
        )
    )
    in_fold = (truth.fold[None, :] == np.arange(N_FOLDS)[:, None]).astype(np.float64)
    c_of_epoch = np.stack([harrell_c(risk, truth=truth)(in_fold) for risk in epochs])
    best = np.nanargmax(np.nan_to_num(c_of_epoch, nan=0.0), axis=0)
    chosen = epochs[best[truth.fold], np.arange(len(signal))]
    judged = Judged.of(
        {"chosen": chosen, "last": epochs[-1]},
        truth=truth,
        n_replicates=setting.n_replicates,
        seed=seed,
    )
    return Counter(
        {
            "chosen_c": float(np.nanmean(c_of_epoch[best, np.arange(N_FOLDS)])),
            "last_c": float(np.nanmean(c_of_epoch[-1])),
            "chosen_passes": judged.floor("chosen").passed,
            "last_passes": judged.floor("last").passed,
        }
    )
