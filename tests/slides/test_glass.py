"""The same section on glass of another colour is the same section."""

import numpy as np
import pytest

from shazam.slides.glass import relative_to_glass
from shazam.slides.tissue import find_ground
from tests.slides.made import EOSIN
from tests.slides.test_pen import GLASS, PURPLE, TISSUE, inner, scanned, section, with_ink

CASTS = {
    "white": (255, 255, 255),
    "usual": (244, 244, 244),
    "yellowish": (245, 240, 222),
    "yellow": (240, 232, 205),
    "grey": (200, 200, 198),
    "dark grey": (165, 165, 165),
    "bluish": (225, 235, 248),
    "pinkish": (246, 240, 246),
    "greenish": (232, 244, 236),
}
FAINT = (238, 218, 230)


def seen_through(colour, glass):
    return tuple(np.array(colour) / GLASS * np.array(glass))


@pytest.mark.parametrize("glass", CASTS.values(), ids=CASTS)
def test_an_empty_slide_of_any_cast_is_empty(glass):
    ground = find_ground(scanned(np.broadcast_to(np.array(glass, float), (120, 120, 3))))
    assert not ground.tissue.any()
    assert not ground.pen.any()


@pytest.mark.parametrize("glass", CASTS.values(), ids=CASTS)
@pytest.mark.parametrize("colours", [(EOSIN, PURPLE), (FAINT, FAINT)], ids=["stained", "faint"])
def test_tissue_is_found_under_any_cast(colours, glass):
    seen = [seen_through(colour, glass) for colour in colours]
    ground = find_ground(scanned(section(seen, glass=glass)))
    assert ground.tissue[inner(TISSUE)].mean() > 0.99
    assert ground.tissue.mean() < 0.31
    assert not ground.pen.any()


@pytest.mark.parametrize("glass", CASTS.values(), ids=CASTS)
def test_red_pen_is_found_under_any_cast(glass):
    seen = [seen_through(colour, glass) for colour in (EOSIN, PURPLE)]
    picture = with_ink(section(seen, glass=glass), (215, 20, 25))
    ground = find_ground(scanned(picture))
    assert ground.pen[34:126, 98:112].all()


@pytest.mark.parametrize("glass", CASTS.values(), ids=CASTS)
def test_a_field_without_glass_is_all_tissue_under_any_cast(glass):
    everywhere = (slice(0, 160), slice(0, 160))
    seen = [seen_through(colour, glass) for colour in (EOSIN, PURPLE)]
    assert find_ground(scanned(section(seen, part=everywhere))).tissue.mean() > 0.99


def test_what_the_scanner_left_white_is_not_taken_for_the_glass():
    picture = scanned(np.broadcast_to(np.array(CASTS["yellow"], float), (120, 120, 3)))
    picture[:, :50] = 255
    assert not find_ground(picture).tissue.any()


def test_faint_tissue_everywhere_is_not_taken_for_glass():
    everywhere = (slice(0, 160), slice(0, 160))
    assert find_ground(scanned(section((FAINT, FAINT), part=everywhere))).tissue.mean() > 0.99


def test_light_is_a_fraction_of_the_glass():
    rgb = np.full((3, 40, 40), 0.9, np.float32)
    rgb[:, :10] = 0.45
    light = relative_to_glass(rgb)
    assert np.allclose(light[:, :10], 0.5)
    assert np.allclose(light[:, 10:], 1.0)
