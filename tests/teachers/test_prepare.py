"""Each teacher sees a tile as torchvision's own transforms would give it, to 0.001 grey levels."""

import numpy as np
import pytest
import torch
from torchvision.transforms import InterpolationMode, v2

from shazam.teachers.catalogue import shipped_catalogue
from shazam.teachers.entry import Interpolation
from shazam.teachers.prepare import Preparation

ENTRIES = {n: e.transform for n, e in shipped_catalogue().entries.items() if e.transform}
MODES = {
    Interpolation.BICUBIC: InterpolationMode.BICUBIC,
    Interpolation.BILINEAR: InterpolationMode.BILINEAR,
}
CPU = torch.device("cpu")


def picture(height_px: int, width_px: int) -> np.ndarray:
    """Return a tile of waves and noise in bytes."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:height_px, :width_px][..., None]
    waves = 127 + 80 * np.sin(x / 9.0 + np.arange(3)) * np.cos(y / 13.0)
    return np.clip(waves + rng.normal(0, 20, waves.shape), 0, 255).astype(np.uint8)


def torchvisions(tile: np.ndarray, transform) -> torch.Tensor:
    return v2.Compose(
        [
            v2.Resize(
                transform.resize_px, interpolation=MODES[transform.interpolation], antialias=True
            ),
            v2.CenterCrop(transform.input_px),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(mean=transform.mean, std=transform.std),
        ]
    )(torch.from_numpy(tile).permute(2, 0, 1))


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("shape", [(224, 224), (256, 256), (300, 300), (96, 96), (230, 301)])
def test_a_tile_is_what_torchvision_makes_of_it(name, shape):
    transform = ENTRIES[name]
    tile = picture(*shape)
    found = Preparation(transform, device=CPU)(tile[None])[0]
    expected = torchvisions(tile, transform)
    assert found.shape == expected.shape == (3, transform.input_px, transform.input_px)
    grey = (found - expected).abs() * torch.tensor(transform.std).view(3, 1, 1) * 255.0
    assert grey.max() < 1e-3


def test_normalisation_by_hand():
    transform = ENTRIES["hoptimus0"]
    white = Preparation(transform, device=CPU)(np.full((1, 224, 224, 3), 255, np.uint8))
    expected = [(1 - m) / s for m, s in zip(transform.mean, transform.std, strict=True)]
    assert white[0, :, 0, 0].tolist() == pytest.approx(expected, rel=1e-5)


def test_gigapath_sees_the_centre_of_a_larger_picture():
    transform = ENTRIES["gigapath"]
    tile = np.zeros((1, 256, 256, 3), np.uint8)
    tile[:, 16:240, 16:240] = 255
    seen = Preparation(transform, device=CPU)(tile)
    assert torch.equal(seen, seen[:, :, :1, :1].expand_as(seen))
    tile[:, 16, 16] = 0
    assert not torch.equal(Preparation(transform, device=CPU)(tile), seen)
