"""Paint a section: stroma and nuclei in haematoxylin and eosin on white glass.

What the latent risk changes is the nuclei: how many, how large, how uneven, how dark. What the
site changes is the stain. Everything else varies at random from case to case and slide to slide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

FloatArray = npt.NDArray[np.float32]
RgbArray = npt.NDArray[np.uint8]

PAINT_MPP = 0.5
WIDTH_PX, HEIGHT_PX = 1000, 784

_STREAM_SITE = 3
_HAEMATOXYLIN = (0.60, 0.72, 0.32)
_EOSIN = (0.10, 0.82, 0.42)
_CORNERS = np.linspace(0, 2 * np.pi, 10, endpoint=False)


@dataclass(frozen=True, slots=True)
class Stain:
    """Optical density per unit of stain in R, G, B, ``[3]``; glass is its brightness, 0 to 1."""

    haematoxylin: FloatArray
    eosin: FloatArray
    glass: FloatArray


@dataclass(frozen=True, slots=True)
class Nuclei:
    """``per_tile`` nuclei on 112 micrometres square; radii in pixels; ``density`` is of stain."""

    per_tile: float
    radius_px: float
    unevenness: float
    density: float


def paint_section(seed: tuple[int, ...], *, risk: float, site: int) -> RgbArray:
    """Paint one section at 0.5 micrometres per pixel.

    Args:
        seed: fixes every pixel; its first number is the cohort's seed.
        risk: latent risk, a standard normal.
        site: number of the site, which stains in its own way.

    Returns:
        uint8 ``[HEIGHT_PX, WIDTH_PX, 3]``.
    """
    rng = np.random.default_rng(seed)
    stain = _stain(np.random.default_rng([seed[0], _STREAM_SITE, site]))
    inside = _outline(rng)
    haematoxylin = _paint_nuclei(rng, _nuclei(rng, risk=risk), inside)
    eosin = _stroma(rng) * inside * (1.0 - 0.5 * haematoxylin)
    haematoxylin = haematoxylin + 0.10 * inside
    density = haematoxylin[..., None] * stain.haematoxylin + eosin[..., None] * stain.eosin
    light = stain.glass * np.exp(-density) * 255.0
    light += 2.5 * rng.standard_normal((HEIGHT_PX, WIDTH_PX, 1), dtype=np.float32)
    return _as_rgb(light)


def paint_glass(seed: tuple[int, ...]) -> RgbArray:
    """Paint an empty slide: white glass with sensor noise, uint8 ``[HEIGHT_PX, WIDTH_PX, 3]``."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((HEIGHT_PX, WIDTH_PX, 1), dtype=np.float32)
    light = 243.0 + 2.5 * np.repeat(noise, 3, axis=2)
    return _as_rgb(light)


def _nuclei(rng: np.random.Generator, *, risk: float) -> Nuclei:
    own = rng.standard_normal(4)
    return Nuclei(
        per_tile=float(60 * np.exp(0.28 * risk + 0.10 * own[0])),
        radius_px=float(6.0 * np.exp(0.13 * risk + 0.04 * own[1])),
        unevenness=float(0.16 * np.exp(0.30 * risk + 0.15 * own[2])),
        density=float(1.05 * np.exp(0.10 * risk + 0.06 * own[3])),
    )


def _stain(rng: np.random.Generator) -> Stain:
    haematoxylin = np.array(_HAEMATOXYLIN) * np.exp(rng.normal(0, 0.08, 3) + rng.normal(0, 0.10))
    eosin = np.array(_EOSIN) * np.exp(rng.normal(0, 0.10, 3) + rng.normal(0, 0.12))
    glass = 0.955 + rng.normal(0, 0.008, 3)
    return Stain(
        haematoxylin=haematoxylin.astype(np.float32),
        eosin=eosin.astype(np.float32),
        glass=np.clip(glass, 0.92, 0.98).astype(np.float32),
    )


def _outline(rng: np.random.Generator) -> FloatArray:
    """Return where tissue is, 0 to 1 with a soft edge, ``[HEIGHT_PX, WIDTH_PX]``."""
    y, x = np.meshgrid(
        np.linspace(-1, 1, HEIGHT_PX, dtype=np.float32),
        np.linspace(-1, 1, WIDTH_PX, dtype=np.float32),
        indexing="ij",
    )
    distance = (np.abs(x) / 0.93) ** 4 + (np.abs(y) / 0.92) ** 4
    edge = 1.0 - distance + 0.10 * _noise(rng, 120, 120)
    return np.asarray(np.clip(edge * 25.0, 0.0, 1.0), np.float32)


def _stroma(rng: np.random.Generator) -> FloatArray:
    """Return the eosin of fibres and their bundles, ``[HEIGHT_PX, WIDTH_PX]``."""
    amount = float(np.exp(rng.normal(0, 0.12)))
    fibres = 0.10 * _noise(rng, 6, 34) + 0.06 * _noise(rng, 3, 9)
    field = 0.50 + 0.10 * _noise(rng, 90, 110) + fibres
    return np.asarray(np.clip(amount * field, 0.08, 1.5), np.float32)


def _paint_nuclei(rng: np.random.Generator, nuclei: Nuclei, inside: FloatArray) -> FloatArray:
    """Return haematoxylin, ``[HEIGHT_PX, WIDTH_PX]``: ellipses with soft edges and chromatin."""
    tile_px = 112 / PAINT_MPP
    n = rng.poisson(nuclei.per_tile * WIDTH_PX * HEIGHT_PX / tile_px**2 / 0.75)
    crowding = 0.75 + 0.35 * _noise(rng, 70, 70)
    x, y = rng.uniform(0, WIDTH_PX, n), rng.uniform(0, HEIGHT_PX, n)
    row, column = y.astype(int), x.astype(int)
    kept = rng.uniform(0, 1, n) < crowding[row, column] * (inside[row, column] > 0.5)
    centres = np.stack([x, y], axis=1)[kept]
    canvas = Image.new("L", (WIDTH_PX, HEIGHT_PX))
    draw = ImageDraw.Draw(canvas)
    ink = np.clip(150 * np.exp(0.15 * rng.standard_normal(len(centres))), 60, 255).astype(int)
    for corners, value in zip(_ellipses(rng, nuclei, centres), ink, strict=True):
        draw.polygon(corners.ravel().tolist(), fill=int(value))
    soft = np.asarray(canvas.filter(ImageFilter.GaussianBlur(0.9)), np.float32) / 150.0
    chromatin = 1.0 + (0.10 + 0.6 * nuclei.unevenness) * _noise(rng, 3, 3)
    return np.asarray(np.clip(nuclei.density * soft * chromatin, 0.0, 3.0), np.float32)


def _ellipses(
    rng: np.random.Generator, nuclei: Nuclei, centres: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the corners of rotated ellipses, ``[n, corners, 2]`` (x, y)."""
    n = len(centres)
    radius = nuclei.radius_px * np.exp(nuclei.unevenness * rng.standard_normal(n))
    stretch = np.exp(np.abs(rng.normal(0, 0.08 + nuclei.unevenness, n)) / 2)
    angle = rng.uniform(0, np.pi, n)[:, None]
    along = (radius * stretch)[:, None] * np.cos(_CORNERS)
    across = (radius / stretch)[:, None] * np.sin(_CORNERS)
    x = along * np.cos(angle) - across * np.sin(angle)
    y = along * np.sin(angle) + across * np.cos(angle)
    return np.stack([x, y], axis=2) + centres[:, None, :]


def _noise(rng: np.random.Generator, cell_height_px: int, cell_width_px: int) -> FloatArray:
    """Return smooth noise of about unit variance at its cells, ``[HEIGHT_PX, WIDTH_PX]``."""
    shape = (HEIGHT_PX // cell_height_px + 2, WIDTH_PX // cell_width_px + 2)
    coarse = Image.fromarray(rng.standard_normal(shape, dtype=np.float32))
    smooth = coarse.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BICUBIC)
    return np.asarray(smooth, np.float32)


def _as_rgb(light: FloatArray) -> RgbArray:
    rgb: RgbArray = np.clip(light, 0, 255).astype(np.uint8)
    return rgb
