"""One look over a slide: overview, tissue and tile grid."""

from __future__ import annotations

from dataclasses import dataclass

from shazam.config.tiling import TilingConfig
from shazam.errors import NotBrightfieldError, NoTissueError
from shazam.meaning import meaning_within
from shazam.slides.grid import TileGrid, choose_spec, tile_grid
from shazam.slides.reader import SlideReader
from shazam.slides.tissue import BoolArray, find_ground, is_brightfield

SURVEY_METHOD = "chroma-2"


@dataclass(frozen=True, slots=True)
class Survey:
    """The grid and the fraction of the whole slide that is tissue, 0 to 1.

    ``pen`` is where ink lies, bool ``[height, width]``; one of its pixels spans ``downsample``
    level-0 pixels.
    """

    grid: TileGrid
    tissue_fraction: float
    pen: BoolArray
    downsample: float


def survey_method() -> str:
    """Return what stands in every key that depends on what a look finds: the code that looks."""
    return f"{SURVEY_METHOD}.{meaning_within('shazam/slides', 'shazam/slides/survey.py')}"


def survey(reader: SlideReader, *, mpp: float, config: TilingConfig) -> Survey:
    """Find the tissue of a slide and lay its tile grid.

    Args:
        reader: the open slide.
        mpp: micrometres per pixel at level 0.
        config: size of tiles and limits.

    Raises:
        TooCoarseError: tiles would have to be enlarged too much.
        NotBrightfieldError: the slide is dark where a stained section is white.
        NoTissueError: no tile holds enough tissue.
        UnreadableSlideError: the overview cannot be decoded.
    """
    spec = choose_spec(mpp=mpp, level_downsamples=reader.level_downsamples, config=config)
    downsample = max(1.0, config.tissue_um_per_px / mpp)
    overview = reader.overview(downsample=downsample)
    if not is_brightfield(overview):
        raise NotBrightfieldError(
            "most of what is lit is dark, as in fluorescence; only stained brightfield sections "
            "can be used"
        )
    ground = find_ground(overview, um_per_px=downsample * mpp)
    grid = tile_grid(
        ground.tissue,
        spec=spec,
        dims_px=reader.dims_px,
        mask_downsample=downsample,
        min_tissue_fraction=config.min_tissue_fraction,
    )
    if grid.n_tiles == 0:
        raise NoTissueError(
            f"no tile of {config.tile_um:g} micrometres holds {config.min_tissue_fraction:.0%} "
            f"tissue ({ground.tissue.mean():.1%} of the slide is tissue)"
        )
    return Survey(
        grid=grid,
        tissue_fraction=float(ground.tissue.mean()),
        pen=ground.pen,
        downsample=downsample,
    )
