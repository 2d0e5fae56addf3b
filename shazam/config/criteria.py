"""All that decides the verdict beside folds and predictions: what is frozen before any fit."""

from __future__ import annotations

from pydantic import NonNegativeInt

from shazam.config.acceptance import AcceptanceConfig
from shazam.config.evaluation import EvaluationConfig
from shazam.config.section import Section
from shazam.config.tree import Config
from shazam.digest import digest_of


class CanaryRefits(Section):
    """How often the cheap arm and the candidate are refitted on permuted outcomes."""

    canary_permutations: NonNegativeInt
    canary_candidate_permutations: NonNegativeInt


class Criteria(Section):
    """The criteria, the numbers by which they are judged, and the arms that stand beside.

    ``arms`` are sorted: Holm's adjustment takes all of them.
    """

    acceptance: AcceptanceConfig
    evaluation: EvaluationConfig
    canary: CanaryRefits
    arms: tuple[str, ...]

    @classmethod
    def of(cls, config: Config) -> Criteria:
        """Return the criteria of a config."""
        return cls(
            acceptance=config.acceptance,
            evaluation=config.evaluation,
            canary=CanaryRefits(
                canary_permutations=config.arms.canary_permutations,
                canary_candidate_permutations=config.arms.canary_candidate_permutations,
            ),
            arms=tuple(sorted(config.arm_names())),
        )

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each part by its name."""
        return {name: digest_of(getattr(self, name)) for name in type(self).model_fields}
