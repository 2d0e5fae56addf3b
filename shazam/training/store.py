"""Where arms are kept in the workspace: ``arms/<arm>/<key>/``."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pandas as pd

from shazam.digest import digest_of
from shazam.models.arm import ArmResult
from shazam.models.bundle import save_arm
from shazam.predictions import write_predictions
from shazam.refs import ModelRef, PredictionsRef
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
    stands_on = {**inputs.provenance, **provenance}
    folder = _folder(result.predictions, stands_on, workspace=workspace)
    predictions = write_predictions(
        result.predictions, folder / PREDICTIONS_FILE, workspace=workspace
    )
    path = folder / MODEL_FILE
    save_arm(
        result,
        json_path=path,
        safetensors_path=path.with_suffix(".safetensors"),
        teachers=inputs.teachers,
        provenance=stands_on,
    )
    return predictions, ModelRef(
        uri=workspace.uri(path),
        sha256=sha256(path.read_bytes()).hexdigest(),
        arm=result.arm,
        n_members=len(result.members),
    )


def store_predictions(
    frame: pd.DataFrame, *, provenance: Mapping[str, str], workspace: Workspace
) -> PredictionsRef:
    """Publish predictions that have no model of their own, as of an ensemble of arms."""
    folder = _folder(frame, provenance, workspace=workspace)
    return write_predictions(frame, folder / PREDICTIONS_FILE, workspace=workspace)


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
