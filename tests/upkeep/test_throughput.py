"""Tiles a second: measured where files tell it, else arithmetic."""

import os

import pytest

from shazam.teachers import shipped_catalogue
from shazam.upkeep.throughput import assumed, measured


def test_the_assumption_is_two_operations_for_each_parameter_and_token():
    uni = shipped_catalogue().entry("uni_v1")  # ViT-L, 303 million, patches of 16 px
    found = assumed(uni, device_type="cuda")
    assert found.tiles_per_s == pytest.approx(100e12 / (2 * 303e6 * 14 * 14))
    assert "assumed" in found.origin
    assert assumed(uni, device_type="cpu").tiles_per_s < found.tiles_per_s / 100


def test_finer_patches_and_more_parameters_take_longer():
    catalogue = shipped_catalogue()
    uni, uni_2 = catalogue.entry("uni_v1"), catalogue.entry("uni_v2")
    ratio = (681 / 303) * (16 / 14) ** 2
    assert assumed(uni, device_type="cuda").tiles_per_s / assumed(
        uni_2, device_type="cuda"
    ).tiles_per_s == pytest.approx(ratio)


def test_an_encoder_without_weights_is_no_burden():
    colour = assumed(shipped_catalogue().entry("colour_statistics"), device_type="cpu")
    assert colour.tiles_per_s > 1000


def test_gaps_between_files_tell_the_rate_whatever_pauses_lie_between(tmp_path):
    files = []
    at = 1_000_000.0
    for number, gap in enumerate((0, 10, 10, 7200, 10, 10)):
        at += gap
        path = tmp_path / f"S{number}.h5"
        path.touch()
        os.utime(path, (at, at))
        files.append((path, 200))
    found = measured(files)
    assert found is not None
    assert found.tiles_per_s == pytest.approx(20)
    assert found.origin == "measured in this workspace over 6 slides"
    assert measured(files[:3]) is None
    assert measured([(tmp_path / "absent.h5", 5)]) is None
