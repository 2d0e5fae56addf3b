"""What a model looks at: how it weighs teachers and tiles, as a manifest that the report reads."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveInt

from shazam.manifests import Entry, Picture


class GateWeight(Entry):
    """The weight of one teacher at one level, over the test cases of one fold.

    A case's weights sum to 1 over the teachers; those of several seeds are averaged first.
    ``sd`` is that between cases.
    """

    fold: NonNegativeInt
    level: str
    teacher: str
    mean: float = Field(ge=0, le=1 + 1e-6)
    sd: float = Field(ge=0)
    n_cases: PositiveInt


class AttendedTile(Entry):
    """One of the tiles of a case that have the highest attention.

    ``rank`` counts from 1 within the case, ``row`` from 0 within the slide's tiles. The upper left
    corner is None where features came without coordinates, the side where nothing says it.
    ``relative_weight`` is 1 where all tiles of the case count the same.
    """

    rank: PositiveInt
    slide_id: str
    row: NonNegativeInt
    x_level0_px: int | None = None
    y_level0_px: int | None = None
    side_level0_px: PositiveInt | None = None
    relative_weight: float = Field(ge=0)


class AttendedSlide(Entry):
    """A slide on which such tiles lie: its picture, or why there is none."""

    slide_id: str
    picture: Picture | None = None
    without_picture: str | None = None


class AttendedCase(Entry):
    """The tiles of highest attention of one case, by a member that never saw it.

    ``fold`` and ``seed`` name the member, ``chosen`` says why the case is shown. ``slides`` is
    empty where the features were imported: there are no pixels.
    """

    case_id: str
    chosen: str
    fold: NonNegativeInt
    seed: NonNegativeInt
    n_tiles: PositiveInt
    tiles: tuple[AttendedTile, ...] = Field(min_length=1)
    slides: tuple[AttendedSlide, ...] = ()


class Explanations(Entry):
    """What the candidate looks at.

    ``without_gates`` says why there are no weights of teachers, ``without_attention`` why there
    are none of tiles. ``inert`` marks the published form of the gate, whose weights hardly change
    what the model says.
    """

    arm: str
    gates: tuple[GateWeight, ...] = ()
    inert: bool = False
    without_gates: str | None = None
    cases: tuple[AttendedCase, ...] = ()
    without_attention: str | None = None

    def pictures(self) -> tuple[Picture, ...]:
        """Return the pictures of all cases, each once."""
        shown = [slide.picture for case in self.cases for slide in case.slides]
        return tuple(dict.fromkeys(picture for picture in shown if picture is not None))
