"""Digests of slides that an earlier process found, so that old slides are not read again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from shazam.cohort.model import Cohort
from shazam.digest import canonical_json
from shazam.manifests import Entry
from shazam.publish import publish_sealed, sealed_digest
from shazam.refs import SHA256_PATTERN
from shazam.slidefiles import Stamp, known_digest, remember, stamp_of_slide
from shazam.workspace import Workspace

MEMORY = "retraining/slides.json"

Sizes = tuple[tuple[int, int], ...]
"""Bytes and time of the last change, in nanoseconds, of each file of a slide."""


class RememberedSlide(Entry):
    """A slide that was read: what its files looked like then, and the SHA-256 of their bytes."""

    files: Sizes
    sha256: str = Field(pattern=SHA256_PATTERN)


class SlideMemory(Entry):
    """All slides that were read for a workspace, by the path of the file that names them."""

    format: Literal["shazam-slides-1"] = "shazam-slides-1"
    slides: dict[str, RememberedSlide] = Field(default_factory=dict)


def recall_slides(workspace: Workspace) -> int:
    """Let this process know the slides whose files have the size and time that they had then.

    A memory that is missing, damaged or of another format is none: slides are then read.

    Returns:
        How many slides are known.
    """
    n_known = 0
    for name, slide in _read(workspace).slides.items():
        path = Path(name)
        try:
            stamp = stamp_of_slide(path)
        except OSError:
            continue
        if _sizes(stamp) == slide.files:
            remember(path, slide.sha256, stamp=stamp)
            n_known += 1
    return n_known


def remember_slides(cohort: Cohort, *, slides_dir: Path, workspace: Workspace) -> None:
    """Publish what this process knows of a cohort's slides, beside those that were known."""
    before = _read(workspace)
    known = SlideMemory(slides={**before.slides, **_known(cohort, root=slides_dir.resolve())})
    if known == before:
        return

    def write(path: Path) -> None:
        path.write_bytes(canonical_json(known))

    publish_sealed(workspace.root / MEMORY, write)


def _known(cohort: Cohort, *, root: Path) -> Mapping[str, RememberedSlide]:
    found = {}
    for slide in cohort.slides:
        path = root / slide.path
        try:
            if known_digest(path) == slide.sha256:
                found[str(path)] = RememberedSlide(
                    files=_sizes(stamp_of_slide(path)), sha256=slide.sha256
                )
        except OSError:
            continue
    return found


def _sizes(stamp: Stamp) -> Sizes:
    return tuple((size_bytes, mtime_ns) for _, size_bytes, mtime_ns, _ in stamp)


def _read(workspace: Workspace) -> SlideMemory:
    path = workspace.root / MEMORY
    if sealed_digest(path) is None:
        return SlideMemory()
    try:
        return SlideMemory.model_validate_json(path.read_bytes())
    except ValidationError:
        return SlideMemory()
