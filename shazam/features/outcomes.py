"""Outcomes: what became of every slide under every teacher."""

from __future__ import annotations

from collections.abc import Sequence

from shazam.errors import SlideError
from shazam.features.jobs import Job, Target
from shazam.manifests import (
    FeaturesManifest,
    QuarantineEntry,
    SlideFeatures,
    TeacherIdentity,
    TilesManifest,
)
from shazam.progress import Progress
from shazam.slides.quarantine import quarantined

STAGE = "extract"


class Outcomes:
    """A feature file or a quarantine entry for each job and teacher, as they come in."""

    def __init__(self, jobs: Sequence[Job], progress: Progress) -> None:
        self._jobs = tuple(jobs)
        self._progress = progress
        self._found: dict[tuple[int, str], SlideFeatures | QuarantineEntry] = {}

    def missing(self, number: int) -> tuple[Target, ...]:
        """Return the targets of a job that nothing is known of yet."""
        targets = self._jobs[number].targets
        return tuple(target for target in targets if (number, target.teacher) not in self._found)

    def add(self, number: int, target: Target, entry: SlideFeatures | QuarantineEntry) -> None:
        """Record one target; the slide is done when all of its targets are."""
        self._found[number, target.teacher] = entry
        if isinstance(entry, QuarantineEntry):
            self._progress.quarantine(entry.slide_id, entry.reason)
        if not self.missing(number):
            self._progress.advance()

    def fail(self, number: int, error: SlideError) -> None:
        """Set the slide aside for every teacher that has not got its features yet."""
        slide = self._jobs[number].tiled.slide
        for target in self.missing(number):
            stage = f"{STAGE}:{target.teacher}"
            entry = quarantined(
                error, slide_id=slide.slide_id, slide_sha256=slide.sha256, stage=stage
            )
            self.add(number, target, entry)

    def manifest(self, teacher: TeacherIdentity, tiles: TilesManifest) -> FeaturesManifest:
        """Return the manifest of one teacher, in the order of the jobs."""
        entries = [self._found[number, teacher.name] for number in range(len(self._jobs))]
        return FeaturesManifest(
            cohort=tiles.cohort,
            teacher=teacher,
            slides=tuple(e for e in entries if isinstance(e, SlideFeatures)),
            quarantine=tuple(e for e in entries if isinstance(e, QuarantineEntry)),
        )
