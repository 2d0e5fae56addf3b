"""Slides: open, physical resolution, tissue, tile grid, validation and quarantine."""

from shazam.slides.grid import TileGrid, TileSpec, tile_grid
from shazam.slides.quarantine import attempt, check_fraction
from shazam.slides.reader import SlideReader, open_slide, read_properties
from shazam.slides.resolution import SlideProperties
from shazam.slides.tile_pixels import read_tile
from shazam.slides.tiles import TilesKey, read_grid, read_tiles, tile_slide, tile_slides
from shazam.slides.tissue import Ground, find_ground, is_brightfield, tissue_mask
from shazam.slides.validate import validate_slide, validate_slides

__all__ = [
    "Ground",
    "SlideProperties",
    "SlideReader",
    "TileGrid",
    "TileSpec",
    "TilesKey",
    "attempt",
    "check_fraction",
    "find_ground",
    "is_brightfield",
    "open_slide",
    "read_grid",
    "read_properties",
    "read_tile",
    "read_tiles",
    "tile_grid",
    "tile_slide",
    "tile_slides",
    "tissue_mask",
    "validate_slide",
    "validate_slides",
]
