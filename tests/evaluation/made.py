"""Made cohorts and predictions for tests of the evaluation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from shazam.cohort.folds import Splits
from shazam.cohort.model import Case, Cohort
from shazam.cohort.splits import make_splits
from shazam.config.acceptance import AcceptanceConfig
from shazam.config.cohort import Task
from shazam.config.evaluation import EvaluationConfig
from shazam.config.splits import SplitsConfig
from shazam.evaluation.evaluate import evaluate
from shazam.evaluation.probe import Canary, ProbeResult, SiteProbe
from shazam.evaluation.result import EvaluationResult
from shazam.manifests import LevelDims, TeacherIdentity
from tests.cohort.made import cohort_of

CONFIG = EvaluationConfig(bootstrap=200)
ACCEPTANCE = AcceptanceConfig(
    candidate="fusion_student_v2", compared_to="late_ensemble", min_events=20, margin=0.1
)
CLASSES = ("adeno", "benign", "squamous")
GENES = ("CD8A", "HLA-A")
EDGES_MONTHS = (6.0, 12.0, 24.0, 48.0, 72.0)


def survival_cohort(n_cases: int = 72, *, seed: int = 0) -> tuple[Cohort, np.ndarray]:
    """Return a cohort of 9 sites, and the log hazard of each case."""
    rng = np.random.default_rng(seed)
    log_hazard = rng.normal(size=n_cases)
    died = rng.exponential(30 * np.exp(-log_hazard))
    left = rng.uniform(10, 90, size=n_cases)
    cases = [
        Case(
            f"case-{n:03}",
            f"site-{n % 9}",
            float(np.round(min(died[n], left[n]) + 0.1, 1)),
            bool(died[n] <= left[n]),
            None,
            (),
        )
        for n in range(n_cases)
    ]
    return cohort_of(cases), log_hazard


def class_cohort(n_cases: int = 90, *, seed: int = 0) -> tuple[Cohort, np.ndarray]:
    """Return a cohort of 3 classes without sites, and one-hot truth ``[n_cases, 3]``."""
    labels = np.random.default_rng(seed).integers(3, size=n_cases)
    cases = [
        Case(f"case-{n:03}", None, None, None, CLASSES[label], ()) for n, label in enumerate(labels)
    ]
    return cohort_of(cases, task=Task.CLASSIFICATION), np.eye(3)[labels]


def value_cohort(n_cases: int = 72, *, seed: int = 0) -> tuple[Cohort, np.ndarray]:
    """Return a cohort of 9 sites with two genes, a tenth not measured, and both in full."""
    rng = np.random.default_rng(seed)
    values = 10 + rng.normal(size=(n_cases, 2)) * [1.0, 4.0]
    measured = rng.random((n_cases, 2)) > 0.1
    measured[~measured.any(axis=1), 0] = True
    cases = []
    for n in range(n_cases):
        shown = [float(v) if m else None for v, m in zip(values[n], measured[n], strict=True)]
        pairs = tuple(zip(GENES, shown, strict=True))
        cases.append(Case(f"case-{n:03}", f"site-{n % 9}", None, None, None, (), pairs))
    return cohort_of(cases, task=Task.REGRESSION), values


def splits_of(cohort: Cohort, *, n_folds: int = 3) -> Splits:
    """Return splits of all cases of a cohort."""
    return make_splits(cohort.cases, task=cohort.task, config=SplitsConfig(n_folds=n_folds))


def predictions(
    arm: str,
    signal: np.ndarray,
    *,
    cohort: Cohort,
    splits: Splits,
    noise: float,
    seeds: tuple[int, ...] = (0,),
) -> pd.DataFrame:
    """Return a predictions table: the signal + noise.

    The signal is ``[n_cases]``, ``[n_cases, 3 classes]`` or ``[n_cases, 2 genes]``.
    """
    row_of = {case.case_id: row for row, case in enumerate(cohort.cases)}
    rows = []
    for seed in seeds:
        rng = np.random.default_rng([seed, *arm.encode()])
        noisy = signal + noise * rng.normal(size=signal.shape)
        for number, fold in enumerate(splits.folds):
            for part in ("validation", "test"):
                for case_id in fold.parts[part]:
                    scores = _scores(noisy[row_of[case_id]], scale=1.0 + number)
                    key = {"arm": arm, "seed": seed, "fold": number, "part": part}
                    rows.append({**key, "case_id": case_id, **scores})
                    if signal.ndim == 1 and arm != "late_ensemble":
                        rows[-1] |= _curve(float(noisy[row_of[case_id]]))
    return pd.DataFrame(rows)


def _curve(log_hazard: float) -> Mapping[str, float]:
    """Return the curve of a log hazard, with the baseline of :func:`survival_cohort`."""
    survival = np.exp(-np.array(EDGES_MONTHS) / 30 * np.exp(log_hazard))
    edges = {f"edge_{k}": edge for k, edge in enumerate(EDGES_MONTHS)}
    return edges | {f"survival_{k}": float(s) for k, s in enumerate(survival)}


def _scores(value: np.ndarray, *, scale: float) -> Mapping[str, float]:
    if value.ndim == 0:
        return {"risk": float(scale * value + scale)}
    if len(value) == len(GENES):
        return {f"value_{name}": float(v) for name, v in zip(GENES, value, strict=True)}
    odds = np.exp(value)
    return {
        f"prob_{name}": float(share) for name, share in zip(CLASSES, odds / odds.sum(), strict=True)
    }


def teacher(name: str = "lite0", *, licence: str = "Apache-2.0") -> TeacherIdentity:
    """Return a teacher's identity."""
    return TeacherIdentity(
        name=name,
        revision="0.1.0",
        weights_sha256="a" * 64,
        transform_sha256="b" * 64,
        dims=LevelDims(low=40, mid=112, high=1280),
        licence=licence,
    )


def probe_result(
    *, chance: float = 0.5, mean: float = 0.51, sd: float = 0.05, metric: str = "harrell_c"
) -> ProbeResult:
    """Return a probe whose canaries lie where they are told to, the candidate's at chance."""
    canary = Canary(
        arm="mean_pool.lite0",
        metric=metric,
        chance=chance,
        values=(mean - sd, mean + sd, *(mean for _ in range(8))),
        mean=mean,
        sd=sd,
    )
    of_candidate = {
        "arm": ACCEPTANCE.candidate,
        "values": (chance - sd, chance + sd, chance),
        "mean": chance,
    }
    return ProbeResult(
        sites=(
            SiteProbe(
                teacher="lite0",
                balanced_accuracy=0.42,
                chance=1 / 9,
                n_sites=9,
                n_cases=72,
                n_sites_left_out=0,
                p_value=0.001,
            ),
        ),
        canary=canary,
        canary_candidate=canary.model_copy(update=of_candidate),
    )


def survival_result(
    *, noise: float = 0.3, acceptance: AcceptanceConfig = ACCEPTANCE, n_cases: int = 72
) -> EvaluationResult:
    """Evaluate four arms; the candidate's noise decides how good it is."""
    cohort, signal = survival_cohort(n_cases)
    splits = splits_of(cohort)
    noises = {
        "fusion_student_v2": noise,
        "late_ensemble": 0.7,
        "mean_pool.lite0": 1.0,
        "abmil.lite0": 1.5,
    }
    tables = {
        arm: predictions(arm, signal, cohort=cohort, splits=splits, noise=level, seeds=(0, 1))
        for arm, level in noises.items()
    }
    return evaluate(
        tables,
        cohort=cohort,
        splits=splits,
        teachers=[teacher()],
        probe=probe_result(),
        acceptance=acceptance,
        config=CONFIG,
    )


def class_result() -> EvaluationResult:
    """Evaluate two arms on three classes."""
    cohort, signal = class_cohort()
    splits = splits_of(cohort)
    tables = {
        arm: predictions(arm, 3 * signal, cohort=cohort, splits=splits, noise=noise)
        for arm, noise in {"fusion_student_v2": 1.0, "late_ensemble": 1.2}.items()
    }
    return evaluate(
        tables,
        cohort=cohort,
        splits=splits,
        teachers=[teacher()],
        probe=probe_result(chance=1 / 3, mean=0.34, metric="balanced_accuracy").model_copy(
            update={"sites": ()}
        ),
        acceptance=ACCEPTANCE,
        config=CONFIG,
    )


def value_result(*, noise: float = 0.5) -> EvaluationResult:
    """Evaluate two arms on two genes; the candidate's noise decides how good it is."""
    cohort, signal = value_cohort()
    splits = splits_of(cohort)
    tables = {
        arm: predictions(arm, signal, cohort=cohort, splits=splits, noise=level, seeds=(0, 1))
        for arm, level in {"fusion_student_v2": noise, "late_ensemble": 1.2}.items()
    }
    return evaluate(
        tables,
        cohort=cohort,
        splits=splits,
        teachers=[teacher()],
        probe=probe_result(chance=0.0, mean=0.01, metric="mean_pearson"),
        acceptance=ACCEPTANCE,
        config=CONFIG,
    )
