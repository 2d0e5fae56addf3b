"""Pictures of the slides on which some tiles are shown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from shazam.features.located_tiles import LocatedTile
from shazam.ids import resolve_inside
from shazam.manifests import Picture, QuarantineEntry
from shazam.slides import attempt
from shazam.slides.marked import Mark, keep_marked
from shazam.slides.records import SlideRecord
from shazam.workspace import Workspace

_STAGE = "explain"


def show_tiles(
    tiles: Mapping[int, LocatedTile],
    *,
    slide: SlideRecord,
    slides_dir: Path,
    workspace: Workspace,
) -> Picture | str:
    """Return a picture of a slide with tiles outlined and numbered, or why there is none.

    Args:
        tiles: of that slide, by the number they are given.
        slide: the slide as it was ingested.
        slides_dir: the slide folder.
        workspace: where the picture goes.
    """
    marks = []
    for number, tile in sorted(tiles.items()):
        if tile.corner_level0_px is None or tile.side_level0_px is None:
            return "nothing says where its tiles lie"
        marks.append(Mark(number, *tile.corner_level0_px, tile.side_level0_px))
    outcome = attempt(
        partial(
            keep_marked,
            resolve_inside(slides_dir, slide.path),
            slide=slide,
            marks=tuple(marks),
            workspace=workspace,
        ),
        slide_id=slide.slide_id,
        slide_sha256=slide.sha256,
        stage=_STAGE,
    )
    return outcome.message if isinstance(outcome, QuarantineEntry) else outcome
