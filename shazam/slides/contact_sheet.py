"""One picture of a whole cohort: every slide with its tiles, and every slide set aside.

The sheet has a bounded size whatever the cohort's: cells shrink as slides become many, from 256
to 48 pixels. Beyond what the smallest cells hold (about 9,000 slides) the first ones by id are
shown, those set aside before all others, and the heading says how many of how many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from shazam.config.tiling import TilingConfig
from shazam.digest import digest_of
from shazam.manifests import Picture, QuarantineEntry, TiledSlide, ValidatedSlide
from shazam.publish import sealed_digest
from shazam.slides.grid import TileGrid
from shazam.slides.overlay import overlay
from shazam.slides.picture import publish_jpeg, slide_picture
from shazam.slides.reader import open_slide
from shazam.slides.records import check_content, check_unchanged
from shazam.workspace import Workspace

# part of the name of thumbnails and of the key of sheets; raise it when their look changes
_LOOK = "1"
_THUMBNAIL_PX = 256
_CELLS_PX = (256, 192, 128, 96, 64, 48)
_MAX_PIXELS = 1 << 25
_GAP_PX = 6
_HEADING_PX = 34
_INK = (40, 40, 40)
_SET_ASIDE_INK = (170, 20, 20)
_SET_ASIDE_FILL = (252, 236, 236)
_FRAME = (205, 205, 205)


@dataclass(frozen=True, slots=True)
class Cell:
    """One slide of the sheet: its thumbnail, or the reason why it was set aside."""

    slide_id: str
    thumbnail_sha256: str | None
    reason: str | None


def keep_thumbnail(
    path: Path, grid_file: Path, *, slide: ValidatedSlide, grid: TileGrid, config: TilingConfig
) -> str:
    """Publish the thumbnail of a slide beside its grid file, or take the sound one that is there.

    Args:
        path: the slide's file.
        grid_file: the published grid; the thumbnail has its name with another suffix.
        slide: the slide as validated.
        grid: its tiles.
        config: how fine the overview is in which tissue was sought.

    Returns:
        SHA-256 of the thumbnail.

    Raises:
        SlideError: the slide changed or cannot be decoded.
    """
    target = thumbnail_of(grid_file)
    sha256 = sealed_digest(target)
    if sha256 is not None:
        return sha256
    check_unchanged(path, size_bytes=slide.size_bytes)
    with open_slide(path) as reader:
        rgb, downsample = slide_picture(
            reader,
            longest_px=_THUMBNAIL_PX,
            overview_downsample=max(1.0, config.tissue_um_per_px / slide.mpp),
        )
    check_content(path, sha256=slide.sha256)
    drawn = Image.fromarray(overlay(rgb, mask=None, grid=grid, downsample=downsample))
    return publish_jpeg(target, drawn)


def thumbnail_of(grid_file: Path) -> Path:
    """Return where the thumbnail of a grid file lies."""
    return grid_file.with_suffix(f".{_LOOK}.jpg")


def publish_contact_sheet(
    slides: Sequence[TiledSlide], *, quarantine: Sequence[QuarantineEntry], workspace: Workspace
) -> Picture:
    """Publish the sheet of a cohort as ``contact_sheets/<key>.jpg``, or take the sound one.

    Args:
        slides: the tiled slides; each has its thumbnail.
        quarantine: the slides that were set aside.
        workspace: where thumbnails lie and the sheet goes.
    """
    thumbnails = {s.slide.slide_id: thumbnail_of(workspace.path(s.uri)) for s in slides}
    cells = [Cell(slide_id, sealed_digest(path), None) for slide_id, path in thumbnails.items()]
    cells += [Cell(entry.slide_id, None, entry.reason) for entry in quarantine]
    # the set aside first, because they are what a reader must look at
    cells.sort(key=lambda cell: (cell.reason is None, cell.slide_id))
    target = workspace.root / "contact_sheets" / f"{digest_of([_LOOK, *map(_plain, cells)])}.jpg"
    sha256 = sealed_digest(target)
    if sha256 is None:
        sha256 = publish_jpeg(target, compose(cells, thumbnails=thumbnails))
    return Picture(uri=workspace.uri(target), sha256=sha256)


def compose(cells: Sequence[Cell], *, thumbnails: dict[str, Path]) -> Image.Image:
    """Return the sheet.

    Args:
        cells: the slides in their order.
        thumbnails: the picture of each slide that was tiled.
    """
    cell_px, n_columns, n_shown = _layout(len(cells))
    caption_px = _caption_px(cell_px)
    n_rows = max(1, -(-n_shown // n_columns))
    width_px = max(_GAP_PX + n_columns * (cell_px + _GAP_PX), 420)
    height_px = _HEADING_PX + n_rows * (cell_px + caption_px + _GAP_PX)
    sheet = Image.new("RGB", (width_px, height_px), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((_GAP_PX, 9), _heading(cells, n_shown), fill=_INK, font=_font(15))
    for number, cell in enumerate(cells[:n_shown]):
        row, column = divmod(number, n_columns)
        x = _GAP_PX + column * (cell_px + _GAP_PX)
        y = _HEADING_PX + row * (cell_px + caption_px + _GAP_PX)
        picture = thumbnails.get(cell.slide_id)
        if cell.reason is None and picture is not None:
            _paste(sheet, picture, x=x, y=y, cell_px=cell_px)
        else:
            box = (x, y, x + cell_px - 1, y + cell_px - 1)
            draw.rectangle(box, fill=_SET_ASIDE_FILL, outline=_SET_ASIDE_INK)
            reason = "\n".join((cell.reason or "no picture").split("_"))
            size = max(8, cell_px // 10)
            spot = x + cell_px / 2, y + cell_px / 2
            draw.text(
                spot, reason, fill=_SET_ASIDE_INK, font=_font(size), anchor="mm", align="center"
            )
        ink = _INK if cell.reason is None else _SET_ASIDE_INK
        _caption(draw, cell.slide_id, x=x, y=y + cell_px, cell_px=cell_px, ink=ink)
    return sheet


def _layout(n_cells: int) -> tuple[int, int, int]:
    """Return the side of a cell, the number of columns and how many cells are shown."""
    for cell_px in _CELLS_PX:
        area = (cell_px + _GAP_PX) * (cell_px + _caption_px(cell_px) + _GAP_PX)
        if n_cells * area <= _MAX_PIXELS and (n_cells <= 200 or cell_px < _CELLS_PX[0]):
            break
    n_shown = min(n_cells, _MAX_PIXELS // area)
    side_ratio = (cell_px + _caption_px(cell_px) + _GAP_PX) / (cell_px + _GAP_PX)
    n_columns = max(1, round((1.4 * n_shown * side_ratio) ** 0.5))
    return cell_px, n_columns, n_shown


def _caption_px(cell_px: int) -> int:
    return max(12, cell_px // 10)


def _heading(cells: Sequence[Cell], n_shown: int) -> str:
    n_aside = sum(cell.reason is not None for cell in cells)
    shown = "" if n_shown == len(cells) else f"; only the first {n_shown} are shown"
    return f"{len(cells)} slides, {n_aside} set aside (red){shown}"


def _paste(sheet: Image.Image, picture: Path, *, x: int, y: int, cell_px: int) -> None:
    with Image.open(picture) as opened:
        thumbnail = opened.convert("RGB")
    thumbnail.thumbnail((cell_px - 2, cell_px - 2), Image.Resampling.BOX)
    ImageDraw.Draw(sheet).rectangle((x, y, x + cell_px - 1, y + cell_px - 1), outline=_FRAME)
    width_px, height_px = thumbnail.size
    sheet.paste(thumbnail, (x + (cell_px - width_px) // 2, y + (cell_px - height_px) // 2))


def _caption(
    draw: ImageDraw.ImageDraw,
    slide_id: str,
    *,
    x: int,
    y: int,
    cell_px: int,
    ink: tuple[int, int, int],
) -> None:
    """Write the id below a cell, in a size that fits; a long one is cut in its middle."""
    font = _font(max(8, _caption_px(cell_px) - 6))
    text, n_kept = slide_id, len(slide_id)
    while n_kept > 0 and (length := draw.textlength(text, font)) > cell_px:
        n_kept = min(n_kept - 1, int(n_kept * cell_px / length))
        n_end = n_kept // 2
        end = slide_id[len(slide_id) - n_end :]
        text = f"{slide_id[: n_kept - n_end]}\N{HORIZONTAL ELLIPSIS}{end}"
    draw.text((x, y + 1), text, fill=ink, font=font)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _plain(cell: Cell) -> list[str | None]:
    return [cell.slide_id, cell.thumbnail_sha256, cell.reason]
