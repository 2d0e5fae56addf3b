from dataclasses import asdict, replace

import numpy as np
import pytest
import tifffile
from PIL import Image

from shazam.config.tiling import TilingConfig
from shazam.digest import digest_of
from shazam.errors import ImplausibleResolutionError, SlideChangedError, UnreadableSlideError
from shazam.slidefiles import digest_of_slide, size_of_slide
from shazam.slides.reader import open_slide
from shazam.slides.validate import FindingsKey, validate_slide, validate_slides
from shazam.workspace import Workspace
from tests.real_data import shared_data
from tests.slides.made import (
    COHORT_REF,
    SlideSet,
    make_coarse_first,
    make_slide,
    record,
    silent,
    tissue_picture,
    truncated,
)
from tests.slides.made_dicom import make_series

CONFIG = TilingConfig()


def validated(slides, folder, root, config=CONFIG):
    return validate_slides(
        SlideSet(tuple(slides)),
        cohort_ref=COHORT_REF,
        slides_dir=folder,
        config=config,
        workspace=Workspace(root),
        progress=silent("validate"),
    )


def bad_slides(folder):
    (folder / "zero.svs").write_bytes(b"")
    (folder / "text.svs").write_text("not a slide")
    fluorescent = np.full((700, 900, 3), 30, np.uint8)
    return {
        "zero": (record(folder / "zero.svs"), "empty"),
        "text": (record(folder / "text.svs"), "unreadable"),
        "unresolved": (make_slide(folder, "unresolved", mpp=None), "no_resolution"),
        "coarse": (make_slide(folder, "coarse", mpp=2.0), "too_coarse"),
        "absurd": (make_slide(folder, "absurd", mpp=50.0), "implausible_resolution"),
        "dark": (make_slide(folder, "dark", rgb=fluorescent), "not_brightfield"),
        "white": (make_slide(folder, "white", rgb=fluorescent + 214), "no_tissue"),
        "tiny": (make_slide(folder, "tiny", rgb=tissue_picture(8, 8)), "no_tissue"),
    }


def test_each_bad_slide_is_quarantined_with_its_reason_and_the_good_go_on(tmp_path):
    bad = bad_slides(tmp_path)
    good = make_slide(tmp_path, "good")
    manifest = validated([good, *(slide for slide, _ in bad.values())], tmp_path, tmp_path / "ws")
    assert [slide.slide_id for slide in manifest.slides] == ["good"]
    found = {entry.slide_id: entry.reason for entry in manifest.quarantine}
    assert found == {name: reason for name, (_, reason) in bad.items()}
    assert all(str(tmp_path) not in entry.message for entry in manifest.quarantine)


@pytest.mark.parametrize("kept", [0.4, 0.9, 0.995])
def test_a_slide_that_opens_but_lost_its_last_pixels_is_unreadable(tmp_path, kept):
    whole = make_coarse_first(tmp_path)
    assert validate_slide(tmp_path / whole.path, slide=whole, config=CONFIG).mpp == 0.5
    slide = truncated(whole, tmp_path, kept=kept)
    open_slide(tmp_path / slide.path).close()
    with pytest.raises(UnreadableSlideError):
        validate_slide(tmp_path / slide.path, slide=slide, config=CONFIG)


def test_a_tile_damaged_in_the_middle_of_the_tissue_is_found_when_it_is_read(tmp_path):
    slide = make_slide(tmp_path)
    path = tmp_path / slide.path
    with tifffile.TiffFile(path) as file:
        start, n_bytes = file.pages[0].dataoffsets[5], file.pages[0].databytecounts[5]
    content = bytearray(path.read_bytes())
    content[start : start + n_bytes] = bytes(n_bytes)
    path.write_bytes(content)
    open_slide(path).close()
    (entry,) = validated([record(path)], tmp_path, tmp_path / "ws").quarantine
    assert (entry.reason, entry.stage) == ("unreadable", "validate")


def test_slides_of_several_files_and_plain_images_are_valid(tmp_path):
    (first, _) = make_series(tmp_path / "dicom", tissue_picture())
    Image.fromarray(tissue_picture()).save(tmp_path / "plain.png")
    slides = [
        replace(
            record(tmp_path / "plain.png"),
            slide_id="D",
            path="dicom/level_0.dcm",
            size_bytes=size_of_slide(first),
            sha256=digest_of_slide(first),
        ),
        record(tmp_path / "plain.png"),
    ]
    config = TilingConfig(assume_mpp=0.25)
    manifest = validated(slides, tmp_path, tmp_path / "ws", config)
    found = {slide.slide_id: (slide.mpp, slide.mpp_origin) for slide in manifest.slides}
    assert found == {"D": (0.5, "openslide.mpp"), "plain": (0.25, "assumed")}
    (tmp_path / "dicom" / "level_1.dcm").unlink()
    (entry,) = validated(slides, tmp_path, tmp_path / "ws", config).quarantine
    assert (entry.slide_id, entry.reason) == ("D", "changed_during_run")


def test_an_assumed_resolution_serves_only_slides_without_one(tmp_path):
    unresolved = make_slide(tmp_path, "unresolved", mpp=None)
    resolved = make_slide(tmp_path, "resolved", mpp=0.25)
    config = TilingConfig(assume_mpp=0.5)
    manifest = validated([unresolved, resolved], tmp_path, tmp_path / "ws", config)
    found = {slide.slide_id: (slide.mpp, slide.mpp_origin) for slide in manifest.slides}
    assert found == {"unresolved": (0.5, "assumed"), "resolved": (0.25, "openslide.mpp")}


def test_an_implausible_resolution_is_refused_unless_the_user_knows_better(tmp_path):
    slide = make_slide(tmp_path, mpp=50.0)
    with pytest.raises(ImplausibleResolutionError):
        validate_slide(tmp_path / slide.path, slide=slide, config=TilingConfig())
    known = TilingConfig(assume_mpp=0.5)
    found = validate_slide(tmp_path / slide.path, slide=slide, config=known)
    assert (found.mpp, found.mpp_origin) == (0.5, "assumed")


def test_a_second_validation_opens_no_slide_and_says_the_same(tmp_path, monkeypatch):
    slides = [make_slide(tmp_path, "A"), make_slide(tmp_path, "B", mpp=0.25)]
    first = validated(slides, tmp_path, tmp_path / "ws")
    monkeypatch.setattr("shazam.slides.validate.open_slide", None)
    assert validated(slides, tmp_path, tmp_path / "ws") == first


def test_damaged_findings_are_found_anew(tmp_path):
    slide = make_slide(tmp_path)
    first = validated([slide], tmp_path, tmp_path / "ws")
    (kept,) = (tmp_path / "ws" / "slides").glob("*.json")
    content = kept.read_bytes()
    kept.write_bytes(content.replace(b"0.5", b"0.4"))
    assert validated([slide], tmp_path, tmp_path / "ws") == first
    assert kept.read_bytes() == content


@pytest.mark.parametrize("harm", ["gone", "longer"])
def test_a_slide_changed_after_ingestion_is_quarantined_though_its_findings_are_kept(
    tmp_path, harm
):
    slide = make_slide(tmp_path)
    validated([slide], tmp_path, tmp_path / "ws")
    path = tmp_path / slide.path
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b"x")
    (entry,) = validated([slide], tmp_path, tmp_path / "ws").quarantine
    assert (entry.error, entry.reason) == (SlideChangedError.__name__, "changed_during_run")


def test_every_field_changes_the_key():
    key = FindingsKey.of("a" * 64, config=CONFIG)
    for name, value in asdict(key).items():
        other = f"{value}x" if isinstance(value, str) else (value or 0) + 1
        assert digest_of(replace(key, **{name: other})) != digest_of(key)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "reason", "reason_when_assumed"),
    [
        ("wsi/CMU-1-Small-Region.svs", None, None),
        ("wsi/TCGA-CR-7395-01A-01-TS1.svs", "no_resolution", None),
        ("wsi/fluorescence_TRITC.ndpi", "not_brightfield", "not_brightfield"),
        ("wsi_bad/CMU-1-Small-Region_truncated.svs", "unreadable", "unreadable"),
        ("wsi_bad/broken.svs", "unreadable", "unreadable"),
        ("wsi_bad/unreadable.svs", "unreadable", "unreadable"),
        ("wsi_bad/small.svs", "no_tissue", "no_tissue"),
        ("wsi_bad/boxes.tiff", "implausible_resolution", None),
    ],
)
def test_real_slides_go_on_or_get_their_reason(tmp_path, name, reason, reason_when_assumed):
    path = shared_data() / name
    for config, expected in (
        (CONFIG, reason),
        (TilingConfig(assume_mpp=0.5), reason_when_assumed),
    ):
        manifest = validated([record(path)], path.parent, tmp_path, config)
        assert [entry.reason for entry in manifest.quarantine] == ([expected] if expected else [])


@pytest.mark.integration
def test_fields_full_of_tissue_are_all_valid(tmp_path):
    paths = sorted((shared_data() / "wsi_monuseg").glob("*.tiff"))
    manifest = validated([record(path) for path in paths], paths[0].parent, tmp_path)
    assert len(manifest.slides) == len(paths)
    assert manifest.quarantine == ()
