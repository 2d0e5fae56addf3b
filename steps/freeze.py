"""Freeze the acceptance file before any arm is fitted, and say what it can show."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.config.acceptance import AcceptanceConfig
from shazam.evaluation.frozen import earlier_acceptances, freeze_acceptance
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.progress import console_progress
from shazam.refs import FeatureSetRef, FrozenRef, SplitsRef
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("freeze"))
def freeze(
    feature_set: FeatureSetRef, splits: SplitsRef, acceptance: AcceptanceConfig
) -> tuple[Annotated[FrozenRef, "frozen"], Annotated[SplitsRef, "splits"]]:
    """Publish the acceptance file's digest, and only then hand on the folds."""
    with step_boundary():
        workspace = Workspace.from_environment()
        frozen, power = freeze_acceptance(
            feature_set, splits=splits, acceptance=acceptance, workspace=workspace
        )
        with console_progress("freeze", 1, unit="files") as told:
            told.note(power.sentence())
            if earlier := earlier_acceptances(frozen, workspace=workspace):
                told.note(
                    f"{len(earlier)} other acceptance file(s) were frozen for these folds before; "
                    "criteria that changed after results were seen prove little"
                )
            told.advance()
        return frozen, splits  # ZenML sees two outputs only in a literal tuple
