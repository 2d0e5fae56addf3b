"""Freeze the criteria before any arm is fitted, and say what they can show."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.config.criteria import Criteria
from shazam.evaluation.earlier import earlier_sentence
from shazam.evaluation.frozen import freeze_acceptance
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.progress import console_progress
from shazam.refs import FeatureSetRef, FrozenRef, SplitsRef
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("freeze"))
def freeze(
    feature_set: FeatureSetRef, splits: SplitsRef, criteria: Criteria
) -> tuple[Annotated[FrozenRef, "frozen"], Annotated[SplitsRef, "splits"]]:
    """Publish the criteria with their digest, and only then hand on the folds."""
    with step_boundary():
        ref, frozen = freeze_acceptance(
            feature_set, splits=splits, criteria=criteria, workspace=Workspace.from_environment()
        )
        with console_progress("freeze", 1, unit="files") as told:
            told.note(frozen.power.sentence())
            if (earlier := earlier_sentence(frozen.earlier)) is not None:
                told.note(earlier)
            told.advance()
        return ref, splits  # ZenML sees two outputs only in a literal tuple
