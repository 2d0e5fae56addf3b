"""Levels: pictures of one shape; others in the same file are none."""

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from shazam.slides.levels import levels_of_one_shape
from shazam.slides.reader import open_slide
from tests.slides.made import tissue_picture


@given(
    st.integers(1, 300_000),
    st.integers(1, 300_000),
    st.lists(st.sampled_from([2, 3.98, 4.0001, 8, 16, 32, 64]), max_size=6),
)
def test_a_pyramid_is_kept_whole_however_it_is_rounded(width, height, factors):
    dims = [(width, height)]
    dims += [(max(1, int(width / f)), max(1, int(height / f))) for f in factors]
    assert levels_of_one_shape(dims) == tuple(range(len(dims)))


@pytest.mark.parametrize("other", [(300, 900), (900, 300), (500, 500)])
def test_a_picture_of_another_shape_is_left_out(other):
    assert levels_of_one_shape([(9000, 7000), other, (2250, 1750)]) == (0, 2)


def test_a_picture_of_the_glass_among_the_levels_is_not_read(tmp_path):
    rgb = tissue_picture(704, 896)
    pictures = [rgb, np.zeros((256, 768, 3), np.uint8), rgb[::4, ::4]]
    with tifffile.TiffWriter(tmp_path / "S1.tiff") as writer:
        for number, picture in enumerate(pictures):
            writer.write(
                np.ascontiguousarray(picture),
                photometric="rgb",
                tile=(256, 256),
                compression="jpeg",
                subfiletype=int(number > 0),
                resolution=(20_000, 20_000),
                resolutionunit="CENTIMETER",
            )
    with open_slide(tmp_path / "S1.tiff") as reader:
        assert reader.level_dims_px == ((896, 704), (224, 176))
        reader.probe()
        overview = reader.overview(downsample=4.0)
        assert overview.reshape(-1, 3).mean(axis=0) == pytest.approx((214, 120, 170), abs=6)
