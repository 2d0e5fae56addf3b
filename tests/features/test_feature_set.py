"""Joining: shards to teachers, teachers over the slides that all of them have."""

import pytest

from shazam.errors import ArtifactError
from shazam.features.feature_set import join_features
from shazam.manifests import (
    FeaturesManifest,
    QuarantineEntry,
    SlideFeatures,
    TiledSlide,
    TilesManifest,
    ValidatedSlide,
)
from tests.features.made import MeanColour
from tests.slides.made import COHORT_REF

SHA = "a" * 64


def tiled(name: str) -> TiledSlide:
    slide = ValidatedSlide(
        slide_id=name,
        case_id=name,
        path=f"{name}.tiff",
        size_bytes=1,
        sha256=SHA,
        mpp=0.5,
        mpp_origin="assumed",
        width_px=900,
        height_px=700,
        tissue_fraction=0.5,
    )
    return TiledSlide(slide=slide, key=SHA, uri=f"tiles/{name}.h5", sha256=SHA, n_tiles=3)


def made(name: str) -> SlideFeatures:
    return SlideFeatures(
        slide_id=name,
        case_id=name,
        key=SHA,
        uri=f"features/{name}.h5",
        sha256=SHA,
        n_tiles=3,
        tiles_key=SHA,
    )


def aside(name: str, *, stage: str = "extract:one", reason: str = "unreadable") -> QuarantineEntry:
    return QuarantineEntry(
        slide_id=name,
        slide_sha256=SHA,
        stage=stage,
        error="UnreadableSlideError",
        reason=reason,
        message="cannot be read",
    )


def tiles(names: str = "ABCD", quarantine: tuple[QuarantineEntry, ...] = ()) -> TilesManifest:
    slides = tuple(tiled(name) for name in names)
    return TilesManifest(cohort=COHORT_REF, slides=slides, quarantine=quarantine)


def shard(
    names: str, *quarantine: QuarantineEntry, teacher: str = "one", revision: str = "1"
) -> FeaturesManifest:
    identity = MeanColour.identity.model_copy(update={"name": teacher, "revision": revision})
    return FeaturesManifest(
        cohort=COHORT_REF,
        teacher=identity,
        slides=tuple(made(name) for name in names),
        quarantine=quarantine,
    )


def ids(entries) -> str:
    return "".join(entry.slide_id for entry in entries)


def test_shards_in_any_order_are_one_teacher_in_the_order_of_the_tiles():
    joined = join_features(tiles(), [shard("DB"), shard("C"), shard("A"), shard("")])
    assert [teacher.name for teacher in joined.teachers] == ["one"]
    assert [ids(entries) for entries in joined.features] == ["ABCD"]
    assert joined.quarantine == ()


def test_a_slide_that_one_teacher_lacks_is_set_aside_for_all_with_its_reason():
    lacking = [shard("AD", aside("B")), shard("C"), shard("ABC", aside("D"), teacher="two")]
    joined = join_features(tiles(quarantine=(aside("E", stage="tile"),)), lacking)
    assert [teacher.name for teacher in joined.teachers] == ["one", "two"]
    assert [ids(entries) for entries in joined.features] == ["AC", "AC"]
    assert ids(joined.quarantine) == "BDE"


def test_a_shard_that_is_missing_is_named_with_its_slides():
    with pytest.raises(ArtifactError, match=r"'one': 2 slide\(s\) have neither .*B, D"):
        join_features(tiles(), [shard("A"), shard("C")])


def test_shards_of_other_weights_are_not_joined():
    with pytest.raises(ArtifactError, match="'one': its shards come from different weights"):
        join_features(tiles(), [shard("AB"), shard("CD", revision="2")])


@pytest.mark.parametrize("again", [shard("BCD"), shard("CD", aside("B"))])
def test_a_slide_in_two_shards_is_refused(again):
    with pytest.raises(ArtifactError, match=r"'one': 1 slide\(s\) .* more than one shard .*B"):
        join_features(tiles(), [shard("AB"), again])


def test_another_cohort_is_refused():
    other = COHORT_REF.model_copy(update={"sha256": "b" * 64})
    foreign = shard("ABCD").model_copy(update={"cohort": other})
    with pytest.raises(ArtifactError, match="different cohorts"):
        join_features(tiles(), [foreign])


def test_no_common_slide_is_an_error():
    with pytest.raises(ArtifactError, match="no slide has the features of all teachers"):
        join_features(tiles("A"), [shard("", aside("A"))])
