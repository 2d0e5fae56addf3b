"""Checkpoints: a fit that was cut off goes on as if it had not been."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from shazam.publish import publish


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A file that holds the state of one fit after its last whole epoch.

    Args:
        path: in a folder that is named by everything the fit depends on.
    """

    path: Path

    def load(self) -> dict[str, Any] | None:
        """Return the state; None if there is none, or none that can be read."""
        return load_tensors(self.path)

    def save(self, state: dict[str, Any]) -> None:
        """Publish a state in place of the last one."""
        publish(self.path, lambda path: torch.save(state, path))


def load_tensors(path: Path) -> dict[str, Any] | None:
    """Return tensors, numbers and texts that were saved by name.

    None if there is no such file, or one that cannot be read: only whole files are published, and
    one that was damaged later is made anew.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, UnpicklingError):
        return None
    return state if isinstance(state, dict) else None
