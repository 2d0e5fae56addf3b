"""Reference tensors of the published code, and the map from its names to ours."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from shazam.features.bags import PackedBags
from tests.real_data import shared_data

Arrays = Mapping[str, np.ndarray]

_LEVELS = ("low", "mid", "high")
_GATE = {"gate.0": "mlp.0", "gate.2": "mlp.3", "gate.3": "mlp.4", "out_ln": "norm"}
_TILE_GATE = {"gate.0": "mlp.0", "gate.3": "mlp.3", "gate.4": "mlp.4", "ln": "norm"}
_SLIDE_BLOCK = ("q", "k", "v", "o", "ln")
_TILE_BLOCK = ("query", "key", "value", "output_layer", "layernorm")
_POOL = {"fc1": "embed", "fc2": "attend", "fc3": "score"}
_LINKS = {"res_ln2": "links.0.norm", "res_ln3": "links.1.norm"}


def read_reference(name: str) -> dict[str, np.ndarray]:
    """Return the arrays of one reference file, or skip the test where there is none."""
    path = shared_data() / "parity" / name
    if not path.is_file():
        pytest.skip(f"{path} is absent: no reference tensors to compare with")
    with np.load(path, allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}


def inputs_of(reference: Arrays) -> dict[tuple[str, str], Tensor]:
    """Return the inputs by (teacher, level)."""
    found = {}
    for key, array in reference.items():
        if match := re.fullmatch(r"in/(?:(\w+)/)?(\d+)", key):
            found[match[2], match[1] or "high"] = torch.from_numpy(array)
    return found


def single_tiles(features: Mapping[tuple[str, str], Tensor]) -> PackedBags:
    """Return bags of one tile each."""
    n_tiles = len(next(iter(features.values())))
    names = tuple(f"case{index}" for index in range(n_tiles))
    return PackedBags(names, torch.arange(n_tiles + 1), features)


def one_case(features: Mapping[tuple[str, str], Tensor]) -> PackedBags:
    """Return the bags of a single case with these tiles."""
    n_tiles = len(next(iter(features.values())))
    return PackedBags(("case",), torch.tensor([0, n_tiles]), features)


def load_abmil(module: nn.Module, *, reference: Arrays) -> None:
    """Load the published single-teacher ABMIL."""
    theirs = _parameters(reference)
    ours = {
        f"pool.{our}.{kind}": _stacked([theirs[f"{their}.{kind}"]])
        for their, our in _POOL.items()
        for kind in ("weight", "bias")
        if f"{their}.{kind}" in theirs
    }
    ours |= {f"head.{kind}": theirs[f"classifier.0.{kind}"] for kind in ("weight", "bias")}
    _load(module, ours)


def load_student(module: nn.Module, *, reference: Arrays, n_teachers: int) -> None:
    """Load the published slide student, three levels of ``n_teachers`` teachers."""
    theirs = _parameters(reference)
    pairs = [(level, index) for level in _LEVELS for index in range(n_teachers)]
    ours = _levels_joined(theirs)
    for kind in ("weight", "bias"):
        for row, (level, index) in enumerate(pairs):
            ours[f"project.{row}.linear.{kind}"] = theirs[f"map_{level}.{index}.{kind}"]
        for their, our in _POOL.items():
            if f"pool_low.0.{their}.{kind}" in theirs:
                ours[f"pool.{our}.{kind}"] = _stacked(
                    [theirs[f"pool_{level}.{index}.{their}.{kind}"] for level, index in pairs]
                )
        ours |= _gates(theirs, names=_GATE, kind=kind)
        for block in range(4):
            places = [f"cross_{level}.blocks.{block}" for level in _LEVELS]
            ours |= _block(theirs, places, block=block, parts=_SLIDE_BLOCK, kind=kind)
        for layer in (0, 3, 4):
            ours[f"head.{layer}.{kind}"] = theirs[f"head.{layer}.{kind}"]
    _load(module, ours)


def load_tile_student(module: nn.Module, *, reference: Arrays, n_teachers: int) -> None:
    """Load the published tile student, three levels of ``n_teachers`` teachers."""
    theirs = _parameters(reference)
    pairs = [(level, index) for level in _LEVELS for index in range(n_teachers)]
    ours = _levels_joined(theirs)
    for kind in ("weight", "bias"):
        for row, (level, index) in enumerate(pairs):
            their = f"moe_{level}.proj_list.{index}.{kind}"
            ours[f"project.{row}.linear.{kind}"] = theirs[their]
        ours |= _gates(theirs, names=_TILE_GATE, kind=kind)
        for block in range(4):
            places = [f"segment{number}.layers.{block}" for number in (1, 2, 3)]
            ours |= _block(theirs, places, block=block, parts=_TILE_BLOCK, kind=kind)
        for layer in (0, 3, 4):
            ours[f"head.{layer}.{kind}"] = theirs[f"classifier.{layer}.{kind}"]
    _load(module, ours)


def load_tile_mappers(module: nn.Module, *, reference: Arrays, n_teachers: int) -> None:
    """Load the layers that made the targets of the published tile student."""
    theirs = _parameters(reference)
    pairs = [(level, index) for level in _LEVELS for index in range(n_teachers)]
    ours = {
        f"mappers.{row}.{kind}": theirs[f"mapper_{level}.{index}.mapper.{kind}"]
        for row, (level, index) in enumerate(pairs)
        for kind in ("weight", "bias")
    }
    _load(module, ours)


def load_v1(module: nn.Module, *, reference: Arrays, n_teachers: int) -> None:
    """Load the published v1 classifier."""
    theirs = _parameters(reference)
    ours: dict[str, np.ndarray] = {}
    for kind in ("weight", "bias"):
        for row in range(n_teachers):
            ours[f"project.{row}.linear.{kind}"] = theirs[f"feature_mappers.{row}.0.{kind}"]
        for their, our in {1: 0, 3: 2, 4: 3}.items():
            ours[f"map.{our}.{kind}"] = _stacked(
                [theirs[f"feature_mappers.{row}.{their}.{kind}"] for row in range(n_teachers)]
            )
        for block in range(5):
            place = f"cross_attention.layers.{block}"
            ours |= _block(theirs, [place], block=block, parts=_TILE_BLOCK, kind=kind)
        for layer in (0, 2, 3):
            ours[f"head.{layer}.{kind}"] = theirs[f"classifier.{layer}.{kind}"]
    _load(module, ours)


def load_v1_mappers(module: nn.Module, *, reference: Arrays, n_teachers: int) -> None:
    """Load the layers that made the targets of the published v1 classifier."""
    ours = {
        f"mappers.{row}.{kind}": reference[f"mapper/{row}.mapper.{kind}"]
        for row in range(n_teachers)
        for kind in ("weight", "bias")
    }
    _load(module, ours)


def _levels_joined(theirs: Arrays) -> dict[str, np.ndarray]:
    ours = {"links.0.scale": theirs["alpha"], "links.1.scale": theirs["beta"]}
    for their, our in _LINKS.items():
        for kind in ("weight", "bias"):
            ours[f"{our}.{kind}"] = theirs[f"{their}.{kind}"]
    return ours


def _gates(theirs: Arrays, *, names: Mapping[str, str], kind: str) -> dict[str, np.ndarray]:
    return {
        f"gate.{our}.{kind}": _stacked([theirs[f"moe_{lv}.{their}.{kind}"] for lv in _LEVELS])
        for their, our in names.items()
    }


def _block(
    theirs: Arrays, places: list[str], *, block: int, parts: tuple[str, ...], kind: str
) -> dict[str, np.ndarray]:
    """Query, key and value are one layer in our blocks."""
    *inward, output, norm = parts
    joined = [
        np.concatenate([theirs[f"{place}.{part}.{kind}"] for part in inward]) for place in places
    ]
    return {
        f"blocks.{block}.query_key_value.{kind}": _stacked(joined),
        f"blocks.{block}.output.{kind}": _stacked(
            [theirs[f"{place}.{output}.{kind}"] for place in places]
        ),
        f"blocks.{block}.norm.{kind}": _stacked(
            [theirs[f"{place}.{norm}.{kind}"] for place in places]
        ),
    }


def _stacked(arrays: list[np.ndarray]) -> np.ndarray:
    """Stack copies; a vector becomes a row, as our stacked layers hold it."""
    return np.stack([array if array.ndim == 2 else array[None] for array in arrays])


def _parameters(reference: Arrays) -> dict[str, np.ndarray]:
    return {
        key.removeprefix("param/"): array
        for key, array in reference.items()
        if key.startswith("param/")
    }


def _load(module: nn.Module, ours: Arrays) -> None:
    """Load everything but the standardisers, which the published code does not have."""
    state = {name: torch.from_numpy(np.asarray(array)) for name, array in ours.items()}
    missing, unexpected = module.load_state_dict(state, strict=False)
    assert not unexpected
    assert all("standardise." in name for name in missing), missing
