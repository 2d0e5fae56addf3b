"""What is judged: predictions of all arms in the order of one truth, and the draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from shazam.cohort.folds import Splits
from shazam.cohort.model import Cohort
from shazam.config.acceptance import AcceptanceConfig
from shazam.config.evaluation import EvaluationConfig
from shazam.evaluation.bootstrap import bootstrap_counts
from shazam.evaluation.metrics import chance_of
from shazam.evaluation.order import in_content_order
from shazam.evaluation.out_of_fold import OutOfFold, out_of_fold
from shazam.evaluation.pairs import Array
from shazam.evaluation.procedure import ScoredChampion
from shazam.evaluation.truth import Truth, truth_of_cases


@dataclass(frozen=True, slots=True)
class Asked:
    """Predictions, truth and draws of one evaluation."""

    predictions: Mapping[str, pd.DataFrame]
    cohort: Cohort
    splits: Splits
    acceptance: AcceptanceConfig
    config: EvaluationConfig
    truth: Truth
    pooled: Mapping[str, OutOfFold]
    counts: Array

    @classmethod
    def of(
        cls,
        predictions: Mapping[str, pd.DataFrame],
        *,
        cohort: Cohort,
        splits: Splits,
        acceptance: AcceptanceConfig,
        config: EvaluationConfig,
        champion: ScoredChampion | None,
    ) -> Asked:
        named = truth_of_cases(
            cohort.cases, splits=splits, classes=cohort.classes, targets=cohort.targets
        )
        tables = [predictions[arm] for arm in sorted(predictions)]
        if champion is not None and champion.table is not None:
            tables.append(champion.table)
        truth = in_content_order(named, cases=cohort.cases, tables=tables)
        return cls(
            predictions=predictions,
            cohort=cohort,
            splits=splits,
            acceptance=acceptance,
            config=config,
            truth=truth,
            pooled={
                arm: out_of_fold(predictions[arm], arm=arm, truth=truth, splits=splits)
                for arm in sorted(predictions)
            },
            counts=bootstrap_counts(
                truth.fold, groups=truth.groups, n_replicates=config.bootstrap, seed=config.seed
            ),
        )

    @property
    def chance(self) -> float:
        """What guessing gives by the primary metric."""
        return chance_of(self.truth.task, n_classes=self.truth.n_tested_classes)

    @property
    def sites(self) -> tuple[str | None, ...]:
        """The site of each tested case; of tiles that of the case they are of."""
        site_of = {case.case_id: case.site for case in self.cohort.cases}
        groups = self.truth.groups or self.truth.case_ids
        found: dict[str, str | None] = {}
        for case_id, group in zip(self.truth.case_ids, groups, strict=True):
            found.setdefault(group, site_of[case_id])
        return tuple(found.values())

    @property
    def candidate(self) -> OutOfFold:
        return self.pooled[self.acceptance.candidate]
