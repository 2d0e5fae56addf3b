"""Single runs of the simulation: a cohort is drawn, judged by the project, held against truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.simulation_cases import World, draw_risks
from shazam.config.acceptance import AcceptanceConfig
from shazam.evaluation.bootstrap import bootstrap_counts, percentile_interval
from shazam.evaluation.comparison import is_told, metric_of, paired_differences
from shazam.evaluation.gates import difference_gate, floor_gate
from shazam.evaluation.metrics import harrell_c, observed
from shazam.evaluation.pairs import Array
from shazam.evaluation.result import ArmEvaluation, Difference, Gate
from shazam.evaluation.truth import Truth

MARGIN = 0.05
ALPHA = 0.05
CHANCE = 0.5
WEAK_BETA = 0.6
N_FOLDS = 5
_GOOD, _FAIR = 0.75, 0.70  # true C; apart by the margin
_SPREAD = 0.12  # of correlations over folds
_N_FEATURES = 6
_NULLS = ("null", "null_too", "null_three")
_RIDGE = 5.0
_ACCEPTANCE = AcceptanceConfig(candidate="candidate", compared_to="other", margin=MARGIN)


@dataclass(frozen=True, slots=True)
class Setting:
    """A size of cohort, share of censored cases, and correlation of two arms' noise.

    ``beta`` is the log hazard ratio per standard deviation of the signal.
    """

    n_cases: int
    censored: float
    noise_correlation: float
    n_replicates: int
    beta: float = 1.5

    @property
    def name(self) -> str:
        """How figures of this setting are called."""
        return f"{self.n_cases} cases, {self.censored:.0%} censored, beta {self.beta:g}"


@dataclass(frozen=True, slots=True)
class Judged:
    """Arms of one cohort with their intervals, and the replicates of their C."""

    arms: Mapping[str, ArmEvaluation]
    replicates: Mapping[str, Array]

    @classmethod
    def of(
        cls, risks: Mapping[str, Array], *, truth: Truth, n_replicates: int, seed: int
    ) -> Judged:
        """Judge risks by Harrell's C as an evaluation does."""
        counts = bootstrap_counts(truth.fold, n_replicates=n_replicates, seed=seed)
        arms, replicates = {}, {}
        for name, risk in risks.items():
            metric = harrell_c(risk, truth=truth)
            replicates[name] = metric(counts)
            value = observed(metric, n_cases=len(risk))
            told = is_told(value, replicates=replicates[name], chance=CHANCE)
            shown = metric_of("harrell_c", value, replicates=replicates[name], told=told)
            arms[name] = ArmEvaluation(
                arm=name,
                metrics=(shown,),
                widened=not told,
                folds=(),
                seeds=(),
                n_not_finite=0,
                constant_folds=(),
            )
        return cls(arms=arms, replicates=replicates)

    def against(self, candidate: str, *others: str) -> tuple[Difference, ...]:
        """Return candidate minus each of the others."""
        arms = [self.arms[name] for name in (candidate, *others)]
        return paired_differences(arms, replicates=self.replicates, candidate=candidate)

    def passes(self, candidate: str, other: str) -> bool:
        """Tell whether the candidate passes the gates on its C: floor and non-inferiority."""
        floor = self.floor(candidate)
        (difference,) = self.against(candidate, other)
        gate = difference_gate(difference, floor=floor, acceptance=_ACCEPTANCE)
        return floor.passed and gate.passed

    def floor(self, name: str) -> Gate:
        """Return the gate on an arm's own C."""
        return floor_gate(self.arms[name], acceptance=_ACCEPTANCE, chance=0.5)

    def covers(self, name: str, true_c: float) -> bool:
        """Tell whether an arm's interval holds its true C."""
        interval = self.arms[name].primary
        return interval.lower <= true_c <= interval.upper

    def covers_plain(self, name: str, true_c: float) -> bool:
        """Tell whether the plain percentiles of an arm's draws hold its true C."""
        lower, upper = percentile_interval(self.replicates[name])
        return lower <= true_c <= upper


def given_arms(setting: Setting, *, world: World, seed: int) -> Counter[str]:
    """Run arms whose correlation to the signal is set: three equal, one worse by the margin, null.

    Models of different folds differ; the mean true C over the folds is what is set.
    """
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=setting.n_cases)
    truth = world.observe(signal, n_folds=N_FOLDS, rng=rng)
    good = _correlations(world, _GOOD)
    folds = {
        "a": rng.permutation(good),
        "b": rng.permutation(good),
        "c": rng.permutation(good),
        "worse": rng.permutation(_correlations(world, _FAIR)),
        "null": np.zeros(N_FOLDS),
        "null_too": np.zeros(N_FOLDS),
    }
    risks = draw_risks(
        signal,
        truth=truth,
        correlations=list(folds.values()),
        noise_correlation=setting.noise_correlation,
        rng=rng,
    )
    judged = Judged.of(
        dict(zip(folds, risks, strict=True)),
        truth=truth,
        n_replicates=setting.n_replicates,
        seed=seed,
    )
    equal = judged.against("a", "b", "c")
    (ahead,), (behind,) = judged.against("a", "worse"), judged.against("worse", "a")
    return Counter(
        {
            "differs": not equal[0].lower <= 0 <= equal[0].upper,
            "differs_by_p": equal[0].p_value <= ALPHA,
            "differs_by_holm": min(difference.p_holm for difference in equal) <= ALPHA,
            "superior_at_margin": ahead.lower > MARGIN,
            "non_inferior_at_margin": judged.passes("worse", "a"),
            "null_passes_null": judged.passes("null", "null_too"),
            "null_passes_good": judged.passes("null", "a"),
            "covers": judged.covers("a", float(world.true_c(good).mean())),
            "covers_null": judged.covers("null", CHANCE),
            "covers_null_plain": judged.covers_plain("null", CHANCE),
            "covers_difference": _holds(behind, _gap(world)),
        }
    )


def fitted_arms(setting: Setting, *, world: World, seed: int) -> Counter[str]:
    """Run arms that are fitted on the other folds, as in an evaluation.

    What a fold's models learnt, and so their true C, differs from run to run; training parts
    overlap, and a case that one fold tests is trained on by the others. Two arms see half of the
    signal each, and three see nothing of it.
    """
    rng = np.random.default_rng(seed)
    arms = ("a", "b", *_NULLS)
    views = {name: rng.normal(size=(setting.n_cases, _N_FEATURES)) for name in arms}
    weight = np.full(_N_FEATURES, 1 / np.sqrt(2 * _N_FEATURES))
    signal = (views["a"] + views["b"]) @ weight
    truth = world.observe(signal, n_folds=N_FOLDS, rng=rng)
    risks, true_c = {}, {}
    for name, view in views.items():
        effect = np.zeros(_N_FEATURES) if name in _NULLS else weight
        risks[name], correlation = _fitted(view, effect=effect, truth=truth)
        true_c[name] = float(world.true_c(correlation).mean())
    judged = Judged.of(risks, truth=truth, n_replicates=setting.n_replicates, seed=seed)
    (alike,), (unlike,) = judged.against("a", "b"), judged.against("a", "null")
    nulls = judged.against(*_NULLS)
    excludes = not _holds(alike, true_c["a"] - true_c["b"])
    weak = setting.beta <= WEAK_BETA
    return Counter(
        {
            "weak": weak,
            "covers": judged.covers("a", true_c["a"]),
            "covers_plain": judged.covers_plain("a", true_c["a"]),
            "covers_null": judged.covers("null", CHANCE),
            "covers_null_plain": judged.covers_plain("null", CHANCE),
            "covers_difference": not excludes,
            "weak_excludes": weak and excludes,
            "unlike_excludes": not _holds(unlike, true_c["a"] - CHANCE),
            "nulls_differ": not _holds(nulls[0], 0.0),
            "nulls_differ_by_p": nulls[0].p_value <= ALPHA,
            "nulls_differ_by_holm": min(difference.p_holm for difference in nulls) <= ALPHA,
            "gate_overstates": alike.lower > true_c["a"] - true_c["b"] and judged.floor("a").passed,
            "null_passes_floor": judged.floor("null").passed,
            "null_passes_plain_bound": (
                percentile_interval(judged.replicates["null"])[0] > _ACCEPTANCE.floor
            ),
        }
    )


def world_of(setting: Setting) -> World:
    """Return how the patients of a setting live."""
    return World(beta=setting.beta, censored=setting.censored)


def _holds(difference: Difference, truth: float) -> bool:
    return difference.lower <= truth <= difference.upper


def _correlations(world: World, c: float) -> Array:
    """Return correlations of the folds' models, spread, whose mean true C is ``c``."""
    spread = _SPREAD * np.linspace(-1, 1, N_FOLDS)
    centre = world.correlation_of(c)
    for _ in range(20):
        centre += world.correlation_of(c) - world.correlation_of(
            float(world.true_c(centre + spread).mean())
        )
    found: Array = centre + spread
    return found


def _gap(world: World) -> float:
    means = [world.true_c(_correlations(world, c)).mean() for c in (_FAIR, _GOOD)]
    return float(means[0] - means[1])


def _fitted(view: Array, *, effect: Array, truth: Truth) -> tuple[Array, Array]:
    """Return out-of-fold risks, and the correlation of each fold's model to the signal.

    The fit is one Newton step of a ridge Cox model from 0: features against martingale residuals.
    """
    risk, correlation = np.zeros(len(view)), np.zeros(truth.n_folds)
    for number in range(truth.n_folds):
        train = truth.fold != number
        features = view[train] - view[train].mean(axis=0)
        event = truth.event[train].astype(np.float64)
        residual = event - _cumulative_hazard(truth.time_months[train], event)
        penalty = _RIDGE * np.eye(view.shape[1])
        hessian = features.T @ features * event.mean() + penalty
        weight = np.linalg.solve(hessian, features.T @ residual)
        risk[~train] = view[~train] @ weight
        correlation[number] = weight @ effect / np.linalg.norm(weight)
    return risk, correlation


def _cumulative_hazard(time_months: Array, event: Array) -> Array:
    order = np.argsort(time_months)
    hazard = np.empty(len(time_months))
    hazard[order] = np.cumsum(event[order] / np.arange(len(order), 0, -1))
    return hazard
