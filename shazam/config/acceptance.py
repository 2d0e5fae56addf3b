"""The section on what is accepted: written, and frozen by its digest, before evaluation."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, model_validator

from shazam.config.arms import FUSION_STUDENT, LATE_ENSEMBLE
from shazam.config.licences import KNOWN_LICENCES, IntendedUse, Term
from shazam.config.section import Fraction, Name, Section
from shazam.refs import SHA256_PATTERN

_GAIN = 0.05
_LicenceName = Annotated[str, Field(min_length=1)]
_Floor = Annotated[float, Field(ge=0, lt=1)]


class Comparison(StrEnum):
    """What the candidate must be, compared to another arm.

    ``non_inferior``: the paired difference lies above ``-margin``; ``superior``: above ``margin``;
    both by the lower bound of its 95 % interval.
    """

    NON_INFERIOR = "non_inferior"
    SUPERIOR = "superior"


class ChampionKind(StrEnum):
    """What a comparison to the champion measures.

    ``procedure``: the champion's predictions of cases that are new since it was fitted, against
    the candidate's out-of-fold ones. ``locked``: both registered models on a locked test cohort,
    which no run does.
    """

    PROCEDURE = "procedure"
    LOCKED = "locked"


class CandidateCanary(StrEnum):
    """Whether the candidate itself is refitted on permuted outcomes.

    ``required``: without refits its gate fails. ``left_out``: it is not refitted, and the verdict
    says so.
    """

    REQUIRED = "required"
    LEFT_OUT = "left_out"


def _usual_margin(given: dict[str, Any]) -> float:
    return 0.0 if given.get("comparison") is Comparison.SUPERIOR else 0.05


class CalibrationRule(Section):
    """Bounds of calibration; one that is asked for and cannot be computed fails.

    ``slope_min`` and ``slope_max`` bound the slope at the horizon (1 is perfect);
    ``max_calibration_in_the_large`` how far the mean predicted risk by then may lie from the share
    of events that Kaplan-Meier observes; ``d_calibration_min_p`` the p-value of D-calibration;
    ``max_calibration_error`` the expected calibration error of class probabilities.
    """

    slope_min: float | None = Field(default=None, ge=0)
    slope_max: float | None = Field(default=None, gt=0)
    max_calibration_in_the_large: Fraction | None = None
    d_calibration_min_p: Fraction | None = None
    max_calibration_error: Fraction | None = None

    @model_validator(mode="after")
    def _asks_something_possible(self) -> CalibrationRule:
        if all(value is None for value in self.model_dump().values()):
            raise ValueError(
                "asks nothing; give slope_min and slope_max, max_calibration_in_the_large, "
                "d_calibration_min_p or max_calibration_error, or remove the section"
            )
        low, high = self.slope_min, self.slope_max
        if low is not None and high is not None and low >= high:
            raise ValueError(f"slope_min ({low:g}) must lie below slope_max ({high:g})")
        return self


class ChampionRule(Section):
    """The model in use, by the SHA-256 of its registered bundle."""

    bundle: str = Field(pattern=SHA256_PATTERN)
    kind: ChampionKind = ChampionKind.PROCEDURE
    comparison: Comparison = Comparison.NON_INFERIOR
    margin: float = Field(default_factory=_usual_margin, ge=0, lt=1)


class AcceptanceConfig(Section):
    """What the named candidate must show; its digest is frozen before evaluation.

    A ``floor`` below what guessing gives counts as what guessing gives. ``margin`` is 0 for
    ``superior`` unless given. ``expected_difference`` and
    ``expected_correlation`` are assumptions of the power alone: the true difference of candidate
    and arm (unless given 0, or 0.05 above what is asked where that is 0 or more), and the
    correlation of their metrics over samples. ``subgroup_floors`` names columns, and what the
    primary metric of each of their subgroups must reach. ``licence_terms`` says what licences
    oblige to that are not known here.
    """

    candidate: Name = FUSION_STUDENT
    floor: _Floor = 0.5
    compared_to: Name = LATE_ENSEMBLE
    comparison: Comparison = Comparison.NON_INFERIOR
    margin: float = Field(default_factory=_usual_margin, ge=0, lt=1)
    expected_difference: float | None = Field(default=None, gt=-1, lt=1)
    expected_correlation: float = Field(default=0.5, ge=0, lt=1)
    min_events: int = Field(default=30, ge=1)
    canary_max_standard_errors: float = Field(default=3.0, gt=0, le=5)
    candidate_canary: CandidateCanary = CandidateCanary.REQUIRED
    max_site_balanced_accuracy: float | None = Field(default=None, gt=0, lt=1)
    calibration: CalibrationRule | None = None
    subgroup_floors: dict[Name, _Floor] = Field(default_factory=dict)
    champion: ChampionRule | None = None
    intended_use: IntendedUse = IntendedUse.RESEARCH
    accepted_licences: tuple[_LicenceName, ...] = ("Apache-2.0",)
    licence_terms: dict[_LicenceName, tuple[Term, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _reachable(self) -> AcceptanceConfig:
        if self.assumed_difference <= self.required_difference:
            raise ValueError(
                f"expected_difference ({self.assumed_difference:g}) must lie above "
                f"{self.required_difference:+g}, which 'comparison: {self.comparison}' with this "
                "margin asks for: not even the expected candidate would pass"
            )
        return self

    @model_validator(mode="after")
    def _licences_are_clear(self) -> AcceptanceConfig:
        named = self.accepted_licences
        if repeated := sorted({name for name in named if named.count(name) > 1}):
            raise ValueError(f"accepted_licences: named twice: {', '.join(repeated)}")
        for name, terms in self.licence_terms.items():
            if name in KNOWN_LICENCES:
                known = ", ".join(sorted(KNOWN_LICENCES[name])) or "none"
                raise ValueError(
                    f"licence_terms: the terms of '{name}' are known ({known}); remove it"
                )
            if name not in named:
                raise ValueError(
                    f"licence_terms: '{name}' is not among accepted_licences; accept it or "
                    "remove it"
                )
            if Term.UNKNOWN in terms:
                raise ValueError(f"licence_terms: '{name}': say what the terms are")
        return self

    @property
    def required_difference(self) -> float:
        """What the lower bound of candidate minus arm must lie above."""
        return required_difference(self.comparison, self.margin)

    @property
    def scored_champion(self) -> ChampionRule | None:
        """The champion that a run compares to; a locked cohort is measured outside of runs."""
        rule = self.champion
        return rule if rule is not None and rule.kind is ChampionKind.PROCEDURE else None

    @property
    def assumed_difference(self) -> float:
        """The true difference of candidate and arm that the power assumes."""
        if self.expected_difference is not None:
            return self.expected_difference
        required = self.required_difference
        return 0.0 if required < 0 else min(required + _GAIN, (required + 1) / 2)


def required_difference(comparison: Comparison, margin: float) -> float:
    """Return what the lower bound of a paired difference must lie above."""
    match comparison:
        case Comparison.NON_INFERIOR:
            return -margin
        case Comparison.SUPERIOR:
            return margin
