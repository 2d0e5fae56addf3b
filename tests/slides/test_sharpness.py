import numpy as np
import pytest
from PIL import Image, ImageFilter

from shazam.demo.paint import paint_section
from shazam.slides.sharpness import sharpness


def test_a_checkerboard_by_hand():
    """The Laplacian of a board of 0 and 10 is 40 and -40 inside, so its variance is about 1600."""
    board = np.indices((100, 100)).sum(axis=0) % 2 * 10
    rgb = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    assert sharpness(rgb[1:-1, 1:-1]) == pytest.approx(1600, rel=0.04)


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_an_even_field_has_none(grey):
    assert sharpness(np.full((50, 50, 3), grey, np.uint8)) == 0.0


def test_noise_adds_twenty_times_its_variance():
    noise = np.random.default_rng(0).normal(128, 5, (300, 300, 1))
    rgb = np.repeat(np.rint(noise), 3, axis=2).astype(np.uint8)
    assert sharpness(rgb) == pytest.approx(20 * 25, rel=0.05)


def test_the_more_blurred_the_less_sharp():
    tile = Image.fromarray(paint_section((3, 1), risk=0.0, site=1)[224:448, 224:448])
    found = [
        sharpness(np.asarray(tile.filter(ImageFilter.GaussianBlur(radius))))
        for radius in (0, 1, 2, 4)
    ]
    assert found == sorted(found, reverse=True)
    assert found[0] > 100
    assert found[2] < 30
