"""Teachers of the benchmarks, for both ways: packaged encoders, and made ones of usual sizes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import timm
import torch
import yaml
from safetensors.torch import save_file

from benchmarks.published import PlainTeacher
from shazam.config.extraction import Precision
from shazam.digest import digest_of_file
from shazam.teachers.encoder import Encoder, load_from
from shazam.teachers.entry import Local, Packaged
from shazam.teachers.library import TeacherLibrary
from shazam.teachers.networks import Beside, load_network
from shazam.teachers.store import local_file, packaged_file

_HALF = [0.5, 0.5, 0.5]
CNNS = ("efficientnet_lite0", "efficientnet_lite1", "made_lite2")
WITH_VIT = ("efficientnet_lite0", "efficientnet_lite1", "made_vit_s")
_STAGES = (2, 3)


@dataclass(frozen=True, slots=True)
class _Made:
    """An architecture with seeded random weights: its speed is that of trained ones."""

    name: str
    architecture: str
    pooling: str
    taps: tuple[int, int]
    dims: tuple[int, int, int]
    input_px: int


_MADE = (
    _Made("made_lite2", "tf_efficientnet_lite2", "average", (2, 4), (48, 120, 1280), 224),
    _Made("made_vit_s", "vit_small_patch16_224", "cls", (3, 7), (384, 384, 384), 224),
)


def make_library(folder: Path) -> TeacherLibrary:
    """Write weights and a catalogue for the made teachers, and return the library."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = {made.name: _entry(made, folder) for made in _MADE}
    catalogue = folder / "teachers.yaml"
    catalogue.write_text(yaml.safe_dump({"teachers": entries}))
    return TeacherLibrary.open(teachers_file=catalogue)


def encoders(
    library: TeacherLibrary, names: tuple[str, ...], precision: Precision
) -> list[Encoder]:
    """Load teachers as the project runs them."""
    return [load_from(library, name, device="cpu", precision=precision) for name in names]


def plain(library: TeacherLibrary, name: str) -> PlainTeacher:
    """Load a teacher as timm gives it."""
    entry = library.entry(name)
    if entry.network is None or entry.transform is None or entry.network.taps is None:
        raise ValueError(f"{name}: has no network")
    taps, source = entry.network.taps, entry.source
    match source:
        case Packaged():
            weights = packaged_file(source)
        case Local():
            weights = local_file(name, source)
        case _:
            raise ValueError(f"{name}: its weights are not here")
    return PlainTeacher(
        name=name,
        network=load_network(
            entry.network, weights=weights, beside=Beside(), packaged=isinstance(source, Packaged)
        ),
        indices=(taps.low, taps.mid) if entry.network.pooling.value == "cls" else _STAGES,
        side_px=entry.transform.input_px,
        mean=entry.transform.mean,
        std=entry.transform.std,
    )


def _entry(made: _Made, folder: Path) -> dict[str, object]:
    torch.manual_seed(0)
    network = timm.create_model(made.architecture, pretrained=False, num_classes=0)
    weights = folder / f"{made.name}.safetensors"
    save_file(network.state_dict(), weights)
    return {
        "source": {"kind": "local", "path": weights.name, "sha256": digest_of_file(weights)},
        "network": {
            "architecture": made.architecture,
            "pooling": made.pooling,
            "taps": dict(zip(("low", "mid"), made.taps, strict=True)),
        },
        "transform": {
            "mean": _HALF,
            "std": _HALF,
            "input_px": made.input_px,
            "interpolation": "bicubic",
        },
        "revision": "1",
        "dims": dict(zip(("low", "mid", "high"), made.dims, strict=True)),
        "licence": "Apache-2.0",
        "gated": False,
    }
