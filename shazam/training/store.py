"""Where arms are kept in the workspace: ``arms/<arm>/<key>/``."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pandas as pd

from shazam.digest import digest_of
from shazam.manifests import TeacherIdentity
from shazam.models.arm import ArmResult
from shazam.models.bundle import load_ensemble, save_arm
from shazam.predictions import read_predictions, write_predictions
from shazam.publish import publish_json
from shazam.refs import ModelRef, PredictionsRef
from shazam.training.clinical import ClinicalResult
from shazam.training.inputs import Inputs
from shazam.workspace import Workspace

MODEL_FILE = "model.json"
PREDICTIONS_FILE = "predictions.parquet"


@dataclass(frozen=True, slots=True)
class ArmKey:
    """What an arm's folder is named by: what it was fitted on, and what it predicts."""

    arm: str
    provenance: Mapping[str, str]
    predictions_sha256: str


def store_arm(
    result: ArmResult, *, inputs: Inputs, provenance: Mapping[str, str], workspace: Workspace
) -> tuple[PredictionsRef, ModelRef]:
    """Publish an arm's predictions and model.

    Args:
        result: the fitted arm.
        inputs: what it was fitted on.
        provenance: digests by name, beside those of the features and splits.
        workspace: where it is kept.
    """
    return store_fusion(
        result,
        teachers=inputs.teachers,
        provenance={**inputs.provenance, **provenance},
        workspace=workspace,
    )


def store_fusion(
    result: ArmResult,
    *,
    teachers: Sequence[TeacherIdentity],
    provenance: Mapping[str, str],
    workspace: Workspace,
) -> tuple[PredictionsRef, ModelRef]:
    """Publish the predictions and the model of an arm that is made of other arms.

    Args:
        result: the fitted arm.
        teachers: of all arms that it is made of.
        provenance: digests by name of everything that it was made of.
        workspace: where it is kept.
    """
    folder = _folder(result.predictions, provenance, workspace=workspace)
    predictions = write_predictions(
        result.predictions, folder / PREDICTIONS_FILE, workspace=workspace
    )
    path = folder / MODEL_FILE
    save_arm(
        result,
        json_path=path,
        safetensors_path=path.with_suffix(".safetensors"),
        teachers=teachers,
        provenance=provenance,
    )
    return predictions, _model_ref(path, result, workspace=workspace)


def store_clinical(
    result: ClinicalResult, *, provenance: Mapping[str, str], workspace: Workspace
) -> tuple[PredictionsRef, ModelRef]:
    """Publish the clinical arm's predictions and its model, which is a JSON alone."""
    folder = _folder(result.predictions, provenance, workspace=workspace)
    predictions = write_predictions(
        result.predictions, folder / PREDICTIONS_FILE, workspace=workspace
    )
    path = folder / MODEL_FILE
    publish_json(path, result.model(provenance))
    return predictions, _model_ref(path, result, workspace=workspace)


def read_arm(
    predictions: PredictionsRef, *, model: ModelRef, workspace: Workspace
) -> tuple[ArmResult, tuple[TeacherIdentity, ...]]:
    """Return a stored arm as it was fitted, with the teachers that it reads.

    Raises:
        ArtifactError: a file is missing or altered.
    """
    path = workspace.open_ref(model)
    ensemble = load_ensemble(path, path.with_suffix(".safetensors"))
    manifest = ensemble.manifest
    result = ArmResult(
        arm=manifest.arm,
        predictions=read_predictions(predictions, workspace=workspace),
        members=ensemble.members,
        spec=manifest.spec,
        head=manifest.head,
        classes=manifest.classes,
        targets=manifest.targets,
    )
    return result, manifest.teachers


def store_predictions(
    frame: pd.DataFrame, *, provenance: Mapping[str, str], workspace: Workspace
) -> PredictionsRef:
    """Publish predictions that have no model of their own, as of an ensemble of arms."""
    folder = _folder(frame, provenance, workspace=workspace)
    return write_predictions(frame, folder / PREDICTIONS_FILE, workspace=workspace)


def _model_ref(path: Path, result: ArmResult | ClinicalResult, *, workspace: Workspace) -> ModelRef:
    return ModelRef(
        uri=workspace.uri(path),
        sha256=sha256(path.read_bytes()).hexdigest(),
        arm=result.arm,
        n_members=len(result.members),
    )


def _folder(frame: pd.DataFrame, provenance: Mapping[str, str], *, workspace: Workspace) -> Path:
    content = io.BytesIO()
    frame.to_parquet(content, index=False)
    arm = str(frame["arm"].iloc[0])
    key = ArmKey(
        arm=arm,
        provenance=dict(provenance),
        predictions_sha256=sha256(content.getvalue()).hexdigest(),
    )
    return workspace.root / "arms" / arm / digest_of(key)
