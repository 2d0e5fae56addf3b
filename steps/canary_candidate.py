"""Refit the candidate on permuted outcomes: what no feature can predict must score as chance."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.config.student import StudentConfig
from shazam.config.training import TrainingConfig
from shazam.digest import digest_of
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.progress import console_progress
from shazam.refs import FeatureSetRef, PredictionsRef, SplitsRef
from shazam.training.canary import refit_permuted
from shazam.training.inputs import load_inputs
from shazam.training.named_arm import NamedArm
from shazam.training.store import store_predictions
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("canary_candidate"))
def canary_candidate(
    feature_set: FeatureSetRef,
    splits: SplitsRef,
    candidate: str,
    teachers: list[str],
    student: StudentConfig,
    training: TrainingConfig,
    logit_prod_ridge: float,
    permutations: int,
) -> Annotated[PredictionsRef, "predictions"]:
    """Fit the candidate once for each permutation, with the first seed."""
    with step_boundary():
        workspace = Workspace.from_environment()
        first = training.model_copy(update={"seeds": training.seeds[:1]})
        arm = NamedArm(candidate, first, student, logit_prod_ridge)
        read, levels = arm.reads(teachers)
        inputs = load_inputs(feature_set, splits, workspace=workspace, teachers=read, levels=levels)
        stands_on = {
            "training": digest_of(first),
            "student": digest_of(student),
            "ridge": digest_of({"ridge": logit_prod_ridge}),
        }
        frame = refit_permuted(
            lambda study, execution: arm.fit(study, teachers=inputs.teachers, execution=execution),
            study=inputs.study,
            permutations=permutations,
            execution=lambda number: inputs.executed(
                candidate,
                stage="canary_candidate",
                provenance={**stands_on, "permutation": str(number)},
            ),
            progress=lambda total: console_progress(
                f"canary of {candidate}", total, unit="permutations"
            ),
        )
        return store_predictions(
            frame, provenance={**inputs.provenance, **stands_on}, workspace=workspace
        )
