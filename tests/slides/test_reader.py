import numpy as np
import pytest

from shazam.errors import ImageTooLargeError, UnreadableSlideError
from shazam.slides.reader import open_slide, read_properties
from tests.slides.made import make_slide, tissue_picture


def test_properties_say_format_size_levels_and_resolution(tmp_path):
    slide = make_slide(tmp_path, mpp=0.25, n_levels=3)
    properties = read_properties(tmp_path / "S1.tiff", assume_mpp=None)
    assert properties.format == "generic-tiff"
    assert (properties.width_px, properties.height_px) == (900, 700)
    assert (properties.size_bytes, properties.sha256) == (slide.size_bytes, slide.sha256)
    assert (properties.objective_power, properties.objective_power_origin) == (None, None)
    assert properties.level_dims_px == ((900, 700), (450, 350), (225, 175))
    assert properties.level_downsamples == (1.0, 2.0, 4.0)
    assert (properties.mpp, properties.mpp_origin) == (0.25, "openslide.mpp")


def test_region_is_height_by_width_and_white_outside_the_slide(tmp_path):
    make_slide(tmp_path)
    with open_slide(tmp_path / "S1.tiff") as reader:
        region = reader.read_rgb(880, 0, level=0, width_px=40, height_px=30)
    assert region.shape == (30, 40, 3)
    assert (region[:, 20:] == 255).all()
    assert region[:, :20].mean() < 200


def test_overview_in_blocks_equals_overview_in_one_piece(tmp_path, monkeypatch):
    make_slide(tmp_path, rgb=tissue_picture(margin_px=150))
    with open_slide(tmp_path / "S1.tiff") as reader:
        whole = reader.overview(downsample=10.0)
        monkeypatch.setattr("shazam.slides.reader._BLOCK_PX", 300)
        pieces = reader.overview(downsample=10.0)
    assert whole.shape == (70, 90, 3)
    assert np.array_equal(whole, pieces)


def test_overview_of_a_slide_smaller_than_its_pixel_has_one_pixel(tmp_path):
    make_slide(tmp_path, rgb=tissue_picture(16, 16))
    with open_slide(tmp_path / "S1.tiff") as reader:
        assert reader.overview(downsample=100.0).shape == (1, 1, 3)


@pytest.mark.parametrize("content", [b"", b"not a slide", b"II*\x00" + b"\x00" * 60])
def test_what_is_no_slide_is_unreadable_and_the_message_names_no_folder(tmp_path, content):
    path = tmp_path / "bad.svs"
    path.write_bytes(content)
    with pytest.raises(UnreadableSlideError) as caught:
        open_slide(path)
    assert str(tmp_path) not in str(caught.value)


def test_an_overview_that_no_machine_can_hold_is_refused_before_it_is_read(tmp_path, monkeypatch):
    make_slide(tmp_path)
    monkeypatch.setattr("shazam.slides.reader.MAX_OVERVIEW_PIXELS", 450 * 350)
    with open_slide(tmp_path / "S1.tiff") as reader:
        assert reader.overview(downsample=2.0).shape == (350, 450, 3)
        with pytest.raises(ImageTooLargeError, match=r"900 x 700 .*tissue_um_per_px"):
            reader.overview(downsample=1.0)
