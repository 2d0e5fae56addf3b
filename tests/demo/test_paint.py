import numpy as np
import pytest

from shazam.demo.paint import HEIGHT_PX, WIDTH_PX, paint_glass, paint_section
from shazam.slides.tissue import tissue_mask


def darkness(rgb: np.ndarray) -> float:
    """The fraction of pixels with haematoxylin: red is what it takes."""
    return float((rgb[..., 0] < 150).mean())


def test_one_seed_gives_one_picture():
    first, second = (paint_section((0, 1), risk=0.3, site=2) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.shape == (HEIGHT_PX, WIDTH_PX, 3)
    assert not np.array_equal(first, paint_section((0, 2), risk=0.3, site=2))


def test_risk_shows_in_the_nuclei():
    low, high = (
        np.mean([darkness(paint_section((0, i), risk=risk, site=i)) for i in range(3)])
        for risk in (-1.5, 1.5)
    )
    assert high > 2 * low


def test_sites_stain_in_their_own_way():
    pictures = [paint_section((0, 1), risk=0.0, site=site) for site in (0, 1)]
    inner = slice(200, 600)
    means = [picture[inner, inner].mean(axis=(0, 1)) for picture in pictures]
    assert np.abs(means[0] - means[1]).max() > 4


@pytest.mark.parametrize("seed", [(0, 9), (4, 9)])
def test_sections_hold_tissue_and_glass_none(seed):
    section, glass = (
        picture[::16, ::16]
        for picture in (paint_section(seed, risk=0.0, site=0), paint_glass(seed))
    )
    assert 0.6 < tissue_mask(section).mean() < 0.97
    assert not tissue_mask(glass).any()
