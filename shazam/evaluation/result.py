"""The verdict of one evaluation: every number that the report shows, as JSON."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveInt

from shazam.config.acceptance import AcceptanceConfig, ChampionKind
from shazam.config.cohort import Task
from shazam.config.evaluation import EvaluationConfig
from shazam.evaluation.bootstrap import lower_without_signal
from shazam.evaluation.class_calibration import ClassCalibration
from shazam.evaluation.drift_result import Drift
from shazam.evaluation.earlier import EarlierFreeze
from shazam.evaluation.interval import Interval
from shazam.evaluation.kaplan_meier import RiskGroups
from shazam.evaluation.obligations import Obligation
from shazam.evaluation.power import Power
from shazam.evaluation.probe import ProbeResult
from shazam.evaluation.subgroups import Subgroup
from shazam.evaluation.survival import SurvivalFindings
from shazam.manifests import Entry, Sha256


class MetricValue(Entry):
    """A metric of the pooled out-of-fold predictions with its 95 % interval.

    All are None where an arm's predictions hold no number from which it could be computed.
    """

    name: str
    value: float | None
    lower: float | None
    upper: float | None


class KnownMetric(MetricValue):
    """A metric that every arm has: predictions that are no number earn no credit in it."""

    value: float
    lower: float
    upper: float


class FoldValue(Entry):
    """The primary metric in one fold; None when the fold holds nothing to compare."""

    fold: NonNegativeInt
    value: float | None


class SeedValue(Entry):
    """The primary metric of one seed alone."""

    seed: int
    value: float


class ArmEvaluation(Entry):
    """One arm: metrics, primary one first.

    ``n_not_finite`` counts predictions of tested and inner-validation cases; in ``constant_folds``
    some seed's member gave all test cases the same. ``primary_by_site`` is the primary metric with
    its interval over draws of whole sites, where there are at least 10. ``widened`` tells that the
    arm is not told from guessing, so that the intervals of these count their variance twice.
    """

    arm: str
    metrics: tuple[MetricValue, ...]
    folds: tuple[FoldValue, ...]
    seeds: tuple[SeedValue, ...]
    n_not_finite: NonNegativeInt
    constant_folds: tuple[NonNegativeInt, ...]
    primary_by_site: Interval | None = None
    widened: bool = False

    @property
    def lower_without_signal(self) -> float:
        """The lower bound of the primary metric, wide enough for a model without signal."""
        primary = self.primary
        if self.widened:
            return primary.lower
        return lower_without_signal(primary.value, primary.lower)

    @property
    def primary(self) -> KnownMetric:
        """The metric that the gates judge."""
        return KnownMetric.model_validate(self.metrics[0].model_dump())

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with its predictions, in words."""
        found = []
        if self.n_not_finite:
            found.append(f"{self.n_not_finite} prediction(s) that are no number")
        if self.constant_folds:
            listed = ", ".join(str(number) for number in self.constant_folds)
            found.append(f"the same prediction for every case of fold {listed}")
        return tuple(found)

    def metric(self, name: str) -> MetricValue:
        """Return a metric by its name.

        Raises:
            KeyError: the arm was not judged by it.
        """
        return {metric.name: metric for metric in self.metrics}[name]


class Difference(Entry):
    """Candidate minus arm on the primary metric, paired; ``p_holm`` adjusts for all arms.

    ``by_site`` has the interval over draws of whole sites, where there are at least 10.
    ``widened`` tells that one of the two is not told from guessing, so that its variance is
    counted twice in the intervals and p-values.
    """

    arm: str
    value: float
    lower: float
    upper: float
    p_value: float
    p_holm: float
    by_site: Interval | None = None
    widened: bool = False


class PairDifference(Entry):
    """First minus second on the primary metric, paired; ``p_holm`` adjusts for all pairs asked.

    ``by_site`` and ``widened`` are as of :class:`Difference`.
    """

    first: str
    second: str
    value: float
    lower: float
    upper: float
    p_value: float
    p_holm: float
    by_site: Interval | None = None
    widened: bool = False


class ChampionComparison(Entry):
    """Candidate minus champion on the primary metric, paired.

    ``kind`` says what it measures: the ``procedure`` that made the candidate, or with ``locked``
    the registered models themselves. ``widened`` as of :class:`Difference`.
    """

    kind: ChampionKind
    metric: str
    n_cases: PositiveInt
    n_events: NonNegativeInt | None
    n_slides_compared: NonNegativeInt
    candidate: float
    champion: float
    difference: float
    lower: float
    upper: float
    widened: bool = False


class ChampionFound(Entry):
    """What came of a comparison to the champion: its numbers, or why there are none."""

    bundle_sha256: str = Sha256
    comparison: ChampionComparison | None = None
    why_not: str | None = None


class FoldSummary(Entry):
    """Who stands where; a flagged fold has too few events (or cases) for a claim of its own."""

    fold: NonNegativeInt
    n_train: NonNegativeInt
    n_validation: NonNegativeInt
    n_test: NonNegativeInt
    n_test_events: NonNegativeInt | None
    test_classes: tuple[tuple[str, NonNegativeInt], ...]
    test_sites: tuple[str, ...]
    flagged: bool


class FusionWeights(Entry):
    """The weights of a fusion in one fold and seed; ``weights[i]`` is that of ``parts[i]``."""

    arm: str
    fold: NonNegativeInt
    seed: NonNegativeInt
    parts: tuple[str, ...]
    weights: tuple[float, ...]


class Confusion(Entry):
    """``counts[i][j]``: test cases of class i that the candidate called class j."""

    classes: tuple[str, ...]
    counts: tuple[tuple[NonNegativeInt, ...], ...]


class TargetCount(Entry):
    """A target of regression, and how many tested cases have a measured value of it."""

    target: str
    n_measured: NonNegativeInt


class Gate(Entry):
    """One criterion: what was observed, what was required, and what that means."""

    name: str
    passed: bool
    observed: float | None
    required: float | None
    explanation: str


class EvaluationResult(Entry):
    """Everything an evaluation found. Equal inputs give equal bytes.

    ``n_tested_classes`` is 0 but for classification, and where an earlier version evaluated.
    ``teachers`` are the encoders whose licences the candidate inherits; ``earlier_freezes`` other
    criteria that had been frozen for the same folds before, and other folds of the same cohort.
    """

    task: Task
    primary_metric: str
    candidate: str
    teachers: tuple[str, ...] = ()
    cohort_sha256: str = Sha256
    splits_sha256: str = Sha256
    acceptance_sha256: str = Sha256
    acceptance: AcceptanceConfig
    config: EvaluationConfig
    n_cases_in: NonNegativeInt
    n_slides_in: NonNegativeInt
    n_cases: PositiveInt
    n_events: NonNegativeInt | None
    n_tested_classes: NonNegativeInt = 0
    excluded_cases: tuple[str, ...]
    sites_preserved: bool
    split_notes: tuple[str, ...]
    folds: tuple[FoldSummary, ...]
    arms: tuple[ArmEvaluation, ...]
    differences: tuple[Difference, ...]
    pairs: tuple[PairDifference, ...] = ()
    fusions: tuple[FusionWeights, ...] = ()
    uno_horizon_months: float | None
    survival: SurvivalFindings | None = None
    risk_groups: RiskGroups | None
    confusion: Confusion | None
    calibration: ClassCalibration | None = None
    subgroups: tuple[Subgroup, ...] = ()
    targets: tuple[TargetCount, ...] = ()
    champion: ChampionFound | None = None
    probe: ProbeResult
    obligations: tuple[Obligation, ...] = ()
    power: Power | None = None
    earlier_freezes: tuple[EarlierFreeze, ...] = ()
    drift: Drift | None = None
    gates: tuple[Gate, ...] = Field(min_length=1)
    passed: bool

    @property
    def candidate_arm(self) -> ArmEvaluation:
        """The evaluation of the named candidate."""
        return next(arm for arm in self.arms if arm.arm == self.candidate)
