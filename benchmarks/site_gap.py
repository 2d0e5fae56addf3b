"""C with sites kept apart against random folds, over repeated splits of the same real cases.

``python -m benchmarks.site_gap`` prints a table of all arms and keeps it as JSON.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks.__main__ import DATA_VARIABLE, RESULTS
from benchmarks.site_gap_data import VIEWS, Views, read_views
from shazam.cohort.folds import Splits
from shazam.cohort.splits import make_splits
from shazam.config.arms import ArmsConfig, BaselineFamily, JointFamily, StudentArm
from shazam.config.cohort import Task
from shazam.config.splits import SitePolicy, SplitsConfig
from shazam.config.student import StudentConfig, StudentV1Config
from shazam.config.training import TrainingConfig
from shazam.evaluation.bootstrap import bootstrap_counts, percentile_interval
from shazam.evaluation.metrics import harrell_c
from shazam.evaluation.out_of_fold import out_of_fold
from shazam.evaluation.pairs import Array
from shazam.evaluation.repeats import corrected_error, quantile_of_t
from shazam.evaluation.truth import truth_of_cases
from shazam.models.arm import ArmResult
from shazam.progress import silent
from shazam.publish import publish_json
from shazam.training.arms import fit_baseline, fit_joint
from shazam.training.clinical import fit_clinical
from shazam.training.execution import Execution
from shazam.training.late import fuse_late
from shazam.training.logit_prod import LogitProdFit, fit_logit_prod
from shazam.training.student import fit_student
from shazam.training.study import Study

N_FOLDS = 5
_N_REPLICATES = 500
_SPLITS_LIMIT_S = 300.0  # far more than is needed, so that no load of the machine moves a fold


@dataclass(frozen=True, slots=True)
class Gap:
    """C of an arm by both schemes in each repeat, and random minus site-preserved.

    ``lower`` and ``upper`` are a corrected t interval over the repeats, ``cases_lower`` and
    ``cases_upper`` a bootstrap over cases of the mean gap of these repeats' models.
    """

    arm: str
    random: tuple[float, ...]
    preserved: tuple[float, ...]
    gap: float
    lower: float
    upper: float
    cases_lower: float
    cases_upper: float


@dataclass(frozen=True, slots=True)
class Scored:
    """Harrell's C of an arm in one repeat.

    Args:
        c: by draw of cases, float64 ``[1 + n_replicates]``; the first is the cases themselves.
        by_fold: of each test part.
    """

    c: Array
    by_fold: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """How often what is fitted: networks only until their seconds are used up."""

    n_repeats: int = 10
    n_network_repeats: int = 5
    network_s: float = 1500.0
    epochs: int = 10


def measure(views: Views, *, budget: Budget) -> Iterator[Gap]:
    """Fit all arms on both kinds of folds, and give the gap of each."""
    counts = bootstrap_counts(
        np.zeros(len(views.cases), dtype=np.int64), n_replicates=_N_REPLICATES, seed=0
    )
    counts = np.vstack([np.ones(len(views.cases)), counts])  # the first row is the cases themselves
    found: dict[str, list[dict[SitePolicy, Scored]]] = defaultdict(list)
    start = time.monotonic()
    for repeat in range(budget.n_repeats):
        spent = time.monotonic() - start > budget.network_s
        networks = repeat < min(budget.n_network_repeats, 2) or (
            repeat < budget.n_network_repeats and not spent
        )
        Console(stderr=True).print(f"repeat {repeat}, networks: {networks}")
        schemes = {
            sites: _c_of_arms(
                views, sites=sites, seed=repeat, networks=networks, budget=budget, counts=counts
            )
            for sites in (SitePolicy.IGNORED, SitePolicy.PRESERVED)
        }
        for arm in schemes[SitePolicy.IGNORED]:
            found[arm].append({sites: own[arm] for sites, own in schemes.items()})
    for arm, repeats in found.items():
        yield gap_of(
            arm,
            random=[one[SitePolicy.IGNORED] for one in repeats],
            preserved=[one[SitePolicy.PRESERVED] for one in repeats],
        )


def gap_of(arm: str, *, random: Sequence[Scored], preserved: Sequence[Scored]) -> Gap:
    """Return an arm's gap.

    The two schemes have no test part in common, so the errors of their means are added as if they
    were independent, which makes the interval over splits rather too wide.

    Args:
        arm: its name.
        random: what each repeat scored.
        preserved: of the same cases and draws, with sites kept apart.
    """
    apart = np.stack([one.c for one in random]) - np.stack([one.c for one in preserved])
    gap = float(apart[:, 0].mean())
    errors, freedoms = zip(
        *(
            corrected_error([one.by_fold for one in scheme], n_folds=N_FOLDS)
            for scheme in (random, preserved)
        ),
        strict=True,
    )
    reach = quantile_of_t(min(freedoms)) * float(np.hypot(*errors))
    cases_lower, cases_upper = percentile_interval(apart[:, 1:].mean(axis=0))
    return Gap(
        arm=arm,
        random=tuple(float(one.c[0]) for one in random),
        preserved=tuple(float(one.c[0]) for one in preserved),
        gap=gap,
        lower=gap - reach,
        upper=gap + reach,
        cases_lower=cases_lower,
        cases_upper=cases_upper,
    )


def splits_of(views: Views, *, sites: SitePolicy, seed: int) -> Splits:
    """Return the folds of a repeat, solved to the end; what could not be had is printed."""
    config = SplitsConfig(n_folds=N_FOLDS, sites=sites, seed=seed, time_limit_s=_SPLITS_LIMIT_S)
    splits = make_splits(views.cases, task=Task.SURVIVAL, config=config)
    for note in splits.notes:
        Console(stderr=True).print(f"  {sites.value}: {note}")
    return splits


def _c_of_arms(
    views: Views,
    *,
    sites: SitePolicy,
    seed: int,
    networks: bool,
    budget: Budget,
    counts: Array,
) -> dict[str, Scored]:
    """Return Harrell's C of every arm in every draw of cases, and in every test part."""
    splits = splits_of(views, sites=sites, seed=seed)
    study = Study.of(views.bags, outcomes=views.outcomes, splits=splits, impute=True)
    training = TrainingConfig(seeds=(seed,), max_epochs=budget.epochs, abmil_dim=32)
    tables = _linear_arms(study, training, views=views)
    if networks:
        tables |= _network_arms(study, training, views=views)
    truth = truth_of_cases(views.cases, splits=splits)
    in_fold = (truth.fold[None, :] == np.arange(N_FOLDS)[:, None]).astype(np.float64)
    found = {}
    for arm, table in tables.items():
        risk = out_of_fold(table, arm=arm, truth=truth, splits=splits).scores[:, 0]
        metric = harrell_c(risk, truth=truth)
        found[arm] = Scored(metric(counts), tuple(metric(in_fold).tolist()))
    return found


def _linear_arms(
    study: Study, training: TrainingConfig, *, views: Views
) -> dict[str, pd.DataFrame]:
    clinical = fit_clinical(
        views.cases, outcomes=study.outcomes, splits=study.splits, config=training
    )
    pooled = _family(BaselineFamily.MEAN_POOL, study, training)
    return {clinical.arm: clinical.predictions} | _with_late(BaselineFamily.MEAN_POOL, pooled)


def _network_arms(
    study: Study, training: TrainingConfig, *, views: Views
) -> dict[str, pd.DataFrame]:
    execution = Execution()
    joint = fit_joint(
        JointFamily.CONCAT_ABMIL,
        teachers=VIEWS,
        study=study,
        config=training,
        execution=execution,
        progress=silent,
    )
    students = [
        fit_student(
            arm,
            study=study,
            config=training,
            student=StudentConfig(n_blocks=1, dim=32, v1=StudentV1Config(n_blocks=1, dim=32)),
            teachers=views.teachers,
            execution=execution,
            progress=silent,
        )
        for arm in StudentArm
    ]
    attended = _family(BaselineFamily.ABMIL, study, training)
    fit = LogitProdFit(
        study.outcomes, splits=study.splits, config=training, ridge=ArmsConfig().logit_prod_ridge
    )
    weighted = fit_logit_prod(attended, fit=fit)
    own = {result.arm: result.predictions for result in (joint, *students, weighted)}
    return _with_late(BaselineFamily.ABMIL, attended) | own


def _family(family: BaselineFamily, study: Study, training: TrainingConfig) -> list[ArmResult]:
    """Fit a family on each view."""
    return [
        fit_baseline(
            family,
            teacher=view,
            study=study,
            config=training,
            execution=Execution(),
            progress=silent,
        )
        for view in VIEWS
    ]


def _with_late(family: BaselineFamily, results: Sequence[ArmResult]) -> dict[str, pd.DataFrame]:
    """Return the tables of a family, and of the late ensemble of these."""
    tables = {result.arm: result.predictions for result in results}
    name = f"late_ensemble.{family}"
    return tables | {name: fuse_late(list(tables.values()), arm=name)}


def print_gaps(gaps: Sequence[Gap]) -> None:
    """Print a row for each arm."""
    table = Table(title="Harrell's C: random folds, sites kept apart, and what lies between")
    for title in ("arm", "repeats", "random", "sites apart", "gap", "95 %, splits", "95 %, cases"):
        table.add_column(title)
    for gap in gaps:
        table.add_row(
            gap.arm,
            str(len(gap.random)),
            f"{np.mean(gap.random):.3f}",
            f"{np.mean(gap.preserved):.3f}",
            f"{gap.gap:+.3f}",
            f"{gap.lower:+.3f} to {gap.upper:+.3f}",
            f"{gap.cases_lower:+.3f} to {gap.cases_upper:+.3f}",
        )
    Console(width=120).print(table)


def main() -> int:
    """Return 0 when all arms were fitted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.site_gap", description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--network-repeats", type=int, default=5)
    parser.add_argument("--network-seconds", type=float, default=1500.0)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON file")
    asked = parser.parse_args()
    data = Path(os.environ.get(DATA_VARIABLE, ""))
    if not data.is_dir():
        parser.error(f"{DATA_VARIABLE} must name the folder of the reference data")
    if asked.repeats < 2 or asked.network_repeats == 1:
        parser.error("an interval needs two repeats or more")
    budget = Budget(asked.repeats, asked.network_repeats, asked.network_seconds)
    gaps = list(measure(read_views(data), budget=budget))
    kept: Mapping[str, object] = {gap.arm: asdict(gap) for gap in gaps}
    publish_json(asked.results / "site_gap.json", kept)
    print_gaps(gaps)
    return 0


if __name__ == "__main__":
    sys.exit(main())
