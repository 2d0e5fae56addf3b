import numpy as np
import pytest
from PIL import Image

from shazam.slides.tissue import is_brightfield, tissue_mask
from tests.real_data import shared_data
from tests.slides.made import EOSIN, tissue_picture

BLACK, WHITE = 8, 244


def field(colour: int | tuple[int, int, int], side_px: int = 60, *, noise: int = 3) -> np.ndarray:
    rng = np.random.default_rng(0)
    rgb = np.broadcast_to(np.asarray(colour), (side_px, side_px, 3))
    return np.clip(rgb + rng.integers(-noise, noise + 1, rgb.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("glass", [WHITE, 200, (246, 240, 246)])
def test_empty_glass_has_no_tissue(glass):
    assert not tissue_mask(field(glass)).any()


@pytest.mark.parametrize("noise", [10, 30, 60, 127])
def test_colour_noise_of_any_strength_is_no_tissue(noise):
    assert tissue_mask(field(128, 200, noise=noise)).mean() < 0.01


def test_tissue_is_found_under_strong_noise():
    rng = np.random.default_rng(0)
    clean = tissue_picture(160, 200, margin_px=40)
    mask = tissue_mask(np.clip(clean + rng.normal(0, 25, clean.shape), 0, 255).astype(np.uint8))
    assert mask[44:116, 44:156].mean() > 0.98
    assert mask.mean() < 0.32


def test_a_field_without_background_is_all_tissue():
    rng = np.random.default_rng(0)
    purple = (110, 70, 150)
    rgb = np.where(rng.random((60, 60, 1)) < 0.4, np.array(purple), np.array(EOSIN))
    assert tissue_mask(rgb.astype(np.uint8)).mean() > 0.99


def test_tissue_is_found_where_it_is():
    mask = tissue_mask(tissue_picture(80, 100, margin_px=20))
    expected = np.zeros((80, 100), bool)
    expected[20:60, 20:80] = True
    assert (mask == expected).mean() > 0.97


def test_faint_tissue_is_found():
    rgb = field(WHITE)
    rgb[20:40, 20:40] = (238, 218, 230)
    assert tissue_mask(rgb)[22:38, 22:38].all()


@pytest.mark.parametrize("colour", [(10, 10, 12), (40, 150, 110), (30, 90, 200), (215, 20, 25)])
def test_black_borders_and_pens_are_no_tissue(colour):
    rgb = field(WHITE)
    rgb[:, :25] = colour
    assert tissue_mask(rgb).mean() < 0.08


def test_dust_is_no_tissue():
    rgb = field(WHITE)
    rgb[10:13, 10:13] = rgb[40:42, 50:54] = EOSIN
    assert not tissue_mask(rgb).any()


def test_fluorescence_is_not_brightfield():
    rgb = field(BLACK)
    rgb[10:40, 10:40] = (50, 2, 3)
    assert not is_brightfield(rgb)
    assert not is_brightfield(field(BLACK))


def test_brightfield_with_a_black_border_is_brightfield():
    rgb = tissue_picture(80, 100, margin_px=20)
    rgb[:, :60] = BLACK
    assert is_brightfield(rgb)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("almost-white-1", 0.0, 0.0),
        ("no-tissue", 0.0, 0.01),
        ("no-tissue2", 0.0, 0.01),
        ("no-tissue-green-pen", 0.0, 0.02),
        ("no-tissue-red-pen", 0.0, 0.10),
        ("medium-nuclei-score-level2", 0.6, 0.9),
        ("tcga-lung-rgb", 0.6, 0.95),
        ("tcga-green-pen", 0.6, 0.9),
        ("wsi-blue-pen", 0.2, 0.4),
    ],
)
def test_tissue_of_real_pictures(name, lowest, highest):
    path = shared_data() / "tiles_misc" / "qc_histolab" / f"{name}.png"
    rgb = np.asarray(Image.open(path).convert("RGB"))
    assert lowest <= tissue_mask(rgb).mean() <= highest
