"""The config tree: one frozen pydantic section per room. Units are in the names."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import Field, NonNegativeInt, model_validator

from shazam.config.extraction import ExtractionConfig, Grouping
from shazam.config.section import Fraction, Name, Section
from shazam.errors import ConfigError

LATE_ENSEMBLE = "late_ensemble"
FUSION_STUDENT = "fusion_student_v2"


class Task(StrEnum):
    """What a case is predicted for."""

    SURVIVAL = "survival"
    CLASSIFICATION = "classification"


class SitePolicy(StrEnum):
    """Whether a site may stand in two parts of a split."""

    PRESERVED = "preserved"
    IGNORED = "ignored"


class Variant(StrEnum):
    """``faithful`` repeats the published form for parity, ``corrected`` mends its faults."""

    FAITHFUL = "faithful"
    CORRECTED = "corrected"


class BaselineFamily(StrEnum):
    """Families of base arms; each is fitted once per teacher."""

    MEAN_POOL = "mean_pool"
    ABMIL = "abmil"


class CohortConfig(Section):
    """The outcome table and the slide folder."""

    name: Name
    task: Task = Task.SURVIVAL
    table: Path | None = None
    slides_dir: Path | None = None
    clinical_columns: tuple[str, ...] = ()

    def sources(self) -> tuple[Path, Path]:
        """Return (table, slide folder).

        Raises:
            ConfigError: one of them is not configured.
        """
        if self.table is None or self.slides_dir is None:
            missing = "cohort.table" if self.table is None else "cohort.slides_dir"
            raise ConfigError(f"{missing} is not set; name it in the config or with --set")
        return self.table, self.slides_dir


class TilingConfig(Section):
    """Tiles have a physical size, so 20x and 40x slides give the same field of view.

    ``max_pen_fraction`` and ``min_sharpness`` drop tiles with ink or out of focus; both are off
    unless a number is given.
    """

    tile_um: float = Field(default=112.0, gt=0, le=2000)
    tile_px: int = Field(default=224, ge=32, le=2048)
    min_tissue_fraction: Fraction = 0.5
    tissue_um_per_px: float = Field(default=8.0, gt=0, le=64)
    max_upsampling: float = Field(default=1.1, ge=1.0, le=4.0)
    assume_mpp: float | None = Field(default=None, ge=0.05, le=5.0)
    max_pen_fraction: Fraction | None = None
    min_sharpness: float | None = Field(default=None, gt=0, le=1e6)


class SplitsConfig(Section):
    """Outer folds by case, inner validation carved from training."""

    n_folds: int = Field(default=5, ge=2, le=20)
    sites: SitePolicy = SitePolicy.PRESERVED
    validation_fraction: float = Field(default=0.2, gt=0, lt=0.5)
    seed: int = Field(default=0, ge=0)
    time_limit_s: float = Field(default=20.0, gt=0)


class StudentConfig(Section):
    """The fusion student v2."""

    variant: Variant = Variant.CORRECTED
    dim: int = Field(default=128, ge=8, le=2048)
    n_blocks: int = Field(default=4, ge=1, le=12)
    dropout: Fraction = 0.25
    distillation_weight: float = Field(default=0.01, ge=0)


class TrainingConfig(Section):
    """One optimiser budget for all arms that are compared."""

    seeds: tuple[NonNegativeInt, ...] = Field(default=(0,), min_length=1)
    max_epochs: int = Field(default=30, ge=1)
    batch_cases: int = Field(default=16, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-3, ge=0)
    warmup_fraction: Fraction = 0.1
    gradient_clip: float = Field(default=1.0, gt=0)
    patience_epochs: int = Field(default=8, ge=1)
    min_validation_events: int = Field(default=15, ge=1)
    n_intervals: int = Field(default=4, ge=2, le=32)
    uncensored_weight: Fraction = 0.4
    pca_components: int = Field(default=16, ge=1)
    ridge: float = Field(default=10.0, gt=0)

    @model_validator(mode="after")
    def _seeds_differ(self) -> TrainingConfig:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("a seed is named twice")
        return self

    abmil_dim: int = Field(default=128, ge=8, le=2048)


class ArmsConfig(Section):
    """Which arms stand beside the student."""

    baselines: tuple[BaselineFamily, ...] = (BaselineFamily.MEAN_POOL, BaselineFamily.ABMIL)
    late_ensemble: bool = True
    canary_permutations: int = Field(default=20, ge=10)


class EvaluationConfig(Section):
    """Intervals and figures."""

    bootstrap: int = Field(default=1000, ge=100)
    seed: int = Field(default=0, ge=0)
    min_events_per_fold: int = Field(default=10, ge=1)


class AcceptanceConfig(Section):
    """What the named candidate must show; its digest is frozen before evaluation."""

    candidate: Name = FUSION_STUDENT
    floor: float = Field(default=0.5, ge=0, lt=1)
    compared_to: Name = LATE_ENSEMBLE
    margin: float = Field(default=0.05, ge=0, lt=1)
    min_events: int = Field(default=30, ge=1)
    canary_max_standard_errors: float = Field(default=3.0, gt=0)
    intended_use: str = Field(default="research", pattern=r"^(research|clinical|commercial)$")
    accepted_licences: tuple[str, ...] = ("Apache-2.0",)


class DemoConfig(Section):
    """The synthetic cohort of ``shazam demo``."""

    n_cases: int = Field(default=72, ge=12)
    n_extra_slides: int = Field(default=15, ge=0)
    n_sites: int = Field(default=9, ge=3)
    signal: float = Field(default=1.0, ge=0)
    event_fraction: float = Field(default=0.7, gt=0, le=1)
    broken_slides: bool = True
    seed: int = Field(default=0, ge=0)


class Config(Section):
    """Everything a run depends on."""

    cohort: CohortConfig
    tiling: TilingConfig = TilingConfig()
    extraction: ExtractionConfig
    splits: SplitsConfig = SplitsConfig()
    student: StudentConfig = StudentConfig()
    training: TrainingConfig = TrainingConfig()
    arms: ArmsConfig = ArmsConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    acceptance: AcceptanceConfig
    max_quarantine_fraction: Fraction = 0.02
    demo: DemoConfig | None = None

    def base_arms(self) -> tuple[tuple[BaselineFamily, str], ...]:
        """Return (family, encoder) of every base arm.

        A reference encoder has the mean-pool arm only: it is what any encoder must beat.
        """
        full = ((f, t) for f in self.arms.baselines for t in self.extraction.teachers)
        reference = (
            (BaselineFamily.MEAN_POOL, name) for name in self.extraction.reference_encoders
        )
        return (*full, *reference)

    def arm_names(self) -> tuple[str, ...]:
        """Return the names of all arms that a run of this config evaluates."""
        names = [arm_name(family, encoder) for family, encoder in self.base_arms()]
        if self.arms.late_ensemble and BaselineFamily.ABMIL in self.arms.baselines:
            names.append(LATE_ENSEMBLE)
        return (*names, FUSION_STUDENT)

    def asked(self) -> Config:
        """Return the tree without what changes no result: folders and the division of work.

        Equal work then has equal digests, wherever and in however many steps it was done.
        """
        cohort = self.cohort.model_copy(update={"table": None, "slides_dir": None})
        undivided = {"grouping": Grouping.TOGETHER, "shards": 1, "readers": None}
        files = {"teachers_file": None, "teachers_lock": None}
        extraction = self.extraction.model_copy(update=undivided | files)
        return self.model_copy(update={"cohort": cohort, "extraction": extraction})

    @model_validator(mode="after")
    def _arms_exist(self) -> Config:
        candidates = set(self.arm_names()) - {LATE_ENSEMBLE}
        if self.acceptance.candidate not in candidates:
            raise ValueError(
                f"acceptance.candidate: '{self.acceptance.candidate}' is not an arm that can be "
                f"registered; choose one of {', '.join(sorted(candidates))}"
            )
        if self.acceptance.compared_to == self.acceptance.candidate:
            raise ValueError("acceptance.compared_to: names the candidate; name another arm")
        if self.acceptance.compared_to not in self.arm_names():
            raise ValueError(
                f"acceptance.compared_to: '{self.acceptance.compared_to}' is not an arm of this "
                f"config; choose one of {', '.join(sorted(self.arm_names()))}"
            )
        return self


def arm_name(family: BaselineFamily, encoder: str) -> str:
    """Return the name of a base arm, such as ``abmil.uni_v2``."""
    return f"{family}.{encoder}"
