"""Distil the teachers into a fusion student, over all folds and seeds."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.config.arms import StudentArm
from shazam.config.student import StudentConfig
from shazam.config.training import TrainingConfig
from shazam.digest import digest_of
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.progress import console_progress
from shazam.refs import FeatureSetRef, ModelRef, PredictionsRef, SplitsRef
from shazam.training.inputs import load_inputs
from shazam.training.store import store_arm
from shazam.training.student import fit_student
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("distill"))
def distill(
    feature_set: FeatureSetRef,
    splits: SplitsRef,
    name: StudentArm,
    teachers: list[str],
    student: StudentConfig,
    training: TrainingConfig,
) -> tuple[Annotated[PredictionsRef, "predictions"], Annotated[ModelRef, "model"]]:
    """Fit a fusion student on the levels of all teachers."""
    with step_boundary():
        workspace = Workspace.from_environment()
        inputs = load_inputs(
            feature_set, splits, workspace=workspace, teachers=teachers, levels=None
        )
        stands_on = {"training": digest_of(training), "student": digest_of(student)}
        with inputs.executed(name, stage="distill", provenance=stands_on) as execution:
            result = fit_student(
                name,
                study=inputs.study,
                config=training,
                student=student,
                teachers=inputs.teachers,
                execution=execution,
                progress=lambda total: console_progress(f"distill {name}", total, unit="fits"),
            )
            predictions, model = store_arm(
                result,
                inputs=inputs,
                provenance=stands_on,
                workspace=workspace,
            )
        return predictions, model  # ZenML sees two outputs only in a literal tuple
