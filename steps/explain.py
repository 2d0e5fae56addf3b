"""Ask the candidate's members what they look at, each in cases that it never saw."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.refs import ExplanationsRef, FeatureSetRef, ModelRef, SplitsRef
from shazam.training.explain_store import store_explanations
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("explain"))
def explain(
    feature_set: FeatureSetRef,
    splits: SplitsRef,
    models: list[ModelRef],
    candidate: str,
    slides_dir: str | None,
) -> Annotated[ExplanationsRef, "explanations"]:
    """Explain the candidate; ``slides_dir`` is None where features were imported."""
    with step_boundary():
        workspace = Workspace.from_environment()
        return store_explanations(
            feature_set,
            splits,
            models=models,
            candidate=candidate,
            slides_dir=None if slides_dir is None else workspace.slides(slides_dir),
            workspace=workspace,
        )
