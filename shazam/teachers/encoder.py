"""Load a teacher by name and run it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from shazam.config.extraction import Precision
from shazam.errors import ConfigError
from shazam.manifests import TeacherIdentity
from shazam.teachers.colour import ColourStatistics
from shazam.teachers.entry import Handcrafted, Hub, Local, Network, Packaged, TeacherEntry
from shazam.teachers.library import CONFIG_FILE, TeacherLibrary, beside_files, read_config_json
from shazam.teachers.network_encoder import NetworkEncoder
from shazam.teachers.networks import Beside, load_network
from shazam.teachers.prepare import Tiles
from shazam.teachers.store import local_file, packaged_file

__all__ = ["Encoder", "Precision", "Tiles", "load_encoder", "load_from"]


class Encoder(Protocol):
    """A frozen encoder: one forward gives all levels; several threads may use one at once.

    ``device_type`` is ``cpu`` or ``cuda`` and ``precision`` ``float32`` or ``bfloat16``: both
    change the last bits. ``input_px`` is the side of the square it sees, after its own resizing.
    """

    identity: TeacherIdentity
    device_type: str
    precision: str
    input_px: int

    def encode(self, tiles: Tiles) -> dict[str, npt.NDArray[np.float32]]:
        """Encode uint8 ``[n_tiles, height, width, 3]`` to float32 ``[n_tiles, dim]`` by level."""


def load_encoder(
    name: str,
    *,
    device: str,
    precision: Precision = Precision.FLOAT32,
    library: TeacherLibrary | None = None,
) -> Encoder:
    """Load a teacher. Nothing is downloaded, and nothing is parsed before its digest is compared.

    Args:
        name: its name in the catalogue.
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:<n>``.
        precision: of the forward; features are float32 in any case. ``auto`` is bfloat16 on a
            GPU, float32 on a CPU, or wherever the entry says that bfloat16 changes its features.
        library: catalogue, lock and places; by default the shipped catalogue and the lock file in
            the current folder.

    Raises:
        ConfigError: the name is unknown or not locked, a package or the device is absent, or code
            from the hub is not allowed.
        ArtifactError: a file is missing, altered or does not fit the architecture.
    """
    return load_from(library or TeacherLibrary.open(), name, device=device, precision=precision)


def load_from(library: TeacherLibrary, name: str, *, device: str, precision: Precision) -> Encoder:
    """Load a teacher of a library; see :func:`load_encoder`."""
    entry = library.entry(name)
    identity = library.identity(name)
    if isinstance(entry.source, Handcrafted):
        return ColourStatistics(identity)
    if entry.network is None or entry.transform is None:
        raise ConfigError(f"teacher '{name}': a model with weights needs network and transform")
    chosen = _device(device)
    library.check_remote_code(name)
    weights, beside = _files(library, entry)
    return NetworkEncoder(
        load_network(
            entry.network,
            weights=weights,
            beside=beside,
            packaged=isinstance(entry.source, Packaged),
        ),
        spec=entry.network,
        transform=entry.transform,
        identity=identity,
        device=chosen,
        precision=_precision(precision, device=chosen, spec=entry.network),
    )


def runs_as(entry: TeacherEntry, *, device: str, precision: Precision) -> tuple[str, str]:
    """Return the ``device_type`` and the ``precision`` that a teacher would run in here.

    Raises:
        ConfigError: the device is absent.
    """
    if entry.network is None:
        return "cpu", Precision.FLOAT32.value
    chosen = _device(device)
    return chosen.type, _precision(precision, device=chosen, spec=entry.network).value


def _files(library: TeacherLibrary, entry: TeacherEntry) -> tuple[Path, Beside]:
    """Return the verified weights file, and the content of what lies beside it."""
    match entry.source:
        case Packaged() as source:
            return packaged_file(source), Beside()
        case Local() as source:
            return local_file(entry.name, source), Beside()
        case Hub() as source:
            return _hub_files(library, entry, source)
        case _:
            raise ConfigError(f"teacher '{entry.name}': has no weights")


def _hub_files(library: TeacherLibrary, entry: TeacherEntry, source: Hub) -> tuple[Path, Beside]:
    files = library.verified_files(entry.name)
    weights = library.lock.locked(entry.name, hub_id=source.hub_id).weights.file
    needed = beside_files(entry)
    if weights not in source.weights or not set(needed) <= set(files):
        raise ConfigError(
            f"teacher '{entry.name}': the lock holds {', '.join(files)}, but the catalogue names "
            f"{' or '.join(source.weights)} and beside it {', '.join(needed) or 'nothing'}; run: "
            f"shazam teachers fetch --update {entry.name}"
        )
    texts = {name: library.verified_text(entry.name, name) for name in needed}
    config = read_config_json(texts.pop(CONFIG_FILE, "{}"), origin=source.hub_id)
    return files[weights], Beside(hub_id=source.hub_id, config=config, code=texts)


def _precision(asked: Precision, *, device: torch.device, spec: Network) -> Precision:
    if not spec.bfloat16:
        return Precision.FLOAT32
    if asked is not Precision.AUTO:
        return asked
    return Precision.BFLOAT16 if device.type == "cuda" else Precision.FLOAT32


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError(f"device {name}: no GPU is visible; set extraction.device to auto or cpu")
    return torch.device(name)
