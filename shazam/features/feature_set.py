"""Join the teachers' feature files over the slides that all of them have."""

from __future__ import annotations

from collections.abc import Sequence

from shazam.errors import ArtifactError
from shazam.manifests import FeatureSetManifest, FeaturesManifest, QuarantineEntry, TilesManifest


def join_features(tiles: TilesManifest, features: Sequence[FeaturesManifest]) -> FeatureSetManifest:
    """Return the feature set: every teacher over the same slides, in the order of the tiles.

    A slide that one teacher could not do is set aside for all, with that teacher's reason, so
    that every arm sees the same cases.

    Raises:
        ArtifactError: teachers come from different cohorts, or no slide has all of them.
    """
    if any(manifest.cohort != tiles.cohort for manifest in features):
        raise ArtifactError("the feature manifests belong to different cohorts; extract them again")
    by_slide = [{entry.slide_id: entry for entry in manifest.slides} for manifest in features]
    complete = [
        tiled.slide.slide_id
        for tiled in tiles.slides
        if all(tiled.slide.slide_id in entries for entries in by_slide)
    ]
    if not complete:
        raise ArtifactError("no slide has the features of all teachers; see the quarantine lists")
    return FeatureSetManifest(
        cohort=tiles.cohort,
        teachers=tuple(manifest.teacher for manifest in features),
        features=tuple(tuple(entries[name] for name in complete) for entries in by_slide),
        quarantine=_quarantine(tiles, features),
        versions=(),
    )


def _quarantine(
    tiles: TilesManifest, features: Sequence[FeaturesManifest]
) -> tuple[QuarantineEntry, ...]:
    first: dict[str, QuarantineEntry] = {}
    for entry in (*tiles.quarantine, *(e for manifest in features for e in manifest.quarantine)):
        first.setdefault(entry.slide_id, entry)
    return tuple(first[slide_id] for slide_id in sorted(first))
