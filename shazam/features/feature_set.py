"""Join the teachers' feature files over the slides that all of them have."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from shazam.errors import ArtifactError
from shazam.manifests import FeatureSetManifest, FeaturesManifest, QuarantineEntry, TilesManifest

_SHOWN = 5


def join_features(tiles: TilesManifest, features: Sequence[FeaturesManifest]) -> FeatureSetManifest:
    """Return the feature set: every teacher over the same slides, in the order of the tiles.

    A slide that one teacher could not do is set aside for all, with that teacher's reason, so
    that every arm sees the same cases.

    Args:
        tiles: the tile grids.
        features: of every teacher, whole or in shards.

    Raises:
        ArtifactError: teachers come from different cohorts, a shard is missing, overlaps another
            or was made with other weights than the rest, or no slide has all teachers.
    """
    if any(manifest.cohort != tiles.cohort for manifest in features):
        raise ArtifactError("the feature manifests belong to different cohorts; extract them again")
    merged = _merge_shards(tiles, features)
    by_slide = [{entry.slide_id: entry for entry in manifest.slides} for manifest in merged]
    complete = [
        tiled.slide.slide_id
        for tiled in tiles.slides
        if all(tiled.slide.slide_id in entries for entries in by_slide)
    ]
    if not complete:
        raise ArtifactError("no slide has the features of all teachers; see the quarantine lists")
    return FeatureSetManifest(
        cohort=tiles.cohort,
        teachers=tuple(manifest.teacher for manifest in merged),
        features=tuple(tuple(entries[name] for name in complete) for entries in by_slide),
        quarantine=_quarantine(tiles, merged),
        versions=(),
        contact_sheet=tiles.contact_sheet,
    )


def _merge_shards(
    tiles: TilesManifest, features: Sequence[FeaturesManifest]
) -> tuple[FeaturesManifest, ...]:
    by_teacher: dict[str, list[FeaturesManifest]] = defaultdict(list)
    for manifest in features:
        by_teacher[manifest.teacher.name].append(manifest)
    return tuple(_merge(tiles, shards) for shards in by_teacher.values())


def _merge(tiles: TilesManifest, shards: Sequence[FeaturesManifest]) -> FeaturesManifest:
    teacher = shards[0].teacher
    if any(shard.teacher != teacher for shard in shards):
        raise ArtifactError(
            f"teacher '{teacher.name}': its shards come from different weights or transforms; "
            "extract them again"
        )
    slides = tuple(entry for shard in shards for entry in shard.slides)
    quarantine = tuple(entry for shard in shards for entry in shard.quarantine)
    seen = Counter([entry.slide_id for entry in slides] + [e.slide_id for e in quarantine])
    repeated = sorted(name for name, count in seen.items() if count > 1)
    if repeated:
        raise ArtifactError(
            f"teacher '{teacher.name}': {len(repeated)} slide(s) are in more than one shard "
            f"({', '.join(repeated[:_SHOWN])}); join the shards of one division, each once"
        )
    absent = [t.slide.slide_id for t in tiles.slides if t.slide.slide_id not in seen]
    if absent:
        raise ArtifactError(
            f"teacher '{teacher.name}': {len(absent)} slide(s) have neither features nor a "
            f"reason ({', '.join(absent[:_SHOWN])}); is a shard missing? extract it"
        )
    return shards[0].model_copy(update={"slides": slides, "quarantine": quarantine})


def _quarantine(
    tiles: TilesManifest, features: Sequence[FeaturesManifest]
) -> tuple[QuarantineEntry, ...]:
    first: dict[str, QuarantineEntry] = {}
    for entry in (*tiles.quarantine, *(e for manifest in features for e in manifest.quarantine)):
        first.setdefault(entry.slide_id, entry)
    return tuple(first[slide_id] for slide_id in sorted(first))
