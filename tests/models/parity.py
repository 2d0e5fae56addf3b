"""Reference tensors of the published code, and the map from its names to ours."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

_RULES = (
    (r"^map_(\w+)\.(\d+)\.", r"levels.\1.project.\2."),
    (r"^pool_(\w+)\.(\d+)\.", r"levels.\1.pool.\2."),
    (r"^moe_(\w+)\.gate\.", r"levels.\1.gate.mlp."),
    (r"^moe_(\w+)\.out_ln\.", r"levels.\1.gate.norm."),
    (r"^cross_(\w+)\.blocks\.(\d+)\.", r"levels.\1.blocks.\2."),
    (r"^res_ln2\.", "links.0.norm."),
    (r"^res_ln3\.", "links.1.norm."),
    (r"^alpha$", "links.0.scale"),
    (r"^beta$", "links.1.scale"),
    (r"^classifier\.0\.", "head."),
    (r"^(fc[123]\.)", r"pool.\1"),
    (r"\bfc1\.", "embed."),
    (r"\bfc2\.", "attend."),
    (r"\bfc3\.", "score."),
    (r"\.o\.", ".output."),
    (r"\.ln\.", ".norm."),
)


def read_reference(name: str) -> dict[str, np.ndarray]:
    """Return the arrays of one reference file, or skip the test where there is none."""
    root = os.environ.get("SHAZAM_SHARED_DATA")
    if not root:
        pytest.skip("SHAZAM_SHARED_DATA is not set: no reference tensors to compare with")
    path = Path(root) / "parity" / name
    if not path.is_file():
        pytest.skip(f"{path} is absent: no reference tensors to compare with")
    with np.load(path, allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}


def load_parameters(module: torch.nn.Module, *, reference: dict[str, np.ndarray]) -> None:
    """Load the published parameters; ours that it does not have keep their initial values."""
    ours = module.state_dict()
    theirs = {
        _our_name(key.removeprefix("param/")): array
        for key, array in _joined(reference).items()
        if key.startswith("param/")
    }
    for name, array in theirs.items():
        assert ours[name].shape == array.shape, name
        ours[name] = torch.from_numpy(array)
    module.load_state_dict(ours)
    left = {name for name in ours if name not in theirs and ".standardise." not in f".{name}"}
    assert not left, f"no reference for {sorted(left)}"


def inputs_of(reference: dict[str, np.ndarray]) -> dict[tuple[str, str], Tensor]:
    """Return the inputs by (teacher, level)."""
    found = {}
    for key, array in reference.items():
        if match := re.fullmatch(r"in/(\w+)/(\d+)", key):
            found[match[2], match[1]] = torch.from_numpy(array)
    return found


def _joined(reference: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Join query, key and value, which are one Linear in our blocks."""
    joined = {}
    for key, array in reference.items():
        if match := re.fullmatch(r"(.*\.)q(\.\w+)", key):
            parts = [reference[f"{match[1]}{part}{match[2]}"] for part in "qkv"]
            joined[f"{match[1]}query_key_value{match[2]}"] = np.concatenate(parts)
        elif not re.fullmatch(r".*\.[kv]\.\w+", key):
            joined[key] = array
    return joined


def _our_name(name: str) -> str:
    for pattern, replacement in _RULES:
        name = re.sub(pattern, replacement, name)
    return name
