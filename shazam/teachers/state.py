"""Weights files as tensors by name, and their strict assignment to a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from shazam.errors import ArtifactError

State = dict[str, Tensor]
_SHOWN = 4


def read_state(path: Path) -> State:
    """Read a weights file: safetensors, or tensors that torch saved.

    Raises:
        ArtifactError: it is truncated, holds other objects than tensors, or is no weights file.
    """
    state = _safetensors(path) if path.suffix == ".safetensors" else _torch_file(path)
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ArtifactError(f"{path.name}: holds no mapping of names to tensors")
    return {str(name): tensor for name, tensor in state.items()}


def _safetensors(path: Path) -> object:
    try:
        return load_file(path, device="cpu")
    except (SafetensorError, OSError, ValueError) as error:
        raise ArtifactError(f"{path.name}: truncated, or no safetensors file: {error}") from error


def _torch_file(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise ArtifactError(
            f"{path.name}: holds other objects than tensors, which could run code; refused"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise ArtifactError(f"{path.name}: truncated, or no file of torch: {error}") from error


def assign(network: nn.Module, state: Mapping[str, Tensor], *, origin: str) -> None:
    """Give a network its weights as float32; every name and shape must fit.

    Raises:
        ArtifactError: a tensor is missing, is not the network's or has another shape.
    """
    wanted = network.state_dict()
    refuse_differences(
        missing=set(wanted) - set(state),
        unexpected=set(state) - set(wanted),
        mismatched={n for n in set(wanted) & set(state) if wanted[n].shape != state[n].shape},
        origin=origin,
    )
    network.load_state_dict(dict(state), strict=True, assign=True)
    network.float()


def refuse_differences(
    *, missing: Iterable[str], unexpected: Iterable[str], mismatched: Iterable[str], origin: str
) -> None:
    """Raise if any name differs.

    Raises:
        ArtifactError: names the first few of each kind.
    """
    kinds = {"missing": missing, "not of the network": unexpected, "of another shape": mismatched}
    lists = {kind: sorted(names) for kind, names in kinds.items()}
    parts = [f"{len(names)} {kind} ({_first(names)})" for kind, names in lists.items() if names]
    if parts:
        raise ArtifactError(
            f"{origin}: the tensors do not fit the architecture: {'; '.join(parts)}; "
            "correct the architecture or its kwargs"
        )


def in_order(state: Mapping[str, Tensor], network: nn.Module, *, origin: str) -> State:
    """Return a packaged file's tensors under the names timm gives them.

    Both list the same tensors in the same order; the file's last two are the classifier, which
    the encoder does not have.

    Raises:
        ArtifactError: the numbers of tensors differ.
    """
    names = list(network.state_dict())
    if len(state) != len(names) + 2:
        raise ArtifactError(f"{origin}: {len(state)} tensors, expected {len(names) + 2}")
    return dict(zip(names, state.values(), strict=False))


def _first(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
