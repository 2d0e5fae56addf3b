"""A new cohort against a reference: clinical columns and mean features, by effect and by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shazam.cells import is_missing
from shazam.config.cohort import ClinicalKind
from shazam.config.drift import DriftConfig
from shazam.evaluation.bootstrap import holm
from shazam.evaluation.drift_features import LEAST_CASES, feature_drift
from shazam.evaluation.drift_ks import adjusted_tests, ks_test
from shazam.evaluation.drift_psi import (
    Levels,
    chance_of_index,
    kind_of,
    numbers_of,
    population_stability_index,
)
from shazam.evaluation.drift_result import ColumnDrift, LevelShare, TeacherDrift
from shazam.evaluation.pairs import Array


@dataclass(frozen=True, slots=True)
class Described:
    """What is compared of a cohort; everything is in one order of its cases.

    Args:
        clinical: texts of each case, by column.
        means: for each teacher float64 ``[n_cases, dim]``, the mean over a case's tiles; NaN where
            a value is missing, a row of NaN where the teacher has not seen the case.
        kinds: what columns hold, where the cohort says so.
    """

    clinical: tuple[Mapping[str, str], ...]
    means: Mapping[str, Array]
    kinds: Mapping[str, ClinicalKind]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in the order of the table."""
        return tuple(dict.fromkeys(name for case in self.clinical for name in case))

    def column(self, name: str) -> list[str]:
        """Return the cell of each case; empty where there is none."""
        return [case.get(name, "") for case in self.clinical]


def compare(
    reference: Described, new: Described, *, config: DriftConfig
) -> tuple[tuple[ColumnDrift, ...], tuple[TeacherDrift, ...]]:
    """Compare all clinical columns, and the features of all teachers of the new cohort.

    Equal input gives an equal result; nothing in it is NaN.
    """
    names = dict.fromkeys((*reference.columns, *new.columns))
    columns: Sequence[ColumnDrift] = [
        _column(name, reference, new, config=config, n_draws=config.n_draws(len(names)))
        for name in names
    ]
    teachers: Sequence[TeacherDrift] = [
        _teacher(name, reference, new, config=config) for name in new.means
    ]
    columns, teachers = adjusted_tests(columns, teachers)
    return _judged_columns(columns, config=config), _judged_teachers(teachers, config=config)


def _column(
    name: str, reference: Described, new: Described, *, config: DriftConfig, n_draws: int
) -> ColumnDrift:
    then, now = reference.column(name), new.column(name)
    sizes = {"n_reference": len(then), "n_new": len(now)}
    for cohort, which in ((reference, "the reference"), (new, "the new cohort")):
        if name not in cohort.columns:
            return ColumnDrift(column=name, remark=f"{which} has no such column", **sizes)
    told = f"the reference has {len(then)} case(s) and the new cohort {len(now)}"
    if min(len(then), len(now)) < LEAST_CASES:
        why = f"too few: {told}, at least {LEAST_CASES} are needed"
        return ColumnDrift(column=name, remark=why, **sizes)
    kind = reference.kinds.get(name) or kind_of(then)
    levels = Levels.of(then, now, kind=kind)
    return ColumnDrift(
        column=name,
        kind=kind,
        missing_reference=_missing(then),
        missing_new=_missing(now),
        levels=tuple(
            LevelShare(level=level, reference=int(before) / len(then), new=int(after) / len(now))
            for level, before, after in zip(levels.names, levels.reference, levels.new, strict=True)
        ),
        unseen=levels.unseen,
        psi=float(population_stability_index(levels.reference, levels.new)),
        p_value=chance_of_index(levels, n_draws=n_draws, seed=config.seed),
        ks=None
        if kind is ClinicalKind.CATEGORY
        or min(map(len, map(numbers_of, (then, now)))) < LEAST_CASES
        else ks_test(name, numbers_of(then), numbers_of(now)),
        **sizes,
    )


def _teacher(
    name: str, reference: Described, new: Described, *, config: DriftConfig
) -> TeacherDrift:
    if name not in reference.means:
        return TeacherDrift(
            teacher=name,
            n_features=new.means[name].shape[1],
            n_reference=0,
            n_new=len(new.clinical),
            remark="the reference has no features of it",
        )
    n_draws = config.n_draws(len(new.means))
    return feature_drift(
        name, reference.means[name], new.means[name], config=config, n_draws=n_draws
    )


def _judged_columns(
    columns: Sequence[ColumnDrift], *, config: DriftConfig
) -> tuple[ColumnDrift, ...]:
    p_holm = iter(holm([one.p_value for one in columns if one.p_value is not None]))
    judged = []
    for one in columns:
        if one.psi is None:
            judged.append(one)
            continue
        p_value = next(p_holm)
        beyond = one.psi > config.max_psi and p_value <= config.alpha
        judged.append(one.model_copy(update={"p_holm": p_value, "exceeded": beyond}))
    return tuple(judged)


def _judged_teachers(
    teachers: Sequence[TeacherDrift], *, config: DriftConfig
) -> tuple[TeacherDrift, ...]:
    p_holm = iter(holm([one.p_value for one in teachers if one.p_value is not None]))
    judged = []
    for one in teachers:
        if one.ratio is None:
            judged.append(one)
            continue
        p_value = next(p_holm)
        beyond = one.ratio > config.max_frechet_ratio and p_value <= config.alpha
        judged.append(one.model_copy(update={"p_holm": p_value, "exceeded": beyond}))
    return tuple(judged)


def _missing(texts: Sequence[str]) -> float:
    return sum(map(is_missing, texts)) / len(texts)
