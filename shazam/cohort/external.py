"""The folds of a run from split files made elsewhere, under the rules of our own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shazam.cohort.alike import HOW, pairs_text
from shazam.cohort.balance import balance_note
from shazam.cohort.folds import Fold, Splits, check_splits, listed
from shazam.cohort.groups import Quantities
from shazam.cohort.inner import carve_validation
from shazam.cohort.known import Known
from shazam.cohort.model import Case, Cohort
from shazam.cohort.site_policy import site_notes, sites_preserved
from shazam.cohort.split_check import is_tested, leaks_of, placed_parts
from shazam.cohort.split_forms import TRAIN, VALIDATION, GivenFold
from shazam.config.cohort import Task
from shazam.config.splits import Scheme, SplitsConfig
from shazam.errors import ConfigError, LeakError


@dataclass(frozen=True, slots=True)
class _Taken:
    """The cases of one fold that go on; ``absent`` are those of the file that do not."""

    fold: Fold
    absent: frozenset[str]
    notes: tuple[str, ...]


def splits_of_files(
    given: Sequence[GivenFold], *, cohort: Cohort, cases: Sequence[Case], config: SplitsConfig
) -> Splits:
    """Take folds as they are given, for the cases that go on.

    A fold without a validation part has it carved out of training, which is noted; so are cases
    that only the files or only the cohort have, and which are left out.

    Args:
        given: all folds of the files; together they test each of their cases once.
        cohort: tells the cases of slides, and the contents of slides.
        cases: the cases that go on.
        config: site policy and validation fraction.

    Raises:
        LeakError: a case, a slide, a slide's content or a site that is to be preserved stands in
            two parts, under one spelling or two; names all of them.
        ConfigError: the folds cannot be judged together, or one has nothing to learn or to test.
    """
    preserved = sites_preserved(cases, config=config)
    known = Known.of_cohort(cohort)
    _raise_leaks(given, known=known, preserved=preserved)
    going_on = {case.case_id: case for case in cases}
    taken = [_taken(fold, known=known, cases=going_on) for fold in given]
    _check_tested_once(taken)
    quantities = Quantities.of(cases, task=cohort.task)
    folds, notes = [], list(_notes(taken, cases=going_on, known=known))
    for number, one in enumerate(taken):
        _check_usable(given[number].name, one.fold, cases=going_on, task=cohort.task)
        fold, own = _with_validation(
            one.fold,
            number=number,
            cases=going_on,
            quantities=quantities,
            config=config,
            preserved=preserved,
        )
        folds.append(fold)
        notes += [f"fold {number}: {note}" for note in (*one.notes, *own)]
    notes += site_notes(cases, preserved=preserved)
    splits = Splits(
        folds=tuple(folds), sites_preserved=preserved, notes=tuple(notes), scheme=Scheme.FILES
    )
    tested = {case_id for fold in folds for case_id in fold.test}
    check_splits(splits, cases=[going_on[case_id] for case_id in sorted(tested)])
    return splits


def _raise_leaks(given: Sequence[GivenFold], *, known: Known, preserved: bool) -> None:
    leaks = [
        f"{fold.name}: {leak}"
        for fold in given
        for leak in leaks_of(placed_parts(fold, known=known), sites_preserved=preserved)
    ]
    if leaks:
        shown = "\n".join(f"  - {leak}" for leak in leaks)
        advice = "let them be made here (splits.scheme=kfold), or correct the files"
        if preserved:
            advice += "; sites alone may be shared with splits.sites=ignored, which the report says"
        raise LeakError(f"the split files leak; {advice}\n{shown}")


def _taken(given: GivenFold, *, known: Known, cases: Mapping[str, Case]) -> _Taken:
    absent: set[str] = set()
    kept: dict[str, set[str]] = {TRAIN: set(), VALIDATION: set(), "test": set()}
    notes = []
    for name, members in placed_parts(given, known=known).items():
        found = {member.case_id for member in members if member.case_id in cases}
        kept["test" if is_tested(name) else name] |= found
        if not found and name not in kept:
            notes.append(f"{name} is of other cases and is left out")
        else:
            absent |= {member.case_id for member in members} - found
    if VALIDATION in given.parts and not kept[VALIDATION]:
        notes.append("the files have no test part: their validation part is what is tested")
    fold = Fold(
        train=tuple(sorted(kept[TRAIN])),
        validation=tuple(sorted(kept[VALIDATION])),
        test=tuple(sorted(kept["test"])),
    )
    return _Taken(fold=fold, absent=frozenset(absent), notes=tuple(notes))


def _check_tested_once(taken: Sequence[_Taken]) -> None:
    tested = [case_id for one in taken for case_id in one.fold.test]
    named = {case_id for one in taken for part in one.fold.parts.values() for case_id in part}
    reasons = []
    if repeated := {case_id for case_id in tested if tested.count(case_id) > 1}:
        reasons.append(f"tested in more than one fold: {listed(repeated)}")
    if never := named - set(tested):
        reasons.append(f"tested in no fold: {listed(never)}")
    if reasons:
        shown = "\n".join(f"  - {reason}" for reason in reasons)
        raise ConfigError(
            "splits.files: a run pools its test predictions, each case once; give the folds of "
            f"one cross-validation, all of them\n{shown}"
        )


def _check_usable(name: str, fold: Fold, *, cases: Mapping[str, Case], task: Task) -> None:
    for part in ("train", "test"):
        ids = fold.parts[part]
        if not ids:
            raise ConfigError(
                f"{name}: no case of its {part} part is in the cohort with features; its ids must "
                "be case ids, slide ids of the cohort table or TCGA barcodes, in the same "
                "letter case"
            )
        if task is Task.SURVIVAL and not any(cases[case_id].event for case_id in ids):
            raise ConfigError(f"{name}: no case of its {part} part has an event; use other folds")


def _with_validation(
    fold: Fold,
    *,
    number: int,
    cases: Mapping[str, Case],
    quantities: Quantities,
    config: SplitsConfig,
    preserved: bool,
) -> tuple[Fold, tuple[str, ...]]:
    if fold.validation:
        return fold, tuple(_validation_notes(fold, cases=cases, quantities=quantities))
    inner = carve_validation(
        [cases[case_id] for case_id in fold.train],
        quantities=quantities,
        config=config,
        seed=config.seed + 1 + number,
        keep_sites_apart=preserved,
    )
    notes = ["no validation part is given: it is carved out of training"]
    notes += [inner.note] if inner.note is not None else []
    balance = balance_note("inner validation", {None: inner.gap}, time_limit_s=config.time_limit_s)
    notes += [balance] if balance is not None else []
    return Fold(train=inner.train, validation=inner.validation, test=fold.test), tuple(notes)


def _validation_notes(
    fold: Fold, *, cases: Mapping[str, Case], quantities: Quantities
) -> Iterator[str]:
    validation = [cases[case_id] for case_id in fold.validation]
    sites = {case.site for case in validation if case.site is not None}
    if sites & {cases[case_id].site for case_id in fold.train}:
        yield "inner validation shares sites with training"
    if not quantities.count(validation).all():
        yield "inner validation lacks events or a class"


def _notes(taken: Sequence[_Taken], *, cases: Collection[str], known: Known) -> Iterator[str]:
    named = {case_id for one in taken for part in one.fold.parts.values() for case_id in part}
    if absent := {case_id for one in taken for case_id in one.absent}:
        yield (
            f"{len(absent)} case(s) of the split files are not in the cohort or have no features "
            f"and are left out: {listed(absent)}"
        )
        if pairs := known.other_spellings(absent):
            yield f"of these some differ {HOW} from a name of the cohort: {pairs_text(pairs)}"
    if left_out := set(cases) - named:
        yield f"{len(left_out)} case(s) are in no split file and are left out: {listed(left_out)}"
