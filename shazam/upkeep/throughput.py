"""How long extraction takes: measured in the workspace where it can be, else an assumption.

The assumption is arithmetic. A forward of a network costs about two operations for each parameter
and token; a tile of 224 px has ``(224 / patch)^2`` tokens. A machine sustains a part of its peak.
"""

from __future__ import annotations

from dataclasses import dataclass

from shazam.features.pace import read_pace
from shazam.teachers.entry import TeacherEntry
from shazam.workspace import Workspace

TILE_PX = 224
ASSUMED_PATCH_PX = 16
ASSUMED_PARAMS_MILLIONS = 300.0
# sustained operations per second. cuda: a third of the 312e12 that NVIDIA's A100 data sheet gives
# for bfloat16. cpu: a ViT-S in float32 made 20 tiles/s on 2 cores (22e6 parameters, 196 tokens).
SUSTAINED = {"cuda": 100e12, "cpu": 0.17e12}
ORIGIN = {
    "cuda": "assumed from its parameters and 100 Tflop/s, a third of an A100's peak",
    "cpu": "assumed from its parameters and 0.17 Tflop/s, measured on 2 cores",
}


@dataclass(frozen=True, slots=True)
class Throughput:
    """Tiles a second of one teacher, and where the number comes from."""

    tiles_per_s: float
    origin: str


def assumed(entry: TeacherEntry, *, device_type: str) -> Throughput:
    """Return the assumption for a teacher by its number of parameters.

    Args:
        entry: of the catalogue; one without weights counts as a network of 0.1 million.
        device_type: ``cpu`` or ``cuda``.
    """
    network = entry.network
    patch_px = (None if network is None else network.patch_px) or ASSUMED_PATCH_PX
    millions = 0.1 if network is None else entry.params_millions or ASSUMED_PARAMS_MILLIONS
    operations = 2 * millions * 1e6 * (TILE_PX / patch_px) ** 2
    return Throughput(SUSTAINED[device_type] / operations, ORIGIN[device_type])


def measured(teacher: str, *, device_type: str, workspace: Workspace) -> Throughput | None:
    """Return what earlier extractions in a workspace tell of a teacher on one kind of device.

    None if none of three slides or more ran there.
    """
    pace = read_pace(teacher, device_type=device_type, workspace=workspace)
    if pace is None:
        return None
    return Throughput(
        pace.tiles_per_s, f"measured in this workspace over {pace.n_slides} slides on {pace.device}"
    )
