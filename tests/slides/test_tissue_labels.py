"""Agreement with tiles that were labelled by eye (1,270 sure ones and 212 with pen, 6 slides)."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from tests.slides.labelled import LABELS, agreement, labels_of

MIN_AGREEMENT = 0.98
MIN_PEN_OUT = 0.97


def test_the_labels_are_rows_of_one_width_with_at_least_forty_sure_tiles():
    assert len(LABELS) == 6
    for name in LABELS:
        rows = labels_of(name)["rows"]
        assert len({len(row) for row in rows}) == 1
        assert set("".join(rows)) <= set("T.P?")
        assert sum(letter != "?" for row in rows for letter in row) >= 40


@pytest.mark.integration
@pytest.mark.parametrize("name", sorted(LABELS))
def test_tiles_are_kept_where_the_eye_sees_tissue(name):
    found = agreement(name)
    assert found.n_agreed >= MIN_AGREEMENT * found.n
    assert found.n_pen_out >= MIN_PEN_OUT * found.n_pen


@pytest.mark.integration
def test_over_all_slides_agreement_is_nearly_complete():
    found = [agreement(name) for name in LABELS]
    assert (sum(one.n for one in found), sum(one.n_pen for one in found)) == (1270, 212)
    assert sum(one.n_agreed for one in found) >= 0.995 * 1270
    assert sum(one.n_pen_out for one in found) >= 0.99 * 212


def as_jpeg(rgb: np.ndarray, *, quality: int) -> np.ndarray:
    content = io.BytesIO()
    Image.fromarray(rgb).save(content, "JPEG", quality=quality)
    with Image.open(content) as image:
        return np.asarray(image.convert("RGB"))


def scaled(rgb: np.ndarray, factors: tuple[float, float, float]) -> np.ndarray:
    return np.clip(rgb * np.array(factors), 0, 255).astype(np.uint8)


def noisy(rgb: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 6, rgb.shape)
    return np.clip(rgb + noise, 0, 255).astype(np.uint8)


SCANS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "poor JPEG": lambda rgb: as_jpeg(rgb, quality=30),
    "yellowish": lambda rgb: scaled(rgb, (1.0, 0.97, 0.91)),
    "greyish": lambda rgb: scaled(rgb, (0.84, 0.84, 0.83)),
    "bluish": lambda rgb: scaled(rgb, (0.94, 0.97, 1.0)),
    "darker stain": lambda rgb: (255 * (rgb / 255) ** 1.2).astype(np.uint8),
    "paler stain": lambda rgb: (255 * (rgb / 255) ** 0.8).astype(np.uint8),
    "noisy": noisy,
}


@pytest.mark.integration
@pytest.mark.parametrize("change", SCANS.values(), ids=SCANS)
def test_another_scanner_would_give_nearly_the_same_tiles(change):
    found = [agreement(name, change=change) for name in LABELS]
    assert sum(one.n_agreed for one in found) >= 0.99 * 1270
    assert sum(one.n_pen_out for one in found) >= 0.95 * 212
