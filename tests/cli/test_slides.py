"""`shazam slides inspect` as a user runs it."""

import json
import time

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from shazam.cli.main import app
from shazam.config.tiling import TilingConfig
from shazam.stages import SOURCE_ROOT
from tests.command import fresh_shazam, shazam_here
from tests.slides.made import make_slide, tissue_picture


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides")
    make_slide(folder, "good")
    make_slide(folder, "unresolved", mpp=None)
    (folder / "text.svs").write_text("no slide")
    Image.fromarray(tissue_picture(300, 300)).save(folder / "image.png")
    return folder


def test_a_good_slide_is_told_with_code_0(folder):
    outcome = shazam_here("slides", "inspect", folder / "good.tiff")
    assert outcome.code == 0, outcome.text
    for words in ("generic-tiff", "900 x 700", "0.5 um/px (openslide.mpp)", "12 of 112 um"):
        assert words in outcome.out
    assert "privacy" in outcome.out
    assert "would be used" in outcome.out


def test_bad_slides_are_named_with_code_4_and_the_others_still_told(folder, tmp_path):
    outcome = shazam_here("slides", "inspect", folder, "--json", "--png", tmp_path / "png")
    assert outcome.code == 4, outcome.text
    found = {item["path"].rpartition("/")[2]: item for item in json.loads(outcome.out)}
    reasons = {name: item["problem"] and item["problem"]["reason"] for name, item in found.items()}
    assert reasons == {
        "good.tiff": None,
        "image.png": "no_resolution",
        "text.svs": "unreadable",
        "unresolved.tiff": "no_resolution",
    }
    assert [path.name for path in (tmp_path / "png").iterdir()] == ["good.tiff.overlay.png"]


def test_a_resolution_and_tiling_can_be_tried(folder, tmp_path):
    target = tmp_path / "one.png"
    outcome = shazam_here(
        *("slides", "inspect", folder / "unresolved.tiff", "--assume-mpp", "0.25", "--json"),
        *("--set", "tiling.tile_um=56", "--png", target),
        *("-c", SOURCE_ROOT / "configs" / "demo.yaml"),
    )
    assert outcome.code == 0, outcome.text
    (item,) = json.loads(outcome.out)
    assert (item["mpp"], item["mpp_origin"], item["tile_um"]) == (0.25, "assumed", 56.0)
    with Image.open(target) as picture:
        assert np.asarray(picture).shape == (700, 900, 3)


@pytest.mark.parametrize(
    "arguments",
    [
        ("missing.svs",),
        ("empty",),
        ("good.tiff", "unresolved.tiff", "--png", "one.png"),
        ("image.png", "--assume-mpp", "0.5", "--png", "image.png"),
        (),
    ],
    ids=["missing", "empty", "one-picture", "over-a-slide", "nothing"],
)
def test_wrong_use_is_code_2_and_writes_nothing(folder, arguments, monkeypatch):
    (folder / "empty").mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    outcome = CliRunner().invoke(app, ["slides", "inspect", *arguments])
    assert outcome.exit_code == 2, outcome.output
    assert outcome.stdout == ""
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_a_wrong_setting_is_a_configuration_error(folder):
    outcome = shazam_here("slides", "inspect", folder / "good.tiff", "--set", "tiling.tile_um=-1")
    assert outcome.code == 45
    assert "tiling.tile_um" in outcome.err


def test_without_a_config_the_tiling_is_the_default(folder):
    (item,) = json.loads(shazam_here("slides", "inspect", folder / "good.tiff", "--json").out)
    default = TilingConfig()
    assert (item["tile_um"], item["tile_px"]) == (default.tile_um, default.tile_px)
    text = (SOURCE_ROOT / "configs" / "survival.yaml").read_text()
    assert "\ntiling:" not in text


def test_help_is_quick(folder):
    start = time.perf_counter()
    assert fresh_shazam("slides", "inspect", "--help").code == 0
    assert time.perf_counter() - start < 5


def test_slides_of_very_long_names_get_pictures_of_their_own(tmp_path):
    for last in ("a", "b"):
        make_slide(tmp_path / "slides", "\N{ELEPHANT}" * 60 + last)
    outcome = CliRunner().invoke(
        app, ["slides", "inspect", str(tmp_path / "slides"), "--png", str(tmp_path / "png")]
    )
    assert outcome.exit_code == 0, outcome.output
    assert len(list((tmp_path / "png").iterdir())) == 2
