"""Load a teacher by name and run it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from shazam.errors import ConfigError
from shazam.manifests import TeacherIdentity
from shazam.teachers.catalogue import Handcrafted, PackagedModel, identity, teacher_entry
from shazam.teachers.colour import ColourStatistics
from shazam.teachers.packaged import load_packaged


class Encoder(Protocol):
    """A frozen encoder: one forward gives all levels.

    ``device_type`` is ``cpu`` or ``cuda``: what it runs on changes the last bits.
    """

    identity: TeacherIdentity
    device_type: str
    precision: str

    def encode(self, tiles: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """Encode uint8 ``[n_tiles, height, width, 3]`` to float32 ``[n_tiles, dim]`` by level."""


def load_encoder(name: str, *, device: str) -> Encoder:
    """Load a teacher of the catalogue.

    Args:
        name: its name in the catalogue.
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:<n>``.

    Raises:
        ConfigError: the name is unknown, its package is not installed or the device is absent.
        ArtifactError: the weights are not those of the catalogue.
    """
    entry = teacher_entry(name)
    match entry.source:
        case Handcrafted():
            return ColourStatistics(identity(entry))
        case PackagedModel() if entry.transform is not None:
            return load_packaged(
                entry.source,
                transform=entry.transform,
                identity=identity(entry),
                device=_device(device),
            )
    raise ConfigError(f"teacher '{name}': a pretrained model needs a transform in the catalogue")


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError(f"device {name}: no GPU is visible; set extraction.device to auto or cpu")
    return torch.device(name)
