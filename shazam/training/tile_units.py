"""Tiles as cases of their own: each with its label, and grouped by the case that it comes from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shazam.cohort.model import Case, Cohort
from shazam.cohort.store import write_cohort
from shazam.config.cohort import Unit
from shazam.errors import ArtifactError, CohortError
from shazam.features.store import Int32Array, read_labels
from shazam.manifests import FeatureSetManifest, ImportManifest, SlideFeatures, tile_ids
from shazam.workspace import Workspace

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class TileClasses:
    """Names of the classes that labels in feature files stand for; empty where they are numbers."""

    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, imports: Sequence[ImportManifest]) -> TileClasses:
        """Return the classes of several imports.

        Raises:
            CohortError: they name other classes, or in another order.
        """
        found = {manifest.classes for manifest in imports if manifest.classes}
        if len(found) > 1:
            listed = [f"{', '.join(names)}" for names in sorted(found)]
            raise CohortError("imports", [f"classes differ between teachers: {listed}"])
        return cls(*found)

    def name(self, label: int) -> str | None:
        """Return the name of a label; None if there is no such class."""
        if label < 0 or (self.names and label >= len(self.names)):
            return None
        return self.names[label] if self.names else str(label)


def with_tile_units(
    manifest: FeatureSetManifest, *, cohort: Cohort, classes: TileClasses, workspace: Workspace
) -> FeatureSetManifest:
    """Return the feature set with its tiles as cases, whose cohort is published.

    Raises: see :func:`tile_cohort`.
    """
    tiles = tile_cohort(manifest, cohort=cohort, classes=classes, workspace=workspace)
    ref = write_cohort(tiles, workspace=workspace)
    return manifest.model_copy(update={"cohort": ref, "unit": Unit.TILE})


def tile_cohort(
    manifest: FeatureSetManifest, *, cohort: Cohort, classes: TileClasses, workspace: Workspace
) -> Cohort:
    """Return a cohort whose cases are the tiles of a feature set.

    A tile has the label that its feature file gives, else that of its case. Its ``group`` is the
    case, so the tiles of a case are never divided. Cases without features stay, without a label.

    Args:
        manifest: the feature files.
        cohort: the cases that the tiles come from.
        classes: what labels in the files mean.
        workspace: where the files lie.

    Raises:
        CohortError: a tile has no label, or one that is no class; slides are listed.
        ArtifactError: teachers give a tile different labels.
    """
    parents = {case.case_id: case for case in cohort.cases}
    tiles: list[Case] = []
    problems: list[str] = []
    files: dict[str, list[SlideFeatures]] = defaultdict(list)
    for entries in manifest.features:
        for entry in entries:
            files[entry.slide_id].append(entry)
    for slide in manifest.slides():
        labels = _labels(files[slide.slide_id], workspace=workspace)
        parent = parents[slide.case_id]
        names = (
            [parent.label] * slide.n_tiles
            if labels is None
            else [classes.name(label) for label in labels.tolist()]
        )
        if unknown := names.count(None):
            problems.append(_problem(slide, labels, n_unknown=unknown, classes=classes))
        tiles += [
            Case(
                case_id=tile_id,
                site=parent.site,
                time_months=None,
                event=None,
                label=name,
                clinical=parent.clinical,
                group=parent.case_id,
            )
            for tile_id, name in zip(tile_ids(slide), names, strict=True)
        ]
    if problems:
        more = [f"and {len(problems) - _SHOWN} more slides"] if len(problems) > _SHOWN else []
        raise CohortError("labels of tiles", [*problems[:_SHOWN], *more])
    seen = {slide.case_id for slide in manifest.slides()}
    rest = [_unlabelled(case) for case in cohort.cases if case.case_id not in seen]
    return Cohort(task=cohort.task, cases=(*tiles, *rest), slides=())


def _labels(files: Sequence[SlideFeatures], *, workspace: Workspace) -> Int32Array | None:
    given = [read_labels(workspace.open(file.uri, file.sha256)) for file in files]
    known = [labels for labels in given if labels is not None]
    if any(not np.array_equal(labels, known[0]) for labels in known):
        raise ArtifactError(
            f"slide '{files[0].slide_id}': teachers give its tiles different labels; import "
            "features of the same tiles"
        )
    return known[0] if known else None


def _problem(
    slide: SlideFeatures, labels: Int32Array | None, *, n_unknown: int, classes: TileClasses
) -> str:
    if labels is None:
        return (
            f"slide '{slide.slide_id}': its file holds no labels and case '{slide.case_id}' has "
            "none; name them with labels, or add the column label to the table"
        )
    unknown = sorted({label for label in labels.tolist() if classes.name(label) is None})
    return (
        f"slide '{slide.slide_id}': {n_unknown} of {slide.n_tiles} labels are of no class "
        f"({', '.join(map(str, unknown[:_SHOWN]))}); there are {len(classes.names)} classes"
    )


def _unlabelled(case: Case) -> Case:
    return Case(case.case_id, case.site, None, None, None, case.clinical)
