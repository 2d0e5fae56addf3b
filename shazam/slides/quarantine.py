"""The one place where a bad slide is set aside and the rest goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from shazam.errors import QuarantineExceededError, SlideError
from shazam.manifests import QuarantineEntry

T = TypeVar("T")


def attempt(
    work: Callable[[], T], *, slide_id: str, slide_sha256: str, stage: str
) -> T | QuarantineEntry:
    """Do the work of one slide; what is wrong with the slide becomes a quarantine entry.

    Only a SlideError says that the slide is at fault. A full disk, a wrong configuration or a
    fault of ours is none, and stops the run.
    """
    try:
        return work()
    except SlideError as error:
        return quarantined(error, slide_id=slide_id, slide_sha256=slide_sha256, stage=stage)


def quarantined(
    error: SlideError, *, slide_id: str, slide_sha256: str, stage: str
) -> QuarantineEntry:
    """Return the entry of a slide that a stage could not use."""
    return QuarantineEntry(
        slide_id=slide_id,
        slide_sha256=slide_sha256,
        stage=stage,
        error=type(error).__name__,
        reason=error.reason,
        message=str(error),
    )


def check_fraction(
    quarantine: Sequence[QuarantineEntry], *, n_slides: int, max_fraction: float
) -> None:
    """Decide whether a run may go on without its quarantined slides.

    Args:
        quarantine: all entries so far.
        n_slides: slides of the cohort, the quarantined included.
        max_fraction: what the configuration allows, 0 to 1.

    Raises:
        QuarantineExceededError: more are quarantined than allowed, or no slide is left.
    """
    n_quarantined = len({entry.slide_id for entry in quarantine})
    if n_quarantined <= max_fraction * n_slides and n_quarantined < n_slides:
        return
    listed = "\n".join(
        f"  - {entry.slide_id}: {entry.reason} ({entry.stage}): {entry.message}"
        for entry in quarantine
    )
    raise QuarantineExceededError(
        f"{n_quarantined} of {n_slides} slides are quarantined, max_quarantine_fraction "
        f"{max_fraction:g} allows {int(max_fraction * n_slides)}; mend or remove them\n{listed}"
    )
