"""The rules of :func:`shazam.cohort.folds.check_splits`, for anybody's folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from shazam.cohort.alike import HOW, alike_across, folded, pairs_text
from shazam.cohort.folds import listed
from shazam.cohort.known import Known, Placed
from shazam.cohort.split_forms import TEST, TRAIN, VALIDATION, GivenFold
from shazam.errors import ConfigError

Parts = Mapping[str, tuple[Placed, ...]]


@dataclass(frozen=True, slots=True)
class FoldFindings:
    """What was found in one fold; ``parts`` is (name, cases, sites) of each part."""

    name: str
    parts: tuple[tuple[str, int, int], ...]
    leaks: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SplitFindings:
    """What was found in all folds, and in the folds of one family taken together."""

    folds: tuple[FoldFindings, ...]
    notes: tuple[str, ...]

    @property
    def leaks(self) -> tuple[str, ...]:
        """All leaks, each with its fold."""
        return tuple(f"{fold.name}: {leak}" for fold in self.folds for leak in fold.leaks)


def check_given(
    folds: Sequence[GivenFold], *, known: Known, sites_preserved: bool
) -> SplitFindings:
    """Look for cases, slides, slide contents and, where asked, sites in two parts of a fold.

    Cases and sites that differ only in letter case or white space count as one, and are told with
    both spellings.
    A site may stand in training and validation, which is noted; not in a part that is tested and
    one that is fitted on.

    Args:
        folds: as they were read.
        known: tells cases, sites and contents.
        sites_preserved: whether sites must be kept apart.

    Raises:
        ConfigError: sites are to be kept apart, but those of a part are not known; or the cohort
            knows no case of the folds.
    """
    placed = [placed_parts(fold, known=known) for fold in folds]
    found = [
        _findings(fold, parts, sites_preserved=sites_preserved)
        for fold, parts in zip(folds, placed, strict=True)
    ]
    notes = [*_unknown(placed, known=known), *_notes(folds, placed)]
    return SplitFindings(folds=tuple(found), notes=tuple(notes))


def placed_parts(fold: GivenFold, *, known: Known) -> dict[str, tuple[Placed, ...]]:
    """Return the parts with what is known; validation is what is tested if nothing else is."""
    parts = {
        name: tuple(known.place(member) for member in members)
        for name, members in fold.parts.items()
        if members
    }
    if VALIDATION in parts and not any(is_tested(name) for name in parts):
        parts[TEST] = parts.pop(VALIDATION)
    return parts


def is_tested(part: str) -> bool:
    """Tell whether a part is tested, rather than fitted on."""
    return part not in (TRAIN, VALIDATION)


def leaks_of(parts: Parts, *, sites_preserved: bool) -> tuple[str, ...]:
    """Return every leak between the parts of one fold."""
    leaks: list[str] = []
    for left, right in combinations(parts, 2):
        leaks += _overlaps(left, parts[left], right, parts[right])
        shared = _sites(parts[left]) & _sites(parts[right])
        if sites_preserved and shared and is_tested(left) != is_tested(right):
            leaks.append(f"sites in {left} and {right}: {_all(shared)}")
        leaks += _look_alikes(
            left, parts[left], right, parts[right], sites_preserved=sites_preserved
        )
    return tuple(leaks)


def _look_alikes(
    left: str,
    left_cases: Sequence[Placed],
    right: str,
    right_cases: Sequence[Placed],
    *,
    sites_preserved: bool,
) -> Iterator[str]:
    """Tell cases and sites that are two by their spelling, and one for a reader."""
    forms = ({case.group: case.form for case in cases} for cases in (left_cases, right_cases))
    if pairs := alike_across(*forms):
        yield f"cases in {left} and {right} that differ {HOW}: {pairs_text(pairs)}"
    if not sites_preserved or is_tested(left) == is_tested(right):
        return
    sites = ({s: folded(s) for s in _sites(cases)} for cases in (left_cases, right_cases))
    if pairs := alike_across(*sites):
        yield f"sites in {left} and {right} that differ {HOW}: {pairs_text(pairs)}"


def _overlaps(
    left: str, left_cases: Sequence[Placed], right: str, right_cases: Sequence[Placed]
) -> Iterator[str]:
    ours, theirs = ({case.group: case for case in cases} for cases in (left_cases, right_cases))
    shared = set(ours) & set(theirs)
    if shared and set(ours) == set(theirs) and {left, right} <= {VALIDATION, TEST}:
        yield (
            f"{left} and {right} are the same {len(shared)} cases: what is chosen on validation "
            "is then chosen on the cases that are tested"
        )
        return
    if shared:
        yield f"cases in {left} and {right}: {_all(shared)}"
    slides = _slides(left_cases, without=shared) & _slides(right_cases, without=shared)
    if slides:
        yield f"slides of two cases in {left} and {right}: {_all(slides)}"
    contents = _contents(left_cases, without=shared)
    same = {
        f"{case.case_id} and {contents[content]}"
        for case in right_cases
        if case.group not in shared
        for content in case.contents & set(contents)
    }
    if same:
        yield f"cases with a slide of equal content in {left} and {right}: {_all(same)}"


def _findings(fold: GivenFold, parts: Parts, *, sites_preserved: bool) -> FoldFindings:
    notes = _site_notes(fold, parts) if sites_preserved else []
    if VALIDATION in fold.parts and VALIDATION not in parts:
        notes.append("there is no test part: validation is taken as what is tested")
    elif VALIDATION not in parts:
        notes.append("there is no validation part")
    elif sites_preserved and _sites(parts[TRAIN]) & _sites(parts[VALIDATION]):
        notes.append("validation shares sites with training")
    for name, members in fold.parts.items():
        if repeated := [member for member, count in Counter(members).items() if count > 1]:
            notes.append(f"ids twice in {name}: {listed([m.name for m in repeated])}")
    return FoldFindings(
        name=fold.name,
        parts=tuple(
            (name, len({case.group for case in cases}), len(_sites(cases)))
            for name, cases in parts.items()
        ),
        leaks=leaks_of(parts, sites_preserved=sites_preserved),
        notes=tuple(notes),
    )


def _unknown(placed: Sequence[Parts], *, known: Known) -> Iterator[str]:
    every = [case for parts in placed for cases in parts.values() for case in cases]
    unknown = {case.case_id for case in every if not case.in_cohort}
    if not known.case_of or not unknown:
        return
    pairs = known.other_spellings(unknown)
    if not any(case.in_cohort for case in every):
        told = f"; they differ {HOW}: {pairs_text(pairs[:1])}" if pairs else ""
        raise ConfigError(
            f"the cohort table knows none of the {len(unknown)} cases of the split files, such as "
            f"{min(unknown)}{told}; give the table that names them"
        )
    yield f"{len(unknown)} cases are not in the cohort table: {listed(unknown)}"
    if pairs:
        yield f"of these some differ {HOW} from a name of the table: {pairs_text(pairs)}"


def _site_notes(fold: GivenFold, parts: Parts) -> list[str]:
    notes = []
    for name, cases in parts.items():
        without = {case.case_id for case in cases if case.site is None}
        own = name in (TRAIN, VALIDATION, TEST) or len(_sites(cases)) > 0
        if without and own:
            raise ConfigError(
                f"{fold.name}: sites of {len(without)} case(s) in {name} are not known, such as "
                f"{listed(without)}; give a cohort table with a column site"
            )
        if without:
            notes.append(f"no sites are known in {name}, so none were looked for there")
    return notes


def _notes(folds: Sequence[GivenFold], placed: Sequence[Parts]) -> Iterator[str]:
    every = [case for parts in placed for cases in parts.values() for case in cases]
    if nameless := {case.case_id for case in every if not case.named}:
        yield (
            f"{len(nameless)} ids are taken for cases, such as {min(nameless)}; if they are "
            "slides, give the cohort table that tells their cases"
        )
    families: dict[str, Counter[str]] = {}
    for fold, parts in zip(folds, placed, strict=True):
        tested = {case.group for case in parts.get(TEST, ())}
        families.setdefault(fold.family, Counter()).update(tested)
    repeated = {case for counts in families.values() for case, n in counts.items() if n > 1}
    if repeated:
        yield (
            f"{len(repeated)} cases are tested in more than one fold, such as {min(repeated)}; "
            "their predictions cannot be pooled"
        )


def _all(names: set[str]) -> str:
    return listed(names, most=None)


def _sites(cases: Sequence[Placed]) -> set[str]:
    return {case.site for case in cases if case.site is not None}


def _slides(cases: Sequence[Placed], *, without: set[str]) -> set[str]:
    return {case.slide_id for case in cases if case.slide_id and case.group not in without}


def _contents(cases: Sequence[Placed], *, without: set[str]) -> dict[str, str]:
    return {
        content: case.case_id
        for case in cases
        if case.group not in without
        for content in case.contents
    }
