"""The cohort of the simulated run, its shards, and the seconds that a step takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from shazam.config.extraction import ExtractionConfig, ExtractionPart
from shazam.digest import digest_of
from shazam.features.feature_set import join_features
from shazam.features.shards import Shard
from shazam.manifests import (
    FeatureSetManifest,
    FeaturesManifest,
    SlideFeatures,
    TeacherIdentity,
    TiledSlide,
    TilesManifest,
    ValidatedSlide,
)
from shazam.refs import CohortRef
from shazam.teachers.catalogue import shipped_catalogue
from shazam.upkeep.throughput import assumed

TEACHERS = ("uni_v2", "virchow2", "hoptimus0", "gigapath", "uni_v1")
MEAN_TILES = 4000  # as `shazam plan` assumes
SIGMA = 0.8  # of the logarithm of tiles: biopsies of hundreds beside resections of ten thousands
STARTUP_S = {"extract": 90.0, "other": 30.0}  # imports, and weights onto the GPU
# seconds of the steps that are not extraction: a guess of their size, for they are few
_PER_SLIDE_S = {"validate": 1.0, "tile": 5.0, "validate_features": 0.5}
_WHOLE_S = {"train": 600.0, "distill": 3600.0, "canary": 3600.0}
_OTHER_S = 60.0


def made_tiles(n_slides: int, *, seed: int) -> TilesManifest:
    """Return slides with a log-normal number of tiles of a mean of 4,000."""
    rng = np.random.default_rng(seed)
    location = np.log(MEAN_TILES) - SIGMA**2 / 2
    counts = np.maximum(1, rng.lognormal(location, SIGMA, size=n_slides).astype(int))
    digest = digest_of("cohort")
    return TilesManifest(
        cohort=CohortRef(uri="cohort", sha256=digest, n_cases=n_slides, n_slides=n_slides),
        slides=tuple(_tiled(number, int(count)) for number, count in enumerate(counts)),
        quarantine=(),
    )


def _tiled(number: int, n_tiles: int) -> TiledSlide:
    name, digest = f"slide_{number}", digest_of(["slide", number])
    slide = ValidatedSlide(
        slide_id=name,
        case_id=f"case_{number}",
        path=f"{name}.svs",
        size_bytes=1,
        sha256=digest,
        mpp=0.25,
        mpp_origin="made",
        width_px=1,
        height_px=1,
        tissue_fraction=0.5,
    )
    return TiledSlide(slide=slide, key=digest, uri=f"tiles/{name}", sha256=digest, n_tiles=n_tiles)


@dataclass(slots=True)
class Features:
    """The feature files that pods have published, as the reduce step finds them."""

    tiles: TilesManifest
    extraction: ExtractionConfig
    published: dict[str, set[str]] = field(default_factory=dict)
    _of_shard: dict[str, tuple[TiledSlide, ...]] = field(default_factory=dict, init=False)

    def part(self, step: str) -> ExtractionPart:
        """Return the teachers and shard of a step."""
        return {part.name: part for part in self.extraction.parts()}[step]

    def slides(self, part: ExtractionPart) -> tuple[TiledSlide, ...]:
        """Return the slides of a step, by the project's own rule."""
        if part.shard not in self._of_shard:
            self._of_shard[part.shard] = Shard.parse(part.shard).select(self.tiles.slides)
        return self._of_shard[part.shard]

    def pieces_s(self, part: ExtractionPart) -> tuple[float, ...]:
        """Return the seconds of each slide of a step, by the assumption of ``shazam plan``."""
        per_tile_s = sum(1 / tiles_per_s(name) for name in part.teachers)
        return tuple(one.n_tiles * per_tile_s for one in self.slides(part))

    def publish(self, step: str, *, n_done: int) -> None:
        """Note which slides of a step are there: the first ones, in its order."""
        done = self.slides(self.part(step))[:n_done]
        self.published[step] = {one.slide.slide_id for one in done}

    def joined(self) -> FeatureSetManifest:
        """Return what the reduce step makes of what is published, by the project's own rule.

        Raises:
            ArtifactError: a slide of a teacher is missing, or in two parts.
        """
        parts = [self.part(step) for step in self.published]
        return join_features(
            self.tiles,
            [self._manifest(part, name) for part in parts for name in part.teachers],
        )

    def _manifest(self, part: ExtractionPart, teacher: str) -> FeaturesManifest:
        done = self.published[part.name]
        return FeaturesManifest(
            cohort=self.tiles.cohort,
            teacher=TeacherIdentity(
                name=teacher,
                revision="made",
                dims=shipped_catalogue().entry(teacher).dims,
                licence="none",
                weights_sha256=None,
                transform_sha256=None,
            ),
            slides=tuple(_features(one) for one in self.slides(part) if one.slide.slide_id in done),
            quarantine=(),
        )


def _features(one: TiledSlide) -> SlideFeatures:
    return SlideFeatures(
        slide_id=one.slide.slide_id,
        case_id=one.slide.case_id,
        key=one.key,
        uri=one.uri,
        sha256=one.sha256,
        n_tiles=one.n_tiles,
        tiles_key=one.key,
    )


def tiles_per_s(teacher: str) -> float:
    """Return the assumption of ``shazam plan`` for a GPU."""
    return assumed(shipped_catalogue().entry(teacher), device_type="cuda").tiles_per_s


def other_s(step: str, *, n_slides: int) -> float:
    """Return the seconds of a step that is no extraction."""
    if step in _PER_SLIDE_S:
        return _PER_SLIDE_S[step] * n_slides
    return next((took for name, took in _WHOLE_S.items() if step.startswith(name)), _OTHER_S)


def balance(pieces_s: Mapping[str, Sequence[float]]) -> float:
    """Return the largest part's work over the mean part's, the worst teacher's."""
    by_teacher: dict[str, list[float]] = {}
    for step, own in pieces_s.items():
        teacher = step.removeprefix("extract_").split("_of_")[0].rpartition("_")[0]
        by_teacher.setdefault(teacher, []).append(sum(own))
    return max(max(work) / (sum(work) / len(work)) for work in by_teacher.values())
