"""Join the imports of all teachers to a cohort: the feature set that every arm reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from shazam.config.imports import MissingTeacher
from shazam.errors import ArtifactError, CohortError, ConfigError
from shazam.features.imports.importing import STAGE
from shazam.features.imports.joined import check_same_tiles
from shazam.features.imports.publish import KnownCases
from shazam.manifests import FeatureSetManifest, ImportedSlide, ImportManifest, QuarantineEntry
from shazam.refs import CohortRef

NO_FEATURES = "no_features"

Slides = Mapping[str, ImportedSlide]


def join_to_cohort(
    manifests: Sequence[ImportManifest],
    *,
    cohort: CohortRef,
    known: KnownCases,
    missing_teacher: MissingTeacher,
) -> FeatureSetManifest:
    """Return the feature set of several imports, one for each teacher.

    A slide that one teacher could not read is set aside for all unless teachers may be masked. A
    case or slide of the table that has no features is named in the quarantine.

    Args:
        manifests: the imports; their slides belong to cases of the cohort.
        cohort: names the cohort.
        known: its cases, and the slides that its table names.
        missing_teacher: what a slide that one teacher lacks means.

    Raises:
        ConfigError: a teacher is imported twice.
        CohortError: a case lacks a teacher and this is refused, or every teacher lacks one of its
            slides; all are listed.
        ArtifactError: teachers disagree about the case or tiles of a slide, or nothing is left.
    """
    names = [manifest.teacher.name for manifest in manifests]
    if not names or len(set(names)) != len(names):
        raise ConfigError(f"imports of {names}: give one import for each teacher, at least one")
    by_slide = [{slide.slide_id: slide for slide in manifest.slides} for manifest in manifests]
    check_same_tiles(by_slide, names=names)
    quarantine = [entry for manifest in manifests for entry in manifest.quarantine]
    if missing_teacher is MissingTeacher.REFUSE:
        aside = {entry.slide_id for entry in quarantine}
        by_slide = [
            {name: slide for name, slide in slides.items() if name not in aside}
            for slides in by_slide
        ]
        _refuse_missing(by_slide, names=names)
    _refuse_unseen(by_slide)
    if not any(by_slide):
        raise ArtifactError(f"no slide has the features of all of {names}; see the quarantine")
    found = {name: slide.case_id for slides in by_slide for name, slide in slides.items()}
    quarantine += _without_features(found, known=known)
    return FeatureSetManifest(
        cohort=cohort,
        teachers=tuple(manifest.teacher for manifest in manifests),
        features=tuple(
            tuple(slides[slide_id] for slide_id in sorted(slides)) for slides in by_slide
        ),
        quarantine=_once_each(quarantine),
        versions=(),
        missing_values=manifests[0].missing_values,
        missing_teacher=missing_teacher,
    )


def _refuse_missing(by_slide: Sequence[Slides], *, names: Sequence[str]) -> None:
    lacking: dict[str, set[str]] = defaultdict(set)
    case_of = {slide.slide_id: slide.case_id for slides in by_slide for slide in slides.values()}
    for name, slides in zip(names, by_slide, strict=True):
        for slide_id in case_of.keys() - slides.keys():
            lacking[case_of[slide_id]].add(name)
    if lacking:
        problems = [
            f"case '{case_id}' lacks teacher {', '.join(sorted(teachers))}"
            for case_id, teachers in sorted(lacking.items())
        ]
        advice = "add the features, or keep such cases with imports.missing_teacher: mask"
        raise CohortError("imports", [*problems, advice])


def _refuse_unseen(by_slide: Sequence[Slides]) -> None:
    """Refuse cases of which every teacher lacks a slide: masked, nobody would speak of them."""
    slides_of: dict[str, set[str]] = defaultdict(set)
    for slides in by_slide:
        for slide_id, slide in slides.items():
            slides_of[slide.case_id].add(slide_id)
    problems = [
        f"every teacher lacks a slide of case '{case_id}' ({', '.join(sorted(own))})"
        for case_id, own in sorted(slides_of.items())
        if not any(own <= slides.keys() for slides in by_slide)
    ]
    if problems:
        advice = "a teacher counts for a case only with all its slides: add features, or leave out"
        raise CohortError("imports", [*problems, f"{advice} such cases"])


def _without_features(found: Mapping[str, str], *, known: KnownCases) -> list[QuarantineEntry]:
    """Return the cases, and of cases with features by slide the slides, that have none."""
    cases = set(found.values())
    by_slide = {case_id for slide_id, case_id in found.items() if slide_id in known.by_slide}
    slides = {name for name, case_id in known.by_slide.items() if case_id in by_slide}
    return [
        *(_lacking(name, f"case '{name}'") for name in sorted(known.case_ids - cases)),
        *(_lacking(name, f"slide '{name}'") for name in sorted(slides - found.keys())),
    ]


def _lacking(name: str, what: str) -> QuarantineEntry:
    return QuarantineEntry(
        slide_id=name,
        slide_sha256=None,
        stage=STAGE,
        error=CohortError.__name__,
        reason=NO_FEATURES,
        message=f"{what} has a row in the cohort table and no features",
    )


def _once_each(quarantine: Sequence[QuarantineEntry]) -> tuple[QuarantineEntry, ...]:
    first: dict[str, QuarantineEntry] = {}
    for entry in quarantine:
        first.setdefault(entry.slide_id, entry)
    return tuple(first[slide_id] for slide_id in sorted(first))
