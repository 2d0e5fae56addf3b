"""The candidate within subgroups of the cases, where there are enough of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeInt

from shazam.cohort.model import Case, Cohort
from shazam.cohort.values import number_of
from shazam.config.cohort import Task
from shazam.config.evaluation import EvaluationConfig
from shazam.errors import ConfigError
from shazam.evaluation.interval import interval_of
from shazam.evaluation.metrics import Metric, metrics_of, primary_metric
from shazam.evaluation.out_of_fold import OutOfFold
from shazam.evaluation.pairs import Array
from shazam.evaluation.truth import Truth
from shazam.manifests import Entry

SITE = "site"
UNKNOWN = "unknown"
_USUAL = (SITE, "sex", "stage", "scanner")
_MOST_NUMBERS = 10
_NOT_KNOWN = frozenset(
    {"", ".", "?", "-", "--", "na", "n/a", "nan", "null", "none", UNKNOWN, "missing"}
    | {"not available", "not reported", "not evaluated", "not applicable"}
)


class Subgroup(Entry):
    """Cases with one value of a column, and the primary metric among them.

    ``value`` is None for the reason in ``remark``; the ends of its 95 % interval are also None
    where no draw gave it. ``n_events`` is None but for survival. Of units that belong together,
    such as the tiles of a case, ``n_cases`` counts the cases.
    """

    column: str
    group: str
    n_cases: NonNegativeInt
    n_events: NonNegativeInt | None
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    remark: str | None = None


def subgroups_of(
    scored: OutOfFold,
    *,
    cohort: Cohort,
    truth: Truth,
    counts: Array,
    config: EvaluationConfig,
    told: bool = True,
) -> tuple[Subgroup, ...]:
    """Return the primary metric of an arm within each subgroup.

    Pairs are compared within a fold and within the subgroup. Numbers of more than 10 values are
    divided at the median of the tested cases.

    Args:
        scored: the arm's out-of-fold predictions.
        cohort: sites and clinical columns of the cases.
        truth: the outcomes.
        counts: bootstrap counts float64 ``[n_replicates, n_cases]``.
        config: columns and minimum sizes.
        told: whether the arm is told from guessing; intervals of one that is not are widened.

    Raises:
        ConfigError: a column that was asked for is not in the cohort.
    """
    known = {case.case_id: case for case in cohort.cases}
    cases = [known[case_id] for case_id in truth.case_ids]
    metric = metrics_of(scored.scores, truth=truth)[primary_metric(truth)]
    drawn = np.vstack([np.ones((1, len(cases))), counts])
    found: list[Subgroup] = []
    for column, texts in _columns(cases, asked=config.subgroups).items():
        names = np.array(_named(texts))
        for name in sorted(set(names.tolist())):
            own = names == name
            subgroup = _sized(column, name, own=own, truth=truth)
            if (remark := _too_small(subgroup, config=config)) is not None:
                found.append(subgroup.model_copy(update={"remark": remark}))
            else:
                found.append(_judged(subgroup, metric=metric, drawn=drawn * own, told=told))
    return tuple(found)


def _columns(cases: Sequence[Case], *, asked: Sequence[str] | None) -> Mapping[str, list[str]]:
    present = {SITE} if any(case.site is not None for case in cases) else set()
    present |= {name for case in cases for name, _ in case.clinical}
    spelt = {name.lower(): name for name in sorted(present)}
    wanted = _USUAL if asked is None else asked
    missing = [name for name in wanted if name.lower() not in spelt]
    if asked is not None and missing:
        raise ConfigError(
            f"evaluation.subgroups: the cohort has no column {', '.join(missing)}; it has "
            f"{', '.join(sorted(present)) or 'none'}"
        )
    columns = [spelt[name.lower()] for name in wanted if name.lower() in spelt]
    return {column: [_text(case, column) for case in cases] for column in columns}


def _text(case: Case, column: str) -> str:
    given = dict(case.clinical).get(column)
    text = case.site if column == SITE and case.site is not None else given
    plain = (text or "").strip()
    return UNKNOWN if plain.strip("[]'").lower() in _NOT_KNOWN else plain


def _named(texts: Sequence[str]) -> list[str]:
    """Return the subgroup of each case: its value, or the half that its number lies in."""
    numbers = [None if text == UNKNOWN else number_of(text) for text in texts]
    given = [text for text in texts if text != UNKNOWN]
    values = [number for number in numbers if number is not None]
    if len(values) < len(given) or len(set(values)) <= _MOST_NUMBERS:
        return list(texts)
    middle = float(np.median(values))
    return [
        UNKNOWN if number is None else f"<= {middle:g}" if number <= middle else f"> {middle:g}"
        for number in numbers
    ]


def _sized(column: str, name: str, *, own: NDArray[np.bool_], truth: Truth) -> Subgroup:
    rows = np.flatnonzero(own)
    n_cases = len({truth.groups[row] for row in rows}) if truth.groups else len(rows)
    n_events = int(truth.event[rows].sum()) if truth.task is Task.SURVIVAL else None
    return Subgroup(column=column, group=name, n_cases=n_cases, n_events=n_events)


def _judged(subgroup: Subgroup, *, metric: Metric, drawn: Array, told: bool) -> Subgroup:
    values = metric(drawn)
    found = interval_of(float(values[0]), replicates=values[1:], told=told)
    if found is None:
        nothing = "no two of its cases can be compared within a fold"
        return subgroup.model_copy(update={"remark": nothing})
    return subgroup.model_copy(update=found.model_dump())


def _too_small(subgroup: Subgroup, *, config: EvaluationConfig) -> str | None:
    if subgroup.n_cases < config.subgroup_min_cases:
        return f"too small: {subgroup.n_cases} case(s), fewer than {config.subgroup_min_cases}"
    if subgroup.n_events is not None and subgroup.n_events < config.subgroup_min_events:
        return f"too small: {subgroup.n_events} event(s), fewer than {config.subgroup_min_events}"
    return None
