"""Names of cases and slides, and paths that stay inside their root."""

from __future__ import annotations

import re
from pathlib import Path

from shazam.errors import ConfigError

ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SLIDE_SUFFIX = re.compile(
    r"\.(svs|svslide|ndpi|mrxs|scn|bif|vms|vmu|czi|dcm|tiff?)$", re.IGNORECASE
)


def is_valid_id(value: str) -> bool:
    """Tell whether a case or slide id matches ``^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$``."""
    return ID_PATTERN.fullmatch(value) is not None


def without_slide_suffix(name: str) -> str:
    """Return the id of a slide that is named as its file: ``S1`` for ``S1.svs``."""
    return _SLIDE_SUFFIX.sub("", name) or name


def resolve_inside(root: Path, relative: str | Path) -> Path:
    """Resolve a path below a root, links followed.

    Raises:
        ConfigError: the resolved path leaves the root.
    """
    resolved_root = root.resolve()
    resolved = (resolved_root / relative).resolve()
    if not resolved.is_relative_to(resolved_root):
        raise ConfigError(f"{relative}: the path leaves {root}; name a file below that folder")
    return resolved
