"""What a model was trained on: the one form in which it is kept, and the check against it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shazam.cohort.alike import folded
from shazam.cohort.folds import Fold, Splits
from shazam.cohort.model import Cohort
from shazam.errors import LeakError

SEEN_FILE = "seen.json"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """What a model was trained or tested on: cases by name, slides by the digest of their bytes.

    Slides whose features were imported have no digest; they are compared by their case alone.
    ``sites`` is None where the site of some case is not known.
    """

    case_ids: frozenset[str]
    slides_sha256: frozenset[str]
    sites: frozenset[str] | None = None

    @classmethod
    def of(cls, cohort: Cohort, case_ids: Sequence[str]) -> Seen:
        """Return what some cases of a cohort are made of; a tile's patient is a case too."""
        chosen = {case.case_id for case in cohort.cases} & set(case_ids)
        patients = {case.group_id for case in cohort.cases if case.case_id in chosen}
        slides = {
            slide.sha256
            for slide in cohort.slides
            if slide.case_id in chosen | patients and slide.sha256 and slide.size_bytes > 0
        }
        found = {case.site for case in cohort.cases if case.case_id in chosen}
        sites = frozenset(site for site in found if site is not None)
        known = None not in found and chosen == set(case_ids)
        return cls(
            case_ids=frozenset(case_ids) | frozenset(patients),
            slides_sha256=frozenset(slides),
            sites=sites if known else None,
        )


class SeenByFold(BaseModel):
    """What the members of one fold were trained on, inner validation included; each sorted.

    ``sites`` is None where not all are known, as in what earlier versions wrote.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    case_ids: tuple[str, ...]
    slides_sha256: tuple[str, ...]
    sites: tuple[str, ...] | None = None

    @property
    def seen(self) -> Seen:
        """The same as sets."""
        sites = None if self.sites is None else frozenset(self.sites)
        return Seen(frozenset(self.case_ids), frozenset(self.slides_sha256), sites)


class SeenRecord(BaseModel):
    """``seen.json`` of a bundle: what its members were trained on, by outer fold.

    ``case_ids`` holds tiles and their patients too, where tiles are the cases.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["shazam-seen-1", "shazam-seen-2"] = "shazam-seen-2"
    folds: tuple[SeenByFold, ...] = Field(min_length=1)

    @classmethod
    def of(cls, cohort: Cohort, *, splits: Splits) -> SeenRecord:
        """Return what members that are fitted on these folds see."""
        return cls(folds=tuple(_by_fold(cohort, fold) for fold in splits.folds))

    @property
    def whole(self) -> Seen:
        """What any of the members saw."""
        by_fold = [fold.seen for fold in self.folds]
        sites = [seen.sites for seen in by_fold if seen.sites is not None]
        return Seen(
            case_ids=frozenset().union(*(seen.case_ids for seen in by_fold)),
            slides_sha256=frozenset().union(*(seen.slides_sha256 for seen in by_fold)),
            sites=frozenset().union(*sites) if len(sites) == len(by_fold) else None,
        )


def unseen_cases(cohort: Cohort, case_ids: Sequence[str], *, by: Seen) -> tuple[str, ...]:
    """Return the cases that a model never saw: by name, by patient and by content of slides.

    Args:
        cohort: holds the cases and their slides.
        case_ids: the cases that are asked about.
        by: what the model was trained on.
    """
    group_of = {case.case_id: case.group_id for case in cohort.cases}
    known = {folded(name) for name in by.case_ids}
    contents: Mapping[str, set[str]] = defaultdict(set)
    for slide in cohort.slides:
        if slide.sha256 and slide.size_bytes > 0:
            contents[slide.case_id].add(slide.sha256)
    return tuple(
        case_id
        for case_id in case_ids
        if known.isdisjoint({folded(case_id), folded(group_of[case_id])})
        and by.slides_sha256.isdisjoint(
            contents.get(case_id, set()) | contents.get(group_of[case_id], set())
        )
    )


def check_unseen(tested: Seen, *, trained_on: Seen, model: str) -> None:
    """Refuse tested cases, or slides of equal content, that a model was trained on.

    Names that differ only in letter case or white space are of one case.

    Raises:
        LeakError: there is one.
    """
    known = {folded(name) for name in trained_on.case_ids}
    for kind, shared in (
        ("case", {name for name in tested.case_ids if folded(name) in known}),
        ("slide content", tested.slides_sha256 & trained_on.slides_sha256),
    ):
        if shared:
            shown = ", ".join(sorted(shared)[:_SHOWN])
            raise LeakError(
                f"the {model} was trained on {len(shared)} tested {kind}(s), such as {shown}; "
                "test it on cases that it has not seen"
            )


def check_sites_unseen(promised: Collection[str], *, trained_on: Seen, model: str) -> None:
    """Refuse a model that was trained on a site that was promised to be kept apart.

    Raises:
        LeakError: it was, in whatever spelling, or the sites that it was trained on are not known.
    """
    if trained_on.sites is None:
        raise LeakError(
            f"it is promised that no site of the tested cases is trained on, and the bundle of the "
            f"{model} does not say the site of every case that it was trained on; train and "
            "register it again from a table with all sites, or measure it on a cohort that was "
            "locked without --site-preserved"
        )
    forms = {folded(name) for name in trained_on.sites}
    if shared := sorted(name for name in promised if folded(name) in forms):
        raise LeakError(
            f"the {model} was trained on {len(shared)} site(s) that are promised to be kept apart, "
            f"such as {', '.join(shared[:_SHOWN])}; measure a model that was trained without them"
        )


def _by_fold(cohort: Cohort, fold: Fold) -> SeenByFold:
    seen = Seen.of(cohort, (*fold.train, *fold.validation))
    return SeenByFold(
        case_ids=tuple(sorted(seen.case_ids)),
        slides_sha256=tuple(sorted(seen.slides_sha256)),
        sites=None if seen.sites is None else tuple(sorted(seen.sites)),
    )
