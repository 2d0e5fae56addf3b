"""Explain a stored arm, and keep what was found as a manifest."""

from __future__ import annotations

from collections.abc import Sequence

from shazam.explanations import Explanations
from shazam.models.bundle import load_ensemble
from shazam.refs import ExplanationsRef, FeatureSetRef, ModelRef, SplitsRef
from shazam.training.explain import explain
from shazam.training.inputs import load_inputs
from shazam.workspace import Workspace


def store_explanations(
    feature_set: FeatureSetRef,
    splits: SplitsRef,
    *,
    models: Sequence[ModelRef],
    candidate: str,
    workspace: Workspace,
) -> ExplanationsRef:
    """Explain the candidate, and publish what was found.

    A candidate without a model is explained by saying so; whether it may be one is judged where
    it is evaluated and registered.

    Raises:
        ArtifactError: a file of the workspace is missing or altered.
    """
    model = next((model for model in models if model.arm == candidate), None)
    if model is None:
        found = Explanations(arm=candidate, without_gates=f"{candidate} has no model of its own")
    else:
        path = workspace.open_ref(model)
        ensemble = load_ensemble(path, path.with_suffix(".safetensors"))
        sources = ensemble.manifest.spec.sources()
        teachers = tuple(dict.fromkeys(teacher for teacher, _ in sources))
        levels = tuple(dict.fromkeys(level for _, level in sources))
        inputs = load_inputs(
            feature_set, splits, workspace=workspace, teachers=teachers, levels=levels
        )
        found = explain(ensemble, inputs.study.bags.only(sources), splits=inputs.study.splits)
    uri, sha256 = workspace.write_manifest("explain", found)
    return ExplanationsRef(uri=uri, sha256=sha256)
