"""The section on tiles."""

from __future__ import annotations

from pydantic import Field

from shazam.config.section import Fraction, Section


class TilingConfig(Section):
    """Tiles have a physical size, so 20x and 40x slides give the same field of view.

    ``max_pen_fraction`` and ``min_sharpness`` drop tiles with ink or out of focus; both are off
    unless a number is given.
    """

    tile_um: float = Field(default=112.0, gt=0, le=2000)
    tile_px: int = Field(default=224, ge=32, le=2048)
    min_tissue_fraction: Fraction = 0.5
    tissue_um_per_px: float = Field(default=8.0, gt=0, le=64)
    max_upsampling: float = Field(default=1.1, ge=1.0, le=4.0)
    assume_mpp: float | None = Field(default=None, ge=0.05, le=5.0)
    max_pen_fraction: Fraction | None = None
    min_sharpness: float | None = Field(default=None, gt=0, le=1e6)
