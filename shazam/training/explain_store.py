"""Explain a stored arm, and keep what was found as a manifest with its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shazam.cohort import load_cohort
from shazam.explanations import Explanations
from shazam.manifests import FeatureSetManifest
from shazam.models.bundle import load_ensemble
from shazam.refs import ExplanationsRef, FeatureSetRef, ModelRef, SplitsRef
from shazam.training.explain import explain
from shazam.training.explain_slides import TileSource, attended_cases, without_tiles
from shazam.training.inputs import load_inputs
from shazam.workspace import Workspace


def store_explanations(
    feature_set: FeatureSetRef,
    splits: SplitsRef,
    *,
    models: Sequence[ModelRef],
    candidate: str,
    slides_dir: Path | None,
    workspace: Workspace,
) -> ExplanationsRef:
    """Explain the candidate, and publish what was found.

    A candidate without a model is explained by saying so; whether it may be one is judged where
    it is evaluated and registered. A slide that cannot be opened any more is told, and stops
    nothing.

    Args:
        feature_set: what the arm was fitted on.
        splits: the folds it was fitted in.
        models: of all arms that have one.
        candidate: name of the arm.
        slides_dir: the slide folder; None where features were imported, so without pictures.
        workspace: where everything lies, and pictures go.

    Raises:
        ArtifactError: a file of the workspace is missing or altered.
    """
    model = next((model for model in models if model.arm == candidate), None)
    if model is None:
        why = f"{candidate} has no model of its own"
        found = Explanations(arm=candidate, without_gates=why, without_attention=why)
    else:
        path = workspace.open_ref(model)
        ensemble = load_ensemble(path, path.with_suffix(".safetensors"))
        sources = ensemble.manifest.spec.sources()
        teachers = tuple(dict.fromkeys(teacher for teacher, _ in sources))
        levels = tuple(dict.fromkeys(level for _, level in sources))
        inputs = load_inputs(
            feature_set, splits, workspace=workspace, teachers=teachers, levels=levels
        )
        bags, folds = inputs.study.bags.only(sources), inputs.study.splits
        manifest = workspace.read_manifest(feature_set, FeatureSetManifest)
        why_not = without_tiles(ensemble, bags)
        source = TileSource(
            manifest=manifest,
            slides=load_cohort(workspace.open_ref(manifest.cohort)).slides,
            slides_dir=slides_dir,
            workspace=workspace,
        )
        found = explain(ensemble, bags, splits=folds).model_copy(
            update={
                "without_attention": why_not,
                "cases": ()
                if why_not
                else attended_cases(ensemble, bags, splits=folds, source=source),
            }
        )
    uri, sha256 = workspace.write_manifest("explain", found)
    return ExplanationsRef(uri=uri, sha256=sha256)
