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
_GATE = {"gate.0": "mlp.0", "gate.2": "mlp.2", "gate.3": "mlp.3", "out_ln": "norm"}
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
        if match := re.fullmatch(r"in/(\w+)/(\d+)", key):
            found[match[2], match[1]] = torch.from_numpy(array)
    return found


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
    ours = {"links.0.scale": theirs["alpha"], "links.1.scale": theirs["beta"]}
    for kind in ("weight", "bias"):
        for row, (level, index) in enumerate(pairs):
            ours[f"project.{row}.linear.{kind}"] = theirs[f"map_{level}.{index}.{kind}"]
        for their, our in _POOL.items():
            if f"pool_low.0.{their}.{kind}" in theirs:
                ours[f"pool.{our}.{kind}"] = _stacked(
                    [theirs[f"pool_{level}.{index}.{their}.{kind}"] for level, index in pairs]
                )
        for their, our in _GATE.items():
            ours[f"gate.{our}.{kind}"] = _stacked(
                [theirs[f"moe_{level}.{their}.{kind}"] for level in _LEVELS]
            )
        for block in range(4):
            ours |= _block(theirs, block=block, kind=kind)
        for their, our in _LINKS.items():
            ours[f"{our}.{kind}"] = theirs[f"{their}.{kind}"]
        for layer in (0, 3, 4):
            ours[f"head.{layer}.{kind}"] = theirs[f"head.{layer}.{kind}"]
    _load(module, ours)


def _block(theirs: Arrays, *, block: int, kind: str) -> dict[str, np.ndarray]:
    """Query, key and value are one layer in our blocks."""
    found = {level: f"cross_{level}.blocks.{block}" for level in _LEVELS}
    joined = [
        np.concatenate([theirs[f"{name}.{part}.{kind}"] for part in "qkv"])
        for name in found.values()
    ]
    return {
        f"blocks.{block}.query_key_value.{kind}": _stacked(joined),
        f"blocks.{block}.output.{kind}": _stacked(
            [theirs[f"{name}.o.{kind}"] for name in found.values()]
        ),
        f"blocks.{block}.norm.{kind}": _stacked(
            [theirs[f"{name}.ln.{kind}"] for name in found.values()]
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
