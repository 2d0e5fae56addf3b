"""How fast extraction went, kept beside the features for those who plan the next one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shazam.publish import publish_json
from shazam.workspace import Workspace

FOLDER = "throughput"
# fewer tell more of the start than of the work
FEWEST_SLIDES = 3


class Pace(BaseModel):
    """What the last extraction with one teacher on one kind of device took.

    ``tiles_per_s`` is that of all teachers that ran together, each tile counted for each of them:
    hours of the same teachers together add up to what they took.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str
    n_slides: int = Field(ge=FEWEST_SLIDES)
    tiles_per_s: float = Field(gt=0)


def write_pace(
    made: Mapping[str, Sequence[int]], *, seconds: float, device_type: str, workspace: Workspace
) -> None:
    """Keep how fast an extraction was, in place of what was known of its teachers.

    Args:
        made: the number of tiles of each slide that was made under each teacher; of teachers with
            fewer than three slides nothing is kept.
        seconds: of work, without waiting for other processes.
        device_type: ``cpu`` or ``cuda``.
        workspace: where it is kept.
    """
    n_tiles = sum(map(sum, made.values()))
    if n_tiles == 0 or seconds <= 0:
        return
    for teacher, slides in made.items():
        if len(slides) >= FEWEST_SLIDES:
            pace = Pace(
                device=_device(device_type), n_slides=len(slides), tiles_per_s=n_tiles / seconds
            )
            publish_json(_path(teacher, device_type, workspace=workspace), pace)


def read_pace(teacher: str, *, device_type: str, workspace: Workspace) -> Pace | None:
    """Return what is known of a teacher on ``cpu`` or ``cuda``; None if nothing legible is."""
    path = _path(teacher, device_type, workspace=workspace)
    try:
        return Pace.model_validate_json(path.read_bytes()) if path.is_file() else None
    except ValidationError:
        return None


def _path(teacher: str, device_type: str, *, workspace: Workspace) -> Path:
    return workspace.root / FOLDER / teacher / f"{device_type}.json"


def _device(device_type: str) -> str:
    return torch.cuda.get_device_name() if device_type == "cuda" else f"{os.cpu_count()} cores"
