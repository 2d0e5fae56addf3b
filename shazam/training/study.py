"""A study: what every arm of a run is fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shazam.cohort.folds import Splits
from shazam.errors import ConfigError
from shazam.models.presence import presence_of
from shazam.models.segments import BagSource, Source
from shazam.training.learnable import check_finite, check_learnable, permuted
from shazam.training.moments import Moments, moments_of
from shazam.training.outcomes import Outcomes


@dataclass(frozen=True, slots=True)
class Study:
    """Bags of all cases with their moments, outcomes in the same order, and folds.

    With ``impute`` NaN among the features stands for a missing value.
    """

    bags: BagSource
    moments: Moments
    outcomes: Outcomes
    splits: Splits
    impute: bool = False

    @classmethod
    def of(
        cls, bags: BagSource, *, outcomes: Outcomes, splits: Splits, impute: bool = False
    ) -> Study:
        """Check that everything fits together, then read all features once.

        Args:
            bags: of all cases.
            outcomes: of the same cases, in the same order.
            splits: the folds.
            impute: NaN stands for a missing value, which the arms fill in.

        Raises:
            ConfigError: outcomes of other cases than the bags', an outcome that is no number, or a
                training part that cannot be learnt from.
            FeatureError: a feature is NaN or infinite, or no teacher has seen a case whole.
        """
        if outcomes.case_ids != bags.case_ids:
            raise ConfigError("outcomes and features are of other cases, or in another order")
        _check_seen(bags)
        check_finite(outcomes)
        check_learnable(outcomes, splits=splits)
        moments = moments_of(bags, impute=impute)
        return cls(bags=bags, moments=moments, outcomes=outcomes, splits=splits, impute=impute)

    def only(self, sources: Sequence[Source]) -> Study:
        """Return the study with these teachers and levels alone.

        Raises:
            ConfigError: the bags lack one of them.
        """
        if missing := [source for source in sources if source not in self.bags.dims]:
            (teacher, level), *_ = missing
            raise ConfigError(f"no {level} features of teacher '{teacher}' in the bags")
        return replace(self, bags=self.bags.only(sources), moments=self.moments.only(sources))

    def permuted(self, seed: int, *, strata: NDArray[np.int64] | None = None) -> Study:
        """Return the study with its outcomes dealt anew by case (the null canary).

        With ``strata`` int64 ``[n_cases]`` they are dealt among the cases of one number only.
        """
        dealt = permuted(self.outcomes, splits=self.splits, seed=seed, strata=strata)
        return replace(self, outcomes=dealt)


def _check_seen(bags: BagSource) -> None:
    teachers = tuple(dict.fromkeys(teacher for teacher, _ in bags.dims))
    if len(teachers) > 1:  # an arm of a single teacher marks the cases that it lacks
        presence_of(bags.present, teachers=teachers, case_ids=bags.case_ids)
