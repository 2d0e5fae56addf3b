"""Retrain if enough is new since the last registered run."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.integrations.retraining import retrained
from shazam.integrations.zenml import step_boundary
from shazam.workspace import Workspace


@step(enable_cache=False)  # new slides and outcomes are looked for each time
def retrain(config: str, overrides: list[str]) -> Annotated[str, "retraining"]:
    """Look for what is new; the run that it may start is one of its own."""
    with step_boundary():
        return retrained(config, overrides=overrides, workspace=Workspace.from_environment())
