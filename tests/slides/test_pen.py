"""Ink is found from its core; what only looks like thin ink is left alone."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from shazam.slides.tissue import find_ground
from tests.slides.made import EOSIN

GLASS = 244
PURPLE = (150, 90, 160)
STROKE = (slice(30, 130), slice(95, 115))
TISSUE = (slice(20, 140), slice(20, 80))


def section(colours, *, part=TISSUE, glass=(GLASS,) * 3, seed=0):
    """Glass with tissue of two mixed colours, before noise, float [160, 160, 3]."""
    picture = np.broadcast_to(np.array(glass, float), (160, 160, 3)).copy()
    shape = picture[part].shape[:2]
    second = np.random.default_rng(seed).random((*shape, 1)) < 0.4
    picture[part] = np.where(second, colours[1], colours[0])
    return picture


def with_ink(picture, colour, *, part=STROKE):
    """Ink lets through its colour's share of the light, and its edge is soft."""
    amount = np.zeros(picture.shape[:2])
    amount[part] = 1.0
    amount = gaussian_filter(amount, 1.5)[..., None]
    return picture * (1 - amount + amount * np.array(colour) / GLASS)


def scanned(picture, *, seed=1):
    noise = np.random.default_rng(seed).normal(0, 3, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def inner(part, margin_px=4):
    return tuple(slice(side.start + margin_px, side.stop - margin_px) for side in part)


INKS = {
    "red": (215, 20, 25),
    "dark red": (185, 15, 20),
    "light red": (225, 45, 55),
    "blue": (30, 90, 200),
    "navy": (25, 35, 130),
    "light blue": (140, 190, 235),
    "green": (40, 150, 110),
    "dark green": (15, 90, 50),
    "black": (25, 25, 28),
}


@pytest.mark.parametrize("colour", INKS.values(), ids=INKS)
def test_a_stroke_on_glass_is_pen_and_the_tissue_beside_it_stays_tissue(colour):
    ground = find_ground(scanned(with_ink(section((EOSIN, PURPLE)), colour)))
    assert ground.pen[STROKE].mean() > 0.98
    assert not ground.tissue[STROKE].any()
    assert ground.tissue[inner(TISSUE)].mean() > 0.99
    assert ground.pen[inner(TISSUE)].mean() < 0.01


@pytest.mark.parametrize("ink", ["red", "blue", "green", "dark green", "black"])
def test_a_stroke_over_tissue_is_pen(ink):
    over = (slice(40, 120), slice(40, 60))
    ground = find_ground(scanned(with_ink(section((EOSIN, PURPLE)), INKS[ink], part=over)))
    assert ground.pen[over].mean() > 0.85
    assert ground.tissue[24:136, 24:36].all()


@pytest.mark.parametrize("ink", ["red", "green", "black"])
def test_a_stroke_that_leaves_the_glass_for_the_tissue_does_not_take_the_tissue_along(ink):
    crossing = (slice(70, 90), slice(50, 130))
    ground = find_ground(scanned(with_ink(section((EOSIN, PURPLE)), INKS[ink], part=crossing)))
    assert ground.pen[crossing].mean() > 0.9
    assert ground.tissue[24:64, 24:76].mean() > 0.99


STAINS = {
    "blood": ((170, 30, 40), (150, 32, 33)),
    "bright blood": ((212, 54, 71), (200, 80, 70)),
    "dark blood": ((120, 10, 15), (140, 20, 25)),
    "eosin": ((200, 60, 120), (190, 50, 110)),
    "folded eosin": ((130, 20, 60), (150, 30, 70)),
    "dark haematoxylin": ((80, 50, 120), (45, 28, 75)),
    "brown": ((150, 110, 80), (60, 35, 20)),
    "brown and blue": ((170, 180, 210), (110, 70, 45)),
    "blue counterstain": ((170, 180, 210), (130, 140, 185)),
    "faint blue counterstain": ((215, 222, 236), (190, 200, 222)),
}


@pytest.mark.parametrize("colours", STAINS.values(), ids=STAINS)
def test_stains_and_blood_are_tissue_and_no_pen(colours):
    ground = find_ground(scanned(section(colours)))
    assert not ground.pen.any()
    assert ground.tissue[inner(TISSUE)].mean() > 0.99
    assert ground.tissue.mean() < 0.31


@pytest.mark.parametrize("ink", ["red", "blue", "navy", "green", "black"])
@pytest.mark.parametrize("stain", [name for name in STAINS if "blood" not in name])
def test_ink_that_reaches_over_any_stain_does_not_spread_into_it(stain, ink):
    """Blood is left out: where red ink touches it, nothing tells where one ends."""
    crossing = (slice(70, 90), slice(50, 130))
    ground = find_ground(scanned(with_ink(section(STAINS[stain]), INKS[ink], part=crossing)))
    assert ground.tissue[24:64, 24:76].mean() > 0.98


@pytest.mark.parametrize("colours", [((110, 60, 90), (90, 45, 75)), ((100, 50, 70), (80, 35, 60))])
@pytest.mark.parametrize("harm", ["black fold", "red pen"])
def test_a_darkly_stained_section_is_not_lost_to_what_is_black_in_it(colours, harm):
    picture = section(colours)
    if harm == "black fold":
        picture[60:72, 40:52] = (20, 10, 18)
    else:
        picture = with_ink(picture, INKS["red"], part=(slice(70, 90), slice(60, 120)))
    assert find_ground(scanned(picture)).tissue[24:56, 24:76].mean() > 0.98


def test_red_over_black_ink_is_pen():
    black, red = (slice(40, 80), slice(95, 135)), (slice(60, 110), slice(105, 125))
    picture = with_ink(section((EOSIN, PURPLE)), (70, 60, 65), part=black)
    ground = find_ground(scanned(with_ink(picture, INKS["red"], part=red)))
    assert ground.pen[64:76, 109:121].all()
    assert not ground.tissue[84:106, 95:].any()


def test_single_nuclei_of_the_colour_of_ink_are_no_pen():
    picture = section((EOSIN, EOSIN))
    picture[30:130:10, 30:70:10] = picture[31:131:10, 30:70:10] = (30, 90, 200)
    assert not find_ground(scanned(picture)).pen.any()


def test_pen_and_tissue_never_overlap():
    picture = with_ink(section((EOSIN, PURPLE)), INKS["red"], part=(slice(60, 100), slice(60, 100)))
    ground = find_ground(scanned(picture))
    assert ground.pen.any()
    assert not (ground.pen & ground.tissue).any()


@pytest.mark.parametrize("um_per_px", [2.0, 4.0, 16.0])
def test_areas_are_physical_at_any_resolution_of_the_overview(um_per_px):
    """A speck of 24 micrometres is dust and a square of 96 is tissue, whatever a pixel spans."""
    side = lambda um: max(1, round(um / um_per_px))  # noqa: E731
    picture = np.full((side(800), side(800), 3), float(GLASS))
    picture[side(160) : side(184), side(160) : side(184)] = EOSIN
    picture[side(400) : side(496), side(400) : side(496)] = EOSIN
    tissue = find_ground(scanned(picture), um_per_px=um_per_px).tissue
    assert not tissue[: side(320)].any()
    assert tissue[side(448), side(448)]
