"""Pictures of slides with the tiles that weigh most: kept in a run's folder, shown in its page."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shazam.digest import digest_of_file
from shazam.errors import ArtifactError
from shazam.evaluation.drawing import Picture
from shazam.explanations import AttendedCase, AttendedTile, Explanations
from shazam.publish import publish_link
from shazam.workspace import Workspace

FOLDER = "attention"
_PIXELS = re.compile(r' src="data:image/jpeg;base64,[^"]*"')
Pixels = Mapping[str, bytes]
"""Bytes of pictures by their SHA-256."""


@dataclass(frozen=True, slots=True)
class ShownSlide:
    """One slide of a case with the tiles that lie on it; without a picture, ``why_not``."""

    slide_id: str
    tiles: tuple[AttendedTile, ...]
    picture: Picture | None
    why_not: str | None


@dataclass(frozen=True, slots=True)
class ShownCase:
    """A case as the page shows it."""

    case: AttendedCase
    slides: tuple[ShownSlide, ...]


def link_pictures(found: Explanations, *, folder: Path, workspace: Workspace) -> None:
    """Put the pictures of a run into its folder, named by their digests.

    Raises:
        ArtifactError: a picture is missing or altered.
    """
    for picture in found.pictures():
        source = workspace.open(picture.uri, picture.sha256)
        publish_link(_in_folder(folder, picture.sha256), source)


def read_pictures(found: Explanations | None, *, folder: Path) -> Pixels:
    """Return the pictures of a run's folder, after their digests were compared.

    Raises:
        ArtifactError: a picture is missing or altered.
    """
    pixels = {}
    for picture in () if found is None else found.pictures():
        path = _in_folder(folder, picture.sha256)
        if not path.is_file():
            raise ArtifactError(f"{path}: missing; run again with --no-cache")
        if digest_of_file(path) != picture.sha256:
            raise ArtifactError(f"{path}: altered since it was written; run again with --no-cache")
        pixels[picture.sha256] = path.read_bytes()
    return pixels


def shown_cases(found: Explanations | None, *, pixels: Pixels) -> tuple[ShownCase, ...]:
    """Return the cases with their pictures as data URIs and in words.

    Args:
        found: what the candidate looks at.
        pixels: of every picture that it names.
    """
    cases = () if found is None else found.cases
    return tuple(
        ShownCase(
            case,
            tuple(
                ShownSlide(
                    slide.slide_id,
                    own := _on(case, slide.slide_id),
                    None
                    if slide.picture is None
                    else _picture(case, slide.slide_id, own, pixels[slide.picture.sha256]),
                    slide.without_picture,
                )
                for slide in case.slides
            ),
        )
        for case in cases
    )


def without_pixels(page: str) -> str:
    """Return a page with the words of its pictures of slides alone.

    Bytes lie once, in the workspace; a copy of the page elsewhere stays small.
    """
    return _PIXELS.sub("", page)


def _on(case: AttendedCase, slide_id: str) -> tuple[AttendedTile, ...]:
    return tuple(tile for tile in case.tiles if tile.slide_id == slide_id)


def _picture(
    case: AttendedCase, slide_id: str, tiles: tuple[AttendedTile, ...], content: bytes
) -> Picture:
    told = ", ".join(f"number {tile.rank} weighs {tile.relative_weight:.2f}" for tile in tiles)
    alt = (
        f"Slide {slide_id} of case {case.case_id} ({case.chosen}), {len(tiles)} of its tiles "
        f"outlined: {told} times an equal weight."
    )
    return Picture(uri=f"data:image/jpeg;base64,{base64.b64encode(content).decode()}", alt=alt)


def _in_folder(folder: Path, sha256: str) -> Path:
    return folder / FOLDER / f"{sha256}.jpg"
