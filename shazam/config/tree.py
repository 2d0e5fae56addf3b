"""The config tree: one frozen pydantic section per room. Units are in the names."""

from __future__ import annotations

from pydantic import Field, model_validator

from shazam.config.acceptance import AcceptanceConfig
from shazam.config.arms import (
    CLINICAL,
    LATE_ENSEMBLE,
    LOGIT_PROD,
    ArmsConfig,
    BaselineFamily,
    JointFamily,
    arm_name,
)
from shazam.config.cluster import ClusterConfig
from shazam.config.cohort import CohortConfig, Task
from shazam.config.drift import DriftConfig
from shazam.config.evaluation import EvaluationConfig
from shazam.config.extraction import ExtractionConfig, Grouping
from shazam.config.imports import ImportsConfig
from shazam.config.retraining import RetrainingConfig
from shazam.config.section import Fraction, Section
from shazam.config.splits import SplitsConfig
from shazam.config.student import StudentConfig
from shazam.config.tiling import TilingConfig
from shazam.config.training import TrainingConfig
from shazam.errors import ConfigError


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
    """Everything a run depends on: features come from an extraction, or are imported."""

    cohort: CohortConfig
    tiling: TilingConfig = TilingConfig()
    extraction: ExtractionConfig | None = None
    imports: ImportsConfig | None = None
    splits: SplitsConfig = SplitsConfig()
    student: StudentConfig = StudentConfig()
    training: TrainingConfig = TrainingConfig()
    arms: ArmsConfig = ArmsConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    drift: DriftConfig = DriftConfig()
    acceptance: AcceptanceConfig
    retraining: RetrainingConfig = RetrainingConfig()
    max_quarantine_fraction: Fraction = 0.02
    demo: DemoConfig | None = None
    cluster: ClusterConfig | None = None

    def teachers(self) -> tuple[str, ...]:
        """Return the names of the teachers that the student is distilled from."""
        if self.imports is not None:
            return tuple(item.name for item in self.imports.teachers if not item.reference)
        return self.extracted().teachers

    def judged_encoders(self) -> tuple[str, ...]:
        """Return the names of the encoders whose licences the candidate inherits."""
        _, _, own = self.acceptance.candidate.partition(".")
        return (*self.teachers(), *(name for name in self.reference_encoders() if name == own))

    def reference_encoders(self) -> tuple[str, ...]:
        """Return the names of the encoders that only show what any teacher must beat."""
        if self.imports is not None:
            return tuple(item.name for item in self.imports.teachers if item.reference)
        return self.extracted().reference_encoders

    def extracted(self) -> ExtractionConfig:
        """Return the section on extraction.

        Raises:
            ConfigError: features are imported.
        """
        if self.extraction is None:
            raise ConfigError("the config has 'imports' and no 'extraction': nothing is extracted")
        return self.extraction

    def imported(self) -> ImportsConfig:
        """Return the section on imports.

        Raises:
            ConfigError: features are extracted.
        """
        if self.imports is None:
            raise ConfigError("the config has 'extraction' and no 'imports': nothing is imported")
        return self.imports

    def base_arms(self) -> tuple[tuple[BaselineFamily, str], ...]:
        """Return (family, encoder) of every base arm.

        A reference encoder has the mean-pool arm only: it is what any encoder must beat.
        """
        full = ((f, t) for f in self.arms.baselines for t in self.teachers())
        reference = ((BaselineFamily.MEAN_POOL, name) for name in self.reference_encoders())
        return (*full, *reference)

    def joint_arms(self) -> tuple[JointFamily, ...]:
        """Return the arms on all teachers at once; one teacher has none."""
        return self.arms.joint if len(self.teachers()) > 1 else ()

    def has_clinical(self) -> bool:
        """Return whether the clinical arm is run."""
        return self.arms.clinical and bool(self.cohort.clinical_columns)

    def fusions(self) -> tuple[str, ...]:
        """Return the names of the arms that fuse the ABMIL arms; LogitProd needs two of them."""
        n_fused = sum(family is BaselineFamily.ABMIL for family, _ in self.base_arms())
        late = (LATE_ENSEMBLE,) if self.arms.late_ensemble and n_fused > 0 else ()
        product = (LOGIT_PROD,) if self.arms.logit_prod and n_fused > 1 else ()
        return (*late, *product)

    def arm_names(self) -> tuple[str, ...]:
        """Return the names of all arms that a run of this config evaluates."""
        base = (arm_name(family, encoder) for family, encoder in self.base_arms())
        clinical = (CLINICAL,) if self.has_clinical() else ()
        return (*clinical, *base, *self.joint_arms(), *self.fusions(), *self.arms.students)

    def candidates(self) -> tuple[str, ...]:
        """Return the names of the arms that can be registered.

        The late ensemble is no model of its own, and the clinical one reads no slide.
        """
        return tuple(name for name in self.arm_names() if name not in (LATE_ENSEMBLE, CLINICAL))

    def asked(self) -> Config:
        """Return the tree without what changes no result: folders, division of work, schedule.

        Equal work then has equal digests, wherever and in however many steps it was done, on a
        cluster too.
        """
        cohort = self.cohort.model_copy(update={"table": None, "slides_dir": None, "slides": None})
        changed: dict[str, object] = {
            "cohort": cohort,
            "splits": self.splits.without_folders(),
            "retraining": self.retraining.asked(),
            "cluster": None,
        }
        if self.imports is not None:
            changed["imports"] = self.imports.without_folders()
        undivided = {"grouping": Grouping.TOGETHER, "shards": 1, "readers": None}
        files = {"teachers_file": None, "teachers_lock": None}
        if self.extraction is not None:
            changed["extraction"] = self.extraction.model_copy(update=undivided | files)
        return self.model_copy(update=changed)

    @model_validator(mode="after")
    def _features_come_from_one_place(self) -> Config:
        if (self.extraction is None) == (self.imports is None):
            found = "neither" if self.extraction is None else "both"
            raise ValueError(
                f"the config has {found} of 'extraction' (features are made from slides) and "
                "'imports' (features that you already have); give exactly one of them"
            )
        return self

    @model_validator(mode="after")
    def _calibration_fits_the_task(self) -> Config:
        rule = self.acceptance.calibration
        if rule is None:
            return self
        of_task = {"max_calibration_error": Task.CLASSIFICATION}
        for name, value in rule.model_dump().items():
            needed = of_task.get(name, Task.SURVIVAL)
            if value is not None and needed is not self.cohort.task:
                raise ValueError(
                    f"acceptance.calibration.{name}: is for {needed}, and cohort.task is "
                    f"{self.cohort.task}; remove it"
                )
        return self

    @model_validator(mode="after")
    def _arms_exist(self) -> Config:
        candidates = set(self.candidates())
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
