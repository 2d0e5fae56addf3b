"""The tiles of highest attention of a few cases, where they lie, and pictures of their slides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shazam.cohort import Splits
from shazam.cohort.model import Slide
from shazam.explanations import AttendedCase, AttendedSlide, AttendedTile
from shazam.features.located_tiles import LocatedTile, locate_tiles
from shazam.features.shown_tiles import show_tiles
from shazam.manifests import FeatureSetManifest
from shazam.models.bundle import Ensemble
from shazam.models.segments import BagSource
from shazam.training.explain_cases import ChosenCase, choose_cases, score_test_cases
from shazam.training.explain_tiles import top_tiles, without_attention
from shazam.workspace import Workspace


@dataclass(frozen=True, slots=True)
class TileSource:
    """Where tiles and their pixels come from.

    Args:
        manifest: the feature set that bags are made of.
        slides: of the cohort.
        slides_dir: the slide folder; None where features were imported.
        workspace: where files lie, and pictures go.
    """

    manifest: FeatureSetManifest
    slides: Sequence[Slide]
    slides_dir: Path | None
    workspace: Workspace


def without_tiles(ensemble: Ensemble, bags: BagSource) -> str | None:
    """Return why an arm has no tiles to show of some bags; None if it has."""
    why = without_attention(ensemble.networks[0])
    if why is None and int(bags.lengths.max()) == 1:
        why = "reads a single tile of each case: there is nothing to weigh"
    return None if why is None else f"{ensemble.manifest.arm} {why}"


def attended_cases(
    ensemble: Ensemble, bags: BagSource, *, splits: Splits, source: TileSource
) -> tuple[AttendedCase, ...]:
    """Return the tiles of highest attention of a few test cases.

    Each is asked of the first seed's member of its own fold, which never saw it.

    Args:
        ensemble: the arm's members; they have attention over tiles.
        bags: features of all teachers that the arm reads.
        splits: the folds the members were fitted in.
        source: where tiles and pixels come from.

    Raises:
        ArtifactError: a file of features is missing or altered.
    """
    scored = score_test_cases(ensemble, bags, splits=splits)
    chosen = choose_cases(scored, manifest=ensemble.manifest)
    return tuple(_attended(case, bags, source=source) for case in chosen)


def _attended(case: ChosenCase, bags: BagSource, *, source: TileSource) -> AttendedCase:
    scored, member = case.scored, case.scored.member.record
    top = top_tiles(scored.network, bags, row=scored.row)
    located = locate_tiles(
        source.manifest, case_id=scored.case_id, rows=top.rows, workspace=source.workspace
    )
    tiles = [
        _tile(rank, tile, weight)
        for rank, (tile, weight) in enumerate(
            zip(located, top.relative_weights, strict=True), start=1
        )
    ]
    return AttendedCase(
        case_id=scored.case_id,
        chosen=case.why,
        fold=member.fold,
        seed=member.seed,
        n_tiles=top.n_tiles,
        tiles=tuple(tiles),
        slides=_slides(located, source=source),
    )


def _tile(rank: int, tile: LocatedTile, weight: float) -> AttendedTile:
    x, y = (None, None) if tile.corner_level0_px is None else tile.corner_level0_px
    return AttendedTile(
        rank=rank,
        slide_id=tile.slide_id,
        row=tile.row,
        x_level0_px=x,
        y_level0_px=y,
        side_level0_px=tile.side_level0_px,
        relative_weight=weight,
    )


def _slides(located: Sequence[LocatedTile], *, source: TileSource) -> tuple[AttendedSlide, ...]:
    if source.slides_dir is None:
        return ()
    by_id = {slide.slide_id: slide for slide in source.slides}
    shown = []
    for slide_id in dict.fromkeys(tile.slide_id for tile in located):
        own = {
            rank: tile for rank, tile in enumerate(located, start=1) if tile.slide_id == slide_id
        }
        found = show_tiles(
            own, slide=by_id[slide_id], slides_dir=source.slides_dir, workspace=source.workspace
        )
        if isinstance(found, str):
            shown.append(AttendedSlide(slide_id=slide_id, without_picture=found))
        else:
            shown.append(AttendedSlide(slide_id=slide_id, picture=found))
    return tuple(shown)
