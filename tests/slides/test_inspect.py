import json
import os

import numpy as np
import pytest
from PIL import Image

from shazam.config.tiling import TilingConfig
from shazam.slidefiles import digest_of_slide
from shazam.slides.find import find_slides
from shazam.slides.inspect import Inspection, inspect_slide
from shazam.slides.overlay import TILE_COLOUR
from tests.real_data import shared_data
from tests.slides.made import make_slide, tissue_picture
from tests.slides.made_dicom import make_ct, make_series

CONFIG = TilingConfig()
KEYS = [
    *("path", "format", "n_files", "size_bytes", "sha256", "width_px", "height_px", "levels"),
    *("mpp", "mpp_origin", "objective_power", "objective_power_origin", "tissue_fraction"),
    *("n_tiles", "n_dropped_pen", "n_dropped_blur", "tile_um", "tile_px", "tile_level"),
    *("privacy", "problem"),
]


def look(path, config=CONFIG) -> Inspection:
    return inspect_slide(path, config=config, with_picture=False).inspection


def test_a_good_slide_is_described_whole(tmp_path):
    slide = make_slide(tmp_path, mpp=0.5, n_levels=2)
    found = look(tmp_path / slide.path)
    assert list(found.model_dump()) == KEYS
    assert (found.sha256, found.size_bytes, found.n_files) == (slide.sha256, slide.size_bytes, 1)
    assert [(level.width_px, level.height_px) for level in found.levels] == [(900, 700), (450, 350)]
    assert (found.mpp, found.mpp_origin) == (0.5, "openslide.mpp")
    assert (found.n_tiles, found.tile_level, found.problem) == (12, 0, None)
    assert (found.n_dropped_pen, found.n_dropped_blur) == (0, 0)
    assert found.tissue_fraction > 0.9


@pytest.mark.parametrize(
    ("look_of", "reason", "known"),
    [
        ({"mpp": None}, "no_resolution", {"levels", "sha256"}),
        ({"mpp": 50.0}, "implausible_resolution", {"levels"}),
        ({"mpp": 2.0}, "too_coarse", {"mpp"}),
        ({"rgb": np.full((700, 900, 3), 30, np.uint8)}, "not_brightfield", {"mpp"}),
        (
            {"rgb": np.full((700, 900, 3), 244, np.uint8)},
            "no_tissue",
            {"tissue_fraction", "n_tiles"},
        ),
        ({"rgb": np.full((1, 1, 3), 200, np.uint8)}, "no_tissue", {"n_tiles"}),
    ],
)
def test_a_bad_slide_keeps_what_was_found_before_its_problem(tmp_path, look_of, reason, known):
    make_slide(tmp_path, **look_of)
    found = look(tmp_path / "S1.tiff")
    assert found.problem.reason == reason
    values = found.model_dump()
    assert all(values[name] is not None for name in known)


def test_a_picture_shows_the_tiles_and_never_the_label(tmp_path):
    make_slide(tmp_path, rgb=tissue_picture(margin_px=120))
    picture = inspect_slide(tmp_path / "S1.tiff", config=CONFIG, with_picture=True).picture
    assert picture.shape == (700, 900, 3)
    assert (picture == TILE_COLOUR).all(axis=-1).sum() > 500


def test_a_dicom_series_is_one_slide_with_its_patient_found(tmp_path):
    paths = make_series(tmp_path, tissue_picture(), private=True)
    found = look(paths[1])
    assert (found.format, found.n_files) == ("dicom", 2)
    assert found.sha256 == digest_of_slide(paths[0])
    told = {(finding.kind.value, finding.place) for finding in found.privacy}
    assert {
        ("name", "dicom.PatientName"),
        ("patient_id", "dicom.PatientID"),
        ("date", "dicom.PatientBirthDate"),
        ("accession_number", "dicom.AccessionNumber"),
    } <= told
    text = json.dumps(found.model_dump(mode="json"))
    assert "JANE" not in text
    assert "4711" not in text


def test_slides_are_found_once_each_and_their_parts_never(tmp_path):
    make_slide(tmp_path / "deep", "A")
    make_series(tmp_path / "dicom", tissue_picture(300, 300))
    make_ct(tmp_path / "dicom" / "no_extension")
    (tmp_path / "M").mkdir()
    (tmp_path / "M.mrxs").write_bytes(b"x")
    (tmp_path / "M" / "part.png").write_bytes(b"x")
    (tmp_path / "V.vms").write_text("ImageFile=A.jpg\n")
    (tmp_path / "A.jpg").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("no slide")
    (tmp_path / "._A.tiff").write_bytes(b"junk")
    found = [path.relative_to(tmp_path).as_posix() for path in find_slides(tmp_path)]
    assert found == ["M.mrxs", "V.vms", "deep/A.tiff", "dicom/level_0.dcm", "dicom/no_extension"]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "format_", "objective", "reason"),
    [
        ("wsi/CMU-1-Small-Region.svs", "aperio", 20, None),
        ("wsi/TCGA-CR-7395-01A-01-TS1.svs", "aperio", None, "no_resolution"),
        ("wsi/fluorescence_TRITC.ndpi", "hamamatsu", 40, "not_brightfield"),
        ("wsi_bad/CMU-1-Small-Region_truncated.svs", None, None, "unreadable"),
        ("wsi_bad/broken.svs", None, None, "unreadable"),
        ("wsi_bad/unreadable.svs", "aperio", 20, "unreadable"),
        ("wsi_bad/small.svs", "aperio", 20, "no_tissue"),
        ("wsi_bad/boxes.tiff", "generic-tiff", None, "implausible_resolution"),
        ("wsi_monuseg/TCGA-18-5592-01Z-00-DX1.tiff", "generic-tiff", None, None),
        ("tiles_misc/nct_crc_9class/TUM-AACHEHDV.tif", "plain-tiff", None, "no_resolution"),
        ("tiles_misc/qc_histolab/tcga-lung-rgb.png", "plain-png", None, "no_resolution"),
    ],
)
def test_real_files_are_told_for_what_they_are(name, format_, objective, reason):
    found = look(shared_data() / name)
    assert (found.format, found.objective_power) == (format_, objective)
    assert (found.problem and found.problem.reason) == reason


@pytest.mark.integration
def test_real_slides_give_away_what_they_hold():
    def places(name):
        return {finding.place: finding.kind.value for finding in look(shared_data() / name).privacy}

    cmu = places("wsi/CMU-1-Small-Region.svs")
    assert cmu.items() >= {
        ("associated image 'label'", "label_image"),
        ("associated image 'macro'", "macro_image"),
        ("associated image 'thumbnail'", "thumbnail_image"),
        ("aperio.Date", "date"),
        ("aperio.User", "operator"),
        ("aperio.Filename", "identifier"),
        ("tiff.ImageDescription", "date"),
    }
    hamamatsu = places("wsi/fluorescence_TRITC.ndpi")
    assert hamamatsu.items() >= {
        ("associated image 'macro'", "macro_image"),
        ("hamamatsu.Created", "date"),
        ("hamamatsu.NDP.S/N", "device"),
    }
    frozen = places("wsi/TCGA-CR-7395-01A-01-TS1.svs")
    assert frozen == {"associated image 'thumbnail'": "thumbnail_image"}
    assert places("wsi_monuseg/TCGA-18-5592-01Z-00-DX1.tiff") == {}


@pytest.mark.integration
def test_real_plain_tiles_can_be_tiled_with_a_resolution():
    config = TilingConfig(assume_mpp=0.5)
    found = look(shared_data() / "tiles_misc/nct_crc_9class/TUM-AACHEHDV.tif", config)
    assert (found.mpp_origin, found.n_tiles, found.problem) == ("assumed", 1, None)
    with Image.open(shared_data() / "tiles_misc/qc_histolab/tcga-lung-rgb.png") as image:
        size = image.size
    thumbnail = look(shared_data() / "tiles_misc/qc_histolab/tcga-lung-rgb.png", config)
    assert (thumbnail.width_px, thumbnail.height_px) == size


def test_the_filters_of_a_config_are_tried_too(tmp_path):
    make_slide(tmp_path)
    found = look(tmp_path / "S1.tiff", CONFIG.model_copy(update={"min_sharpness": 1e9}))
    assert (found.problem.reason, found.n_tiles) == ("no_tissue", 0)
    assert "12" in found.problem.message


def test_what_is_no_file_is_told_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.svs")
    problem = look(tmp_path / "pipe.svs").problem
    assert problem.reason == "unreadable"
    assert "neither a file" in problem.message
