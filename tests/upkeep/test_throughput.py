"""Tiles a second: measured where an extraction told it, else arithmetic."""

import re

import pytest

from shazam.features.pace import write_pace
from shazam.teachers import shipped_catalogue
from shazam.upkeep.throughput import assumed, measured
from shazam.workspace import Workspace


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


def test_what_was_measured_is_told_for_its_device(tmp_path):
    workspace = Workspace(tmp_path)
    write_pace({"uni_v1": [100, 200, 300]}, seconds=30, device_type="cpu", workspace=workspace)
    found = measured("uni_v1", device_type="cpu", workspace=workspace)
    assert found is not None
    assert found.tiles_per_s == pytest.approx(20)
    assert re.fullmatch(r"measured in this workspace over 3 slides on \d+ cores", found.origin)
    assert measured("uni_v1", device_type="cuda", workspace=workspace) is None
    assert measured("uni_v2", device_type="cpu", workspace=workspace) is None
