"""Register the candidate: a model version, and the alias `challenger` if the gates passed."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.config.acceptance import AcceptanceConfig
from shazam.integrations.mlflow import MlflowModelStore
from shazam.integrations.zenml import step_boundary
from shazam.promotion.flow.places import has_ledger
from shazam.promotion.register import Aliases, register_candidate
from shazam.refs import EvaluationRef, ModelRef, RegistrationRef
from shazam.workspace import Workspace


@step(enable_cache=False)  # the registry may have changed; equal bundles give the same version
def register(
    evaluation: EvaluationRef, models: list[ModelRef], model_name: str, acceptance: AcceptanceConfig
) -> Annotated[RegistrationRef, "registration"]:
    """Register the candidate's bundle; where there is a ledger, aliases are moved by it alone."""
    with step_boundary():
        workspace = Workspace.from_environment()
        aliases = Aliases.BY_LEDGER if has_ledger(workspace) else Aliases.HERE
        return register_candidate(
            evaluation,
            models=models,
            model_name=model_name,
            acceptance=acceptance,
            store=MlflowModelStore.of(workspace),
            workspace=workspace,
            aliases=aliases,
        )
