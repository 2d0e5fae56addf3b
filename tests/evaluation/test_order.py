"""No number of an evaluation depends on what the cases, their groups and slides are called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from shazam.cohort.folds import Fold, Splits
from shazam.cohort.model import Case, Cohort
from shazam.cohort.seen import Seen
from shazam.config.acceptance import AcceptanceConfig
from shazam.evaluation.evaluate import evaluate
from shazam.evaluation.order import in_content_order
from shazam.evaluation.procedure import ScoredChampion
from shazam.evaluation.truth import truth_of_cases
from tests.evaluation import made

ARMS = {"fusion_student_v2": 0.5, "late_ensemble": 1.2}
CONFIG = made.CONFIG.model_copy(
    update={
        "bootstrap": 60,
        "subgroups": ("site", "sex"),
        "subgroup_min_cases": 2,
        "subgroup_min_events": 1,
    }
)
PROBES = {
    "survival": made.probe_result(),
    "classification": made.probe_result(chance=1 / 3, metric="balanced_accuracy"),
    "regression": made.probe_result(chance=0.0, mean=0.01, metric="mean_pearson"),
}


@dataclass(frozen=True, slots=True)
class Inputs:
    """What an evaluation is made of."""

    tables: Mapping[str, pd.DataFrame]
    cohort: Cohort
    splits: Splits
    champion: ScoredChampion | None = None

    def numbers(self) -> Any:
        """Return all that is found; of the excluded cases the number alone."""
        result = evaluate(
            self.tables,
            cohort=self.cohort,
            splits=self.splits,
            teachers=[made.teacher()],
            probe=PROBES[self.cohort.task.value],
            acceptance=AcceptanceConfig(),
            config=CONFIG,
            champion=self.champion,
        )
        found = json.loads(result.model_dump_json(exclude={"cohort_sha256", "splits_sha256"}))
        return found | {"excluded_cases": len(result.excluded_cases)}

    def renamed(self, names: Mapping[str, str]) -> Inputs:
        """Return the same cases under other names, each table in the order of these."""

        def table(frame: pd.DataFrame) -> pd.DataFrame:
            other = frame.assign(case_id=[names[name] for name in frame["case_id"]])
            return other.sort_values(["case_id", "seed", "part"], ignore_index=True)

        def part(ids: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(sorted(names[name] for name in ids))

        champion = self.champion
        if champion is not None and champion.table is not None:
            champion = replace(champion, table=table(champion.table))
        return Inputs(
            {arm: table(frame) for arm, frame in self.tables.items()},
            replace(
                self.cohort,
                cases=tuple(
                    replace(c, case_id=names[c.case_id], group=c.group and names[c.group])
                    for c in self.cohort.cases
                ),
                slides=tuple(
                    replace(s, slide_id=f"s{names[s.case_id]}", case_id=names[s.case_id])
                    for s in self.cohort.slides
                ),
            ),
            self.splits.model_copy(
                update={
                    "folds": tuple(
                        Fold(
                            train=part(fold.train),
                            validation=part(fold.validation),
                            test=part(fold.test),
                        )
                        for fold in self.splits.folds
                    )
                }
            ),
            champion,
        )


def inputs_of(task: str, *, group_size: int = 1) -> Inputs:
    """Return 12 sites, two arms of two seeds, two clinical columns and a champion of new cases.

    With a greater group size the cases are tiles of patients, and tiles 0 to 5 are all alike.
    """
    makers = {
        "survival": made.survival_cohort,
        "classification": made.class_cohort,
        "regression": made.value_cohort,
    }
    cohort, signal = makers[task](54)
    cases = tuple(
        replace(case, site=f"site-{n % 12}", clinical=(("sex", "fm"[n % 2]), ("age", str(40 + n))))
        for n, case in enumerate(cohort.cases)
    )
    if group_size > 1:
        cases = tuple(
            replace(
                cases[0 if n < 2 * group_size else n],
                case_id=case.case_id,
                group=f"patient-{n // group_size:02}",
                site=f"site-{n // group_size % 12}",
            )
            for n, case in enumerate(cases)
        )
        signal = np.concatenate([np.repeat(signal[:1], 2 * group_size, axis=0), signal[6:]])
    cohort = replace(cohort, cases=cases)
    splits = made.splits_of(cohort)
    tables = {
        arm: made.predictions(arm, signal, cohort=cohort, splits=splits, noise=noise, seeds=(0, 1))
        for arm, noise in ARMS.items()
    }
    if group_size > 1:
        tables = {
            arm: _alike(table, cohort.cases[: 2 * group_size]) for arm, table in tables.items()
        }
    theirs = tables["late_ensemble"]
    rows = theirs[(theirs["seed"] == 0) & (theirs["part"] == "test")]
    new = set(splits.folds[0].test[::2]) | set(splits.folds[1].test[::2])
    table = rows[rows["case_id"].isin(new)].assign(fold=0)
    return Inputs(
        tables,
        cohort,
        splits,
        ScoredChampion("c" * 64, table, Seen(frozenset(), frozenset())),
    )


def _alike(table: pd.DataFrame, cases: tuple[Case, ...]) -> pd.DataFrame:
    """Give the predictions of one case to all of these."""
    own = table["case_id"].isin({case.case_id for case in cases})
    scores = [name for name in table.columns if name not in {"arm", "seed", "fold", "part"}]
    scores.remove("case_id")
    table.loc[own, scores] = table.loc[own, scores].iloc[0].to_numpy()
    return table


def names_of(inputs: Inputs, seed: int) -> dict[str, str]:
    """Return other names of all cases and groups, in another order."""
    ids = sorted({name for c in inputs.cohort.cases for name in (c.case_id, c.group_id)})
    order = np.random.default_rng(seed).permutation(len(ids))
    return {name: f"p{place:04}" for name, place in zip(ids, order, strict=True)}


@pytest.fixture(scope="module", params=sorted(PROBES))
def given_inputs(request) -> tuple[Inputs, Any]:
    inputs = inputs_of(request.param)
    return inputs, inputs.numbers()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_names_of_cases_change_no_number(given_inputs, seed):
    inputs, expected = given_inputs
    found = inputs.renamed(names_of(inputs, seed)).numbers()
    assert_same(found, expected)
    assert found["champion"]["comparison"] is not None
    assert found["arms"][0]["primary_by_site"] is not None


@pytest.fixture(scope="module")
def tiles() -> Inputs:
    return inputs_of("classification", group_size=3)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_names_of_patients_and_tiles_change_no_number(tiles, seed):
    found = tiles.renamed(names_of(tiles, seed)).numbers()
    assert_same(found, tiles.numbers())
    assert found["arms"][0]["primary_by_site"] is not None


def test_groups_are_numbered_as_they_first_occur_and_stay_whole(tiles):
    named = truth_of_cases(tiles.cohort.cases, splits=tiles.splits, classes=tiles.cohort.classes)
    ordered = in_content_order(named, cases=tiles.cohort.cases, tables=[])
    assert sorted(ordered.case_ids) == sorted(named.case_ids)
    assert list(dict.fromkeys(ordered.groups)) == sorted(set(ordered.groups))
    group_of = {case.case_id: case.group for case in tiles.cohort.cases}
    pairs = {(group_of[n], g) for n, g in zip(ordered.case_ids, ordered.groups, strict=True)}
    assert len(pairs) == len(set(ordered.groups)) == len(set(group_of.values()))


def assert_same(found: Any, expected: Any, path: str = "$") -> None:
    """Assert equal structures whose numbers agree to 1e-12."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), path
        for name in expected:
            assert_same(found[name], expected[name], f"{path}.{name}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), path
        for n, (one, other) in enumerate(zip(found, expected, strict=True)):
            assert_same(one, other, f"{path}[{n}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12), path
    else:
        assert found == expected, path
