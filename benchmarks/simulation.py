"""Simulation of the evaluation where the truth is known: errors, coverage, and a null model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import TypeVar

from rich.console import Console
from scipy.stats import binomtest

from benchmarks.rows import Bound, Row
from benchmarks.simulation_published import PublishedSetting, chosen_on_test, published_world
from benchmarks.simulation_runs import WEAK_BETA, Setting, fitted_arms, given_arms, world_of

NAME = "simulation"
_N_PROCESSES = 2
_NOMINAL_LOWER = 0.025
_MAX_ERROR = 0.07
_COVERAGE = (0.92, 0.98)
_LEAST_PUBLISHED = 0.54

Found = dict[str, Counter[str]]
AnySetting = TypeVar("AnySetting", Setting, PublishedSetting)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is simulated: runs of each setting, of the published protocol, and replicates."""

    n_runs: int = 2000
    n_published: int = 100
    n_replicates: int = 500

    def given(self) -> tuple[Setting, ...]:
        """Return the settings of arms of a given C: arms alike and unlike beside the signal."""
        alike = ((60, 0.3, 0.5), (60, 0.7, 0.2), (150, 0.3, 0.8), (150, 0.7, 0.5), (400, 0.5, 0.5))
        return tuple(Setting(*one, self.n_replicates) for one in alike)

    def fitted(self) -> tuple[Setting, ...]:
        """Return the settings of arms that are fitted, with a clear signal and with little."""
        sizes = ((n_cases, beta) for beta in (1.5, WEAK_BETA) for n_cases in (60, 150, 400))
        return tuple(Setting(n, 0.5, 0.0, self.n_replicates, beta) for n, beta in sizes)

    def published(self) -> tuple[PublishedSetting, ...]:
        """Return the settings of the published protocol."""
        return tuple(
            PublishedSetting(n_tested, n_events, correlation, self.n_replicates)
            for n_tested, n_events in ((50, 8), (75, 12), (200, 30))
            for correlation in (0.5, 0.9)
        )


QUICK = Size(n_runs=4, n_published=2, n_replicates=100)


def is_asked(only: str | None) -> bool:
    """Tell whether ``--only`` asks for the simulation: always as a whole, or not at all."""
    return only is None or only.startswith(NAME)


def measure(size: Size) -> Iterator[Row]:
    """Simulate, and give every row."""
    with ProcessPoolExecutor(_N_PROCESSES, mp_context=get_context("spawn")) as pool:
        given = _simulated(pool, _run_given, size.given(), size.n_runs)
        yield from given_rows(given, size.n_runs)
        fitted = _simulated(pool, _run_fitted, size.fitted(), size.n_runs)
        yield from fitted_rows(fitted, size.n_runs)
        published = _simulated(pool, _run_published, size.published(), size.n_published)
        yield from published_rows(published, size.n_published)


def given_rows(found: Found, n_runs: int) -> Iterator[Row]:
    """Return the rows of arms whose true C is set."""
    errors = {
        "equal arms differ, by the interval": "differs",
        "equal arms differ, by p": "differs_by_p",
        "one of two equal arms differs, by Holm's p": "differs_by_holm",
        "superior by a margin that is only reached": "superior_at_margin",
        "not inferior where worse by the margin": "non_inferior_at_margin",
        "a null model passes the gates, against a null arm": "null_passes_null",
        "a null model passes the gates, against a good arm": "null_passes_good",
    }
    for name, key in errors.items():
        yield _error(name, key, found, n_runs=n_runs)
    covered = {
        "the true C": "covers",
        "C of a null model": "covers_null",
        "C of a null model, by plain percentiles": "covers_null_plain",
        "the true difference": "covers_difference",
    }
    for name, key in covered.items():
        yield from _coverage(name, key, found, n_runs=n_runs)


def fitted_rows(found: Found, n_runs: int) -> Iterator[Row]:
    """Return the rows of arms that are fitted on the other folds."""
    errors = {
        "fitted: a null model passes the floor": "null_passes_floor",
        "fitted: a gate passes by more than the true difference": "gate_overstates",
        "fitted: two null arms differ, by the interval": "nulls_differ",
        "fitted: two null arms differ, by p": "nulls_differ_by_p",
        "fitted: one of two null arms differs from a null arm, by Holm's p": "nulls_differ_by_holm",
        "fitted: an arm minus a null arm, not the true difference": "unlike_excludes",
    }
    for name, key in errors.items():
        yield _error(name, key, found, n_runs=n_runs)
    weak = {name: total for name, total in found.items() if total["weak"]}
    name = "fitted: two weak arms, not the true difference"
    yield _error(name, "weak_excludes", weak, n_runs=n_runs)
    covered = {
        "fitted: the true C": "covers",
        "fitted: the true C, by plain percentiles": "covers_plain",
        "fitted: C of a null model": "covers_null",
        "fitted: C of a null model, by plain percentiles": "covers_null_plain",
        "fitted: the true difference": "covers_difference",
    }
    for name, key in covered.items():
        yield from _coverage(name, key, found, n_runs=n_runs)
    plain = _rates("null_passes_plain_bound", found, n_runs=n_runs)
    yield Row(
        f"{NAME}: fitted: a null model's plain bound lies above 0.5",
        "the nominal rate of a lower bound; why the floor's gate widens it",
        max(plain.values()),
        Bound.AT_MOST,
        _NOMINAL_LOWER,
        plain,
    )


def published_rows(found: Found, n_runs: int) -> Iterator[Row]:
    """Return what the published protocol makes of a model that knows nothing."""
    chosen = _rates("chosen_c", found, n_runs=n_runs)
    yield Row(
        f"{NAME}: published protocol, C of a null model",
        "true C 0.5; the best of 20 epochs is chosen on the test fold",
        max(chosen.values()),
        Bound.AT_LEAST,
        _LEAST_PUBLISHED,
        chosen,
    )
    last = _rates("last_c", found, n_runs=n_runs)
    apart = max(abs(value - 0.5) for value in last.values())
    yield Row(f"{NAME}: C of its last epoch", "0.5", apart, Bound.AT_MOST, 0.03, last)
    passes = _rates("chosen_passes", found, n_runs=n_runs)
    yield Row(
        f"{NAME}: published protocol, a null model passes the floor",
        "at most 7 % may; predictions of epochs that were chosen on the test fold",
        max(passes.values()),
        Bound.AT_LEAST,
        _MAX_ERROR,
        passes,
    )


def _simulated(
    pool: ProcessPoolExecutor,
    run: Callable[[AnySetting, Sequence[int]], Counter[str]],
    settings: Sequence[AnySetting],
    n_runs: int,
) -> Found:
    found: Found = {}
    for setting in settings:
        Console(stderr=True).print(f"simulating: {run.__name__[5:]}, {setting.name}")
        parts = [range(start, n_runs, _N_PROCESSES) for start in range(_N_PROCESSES)]
        found[setting.name] = sum(pool.map(partial(run, setting), parts), start=Counter[str]())
    return found


def _run_given(setting: Setting, seeds: Sequence[int]) -> Counter[str]:
    world = world_of(setting)
    return _total(given_arms(setting, world=world, seed=seed) for seed in seeds)


def _run_fitted(setting: Setting, seeds: Sequence[int]) -> Counter[str]:
    world = world_of(setting)
    return _total(fitted_arms(setting, world=world, seed=seed) for seed in seeds)


def _run_published(setting: PublishedSetting, seeds: Sequence[int]) -> Counter[str]:
    world = published_world(setting)
    return _total(chosen_on_test(setting, world=world, seed=seed) for seed in seeds)


def _total(counts: Iterator[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return total


def _rates(key: str, found: Found, *, n_runs: int) -> dict[str, float]:
    return {name: total[key] / n_runs for name, total in found.items()}


def _error(name: str, key: str, found: Found, *, n_runs: int) -> Row:
    """Return the greatest upper 95 % bound (Clopper and Pearson) of an error's rates."""
    bounds = [_exact(total[key], n_runs)[1] for total in found.values()]
    against = f"{n_runs} runs of each setting: upper 95 % bound of the greatest rate"
    return Row(
        f"{NAME}: {name}",
        against,
        max(bounds),
        Bound.AT_MOST,
        _MAX_ERROR,
        _rates(key, found, n_runs=n_runs),
    )


def _coverage(name: str, key: str, found: Found, *, n_runs: int) -> Iterator[Row]:
    rates: Mapping[str, float] = _rates(key, found, n_runs=n_runs)
    against = f"{n_runs} runs of each setting; 95 % intervals"
    lowest, highest = min(rates.values()), max(rates.values())
    yield Row(
        f"{NAME}: {name}, least covered", against, lowest, Bound.AT_LEAST, _COVERAGE[0], rates
    )
    yield Row(f"{NAME}: {name}, most covered", against, highest, Bound.AT_MOST, _COVERAGE[1], rates)


def _exact(hits: int, n_runs: int) -> tuple[float, float]:
    interval = binomtest(hits, n_runs).proportion_ci(0.95, method="exact")
    return float(interval.low), float(interval.high)
