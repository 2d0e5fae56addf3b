"""Who is who in a split file: the case, site and slide contents behind an id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shazam.cohort.alike import folded
from shazam.cohort.barcodes import patient_of, site_of
from shazam.cohort.model import Cohort
from shazam.cohort.plain_table import PlainTable, read_plain_table
from shazam.cohort.split_forms import CASE_COLUMNS, SLIDE_COLUMNS, Member
from shazam.cohort.store import load_cohort
from shazam.errors import ConfigError

SITE_COLUMNS = ("site", "tissue_source_site", "tss", "hospital", "center", "centre")
_SUFFIX = re.compile(r"\.(svs|tiff?|ndpi|mrxs|scn|vms|bif|dcm|h5|hdf5|pt|npy|npz)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Placed:
    """A member of a split with what is known of it.

    ``group`` is what may not be divided: the case, or the patient of a tile. ``contents`` are the
    digests of all slides of the case. ``named`` is false where neither a cohort nor a barcode
    tells the case, so that the id itself stands for it. ``form`` is shared by groups that differ
    only in letter case or white space, in their own ids or in those of slides.
    """

    case_id: str
    group: str
    site: str | None
    slide_id: str | None
    contents: frozenset[str]
    in_cohort: bool
    named: bool
    form: str


@dataclass(frozen=True, slots=True)
class Known:
    """Cases by the ids of cases and slides; without a cohort only TCGA barcodes tell them."""

    case_of: Mapping[str, str] = field(default_factory=dict)
    site_of: Mapping[str, str | None] = field(default_factory=dict)
    group_of: Mapping[str, str] = field(default_factory=dict)
    contents_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    spelling_of: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # where several names have one form, the first of them stands for it
        forms = {folded(name): name for name in sorted(self.case_of, reverse=True)}
        object.__setattr__(self, "spelling_of", forms)

    def other_spellings(self, names: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Return names with the cohort's spelling, where it has them in another one; sorted."""
        pairs = ((name, self.spelling_of.get(folded(name))) for name in sorted(names))
        return tuple((name, own) for name, own in pairs if own is not None and own != name)

    @classmethod
    def of_cohort(cls, cohort: Cohort) -> Known:
        """Return what a cohort knows."""
        contents: dict[str, set[str]] = {}
        for slide in cohort.slides:
            if slide.size_bytes > 0 and slide.sha256:
                contents.setdefault(slide.case_id, set()).add(slide.sha256)
        pairs = [(slide.slide_id, slide.case_id) for slide in cohort.slides]
        return cls(
            case_of=_names(pairs, cases=[case.case_id for case in cohort.cases]),
            site_of={case.case_id: case.site for case in cohort.cases},
            group_of={case.case_id: case.group_id for case in cohort.cases},
            contents_of={case_id: frozenset(found) for case_id, found in contents.items()},
        )

    @classmethod
    def of_file(cls, path: Path) -> Known:
        """Return what a cohort table knows, or the cohort file of a workspace.

        Args:
            path: ``cohort.parquet``, or a table with a column of cases and, where it has them, of
                slides, of sites and of the SHA-256 of slides (``sha256``).

        Raises:
            ConfigError: the table cannot be read, names no cases, or contradicts itself.
            ArtifactError: the Parquet file is no cohort.
        """
        if path.suffix == ".parquet":
            return cls.of_cohort(load_cohort(path))
        return cls._of_table(read_plain_table(path))

    @classmethod
    def _of_table(cls, table: PlainTable) -> Known:
        case = table.first_of(CASE_COLUMNS)
        if case is None:
            raise ConfigError(f"{table.path}: has no column of cases; name it case_id")
        cases = table.column(case)
        pairs = [
            (slide, own) for own, slide in zip(cases, _cells(table, SLIDE_COLUMNS), strict=True)
        ]
        if clash := _in_two_cases(pairs):
            raise ConfigError(f"{table.path}: slides of two cases: {', '.join(clash)}")
        site_of: dict[str, str | None] = {}
        contents: dict[str, set[str]] = {}
        sites, digests = _cells(table, SITE_COLUMNS), _cells(table, ("sha256",))
        for own, site, digest in zip(cases, sites, digests, strict=True):
            if site_of.setdefault(own, site or None) != (site or None):
                raise ConfigError(f"{table.path}: case '{own}' has two sites; give it one")
            contents.setdefault(own, set()).update({digest} - {""})
        return cls(
            case_of=_names(pairs, cases=cases),
            site_of={own: _site(own, site) for own, site in site_of.items()},
            group_of={own: own for own in cases},
            contents_of={own: frozenset(found) for own, found in contents.items()},
        )

    def place(self, member: Member) -> Placed:
        """Return what is known of a member: of the cohort, else by its barcode, else nothing."""
        given = [name for name in (member.name, member.slide_id) if name]
        names = [*given, *map(_plain, given)]
        patient = next(filter(None, map(patient_of, names)), None)
        if patient is not None:
            names.append(patient)
        case_id = next((self.case_of[name] for name in names if name in self.case_of), None)
        if case_id is not None:
            return Placed(
                case_id=case_id,
                group=self.group_of[case_id],
                site=self.site_of[case_id],
                slide_id=member.slide_id,
                contents=self.contents_of.get(case_id, frozenset()),
                in_cohort=True,
                named=True,
                form=folded(self.group_of[case_id]),
            )
        own = patient if patient is not None else _plain(member.name)
        return Placed(
            case_id=own,
            group=own,
            site=None if patient is None else site_of(patient),
            slide_id=member.slide_id,
            contents=frozenset(),
            in_cohort=False,
            named=patient is not None or member.slide_id is not None,
            form=self._form([own, *names]),
        )

    def _form(self, names: Sequence[str]) -> str:
        """Return the form of an unknown case: that of the cohort's case of a look-alike, if any."""
        forms = [folded(name) for name in names]
        spelling = next(
            (self.spelling_of[form] for form in forms if form in self.spelling_of), None
        )
        return forms[0] if spelling is None else folded(self.group_of[self.case_of[spelling]])


def _site(case_id: str, site: str | None) -> str | None:
    own = site_of(case_id)
    if own is None:
        return site
    # a site read as a number has lost its leading zero
    return own if site is None or site.upper().removesuffix(".0") == own.lstrip("0") else site


def _names(pairs: list[tuple[str, str]], *, cases: list[str] | tuple[str, ...]) -> dict[str, str]:
    exact = dict(pair for pair in pairs if pair[0]) | {case_id: case_id for case_id in cases}
    without_suffix: dict[str, set[str]] = {}
    for name, case_id in exact.items():
        without_suffix.setdefault(_plain(name), set()).add(case_id)
    plain = {name: min(found) for name, found in without_suffix.items() if len(found) == 1}
    return plain | exact


def _in_two_cases(pairs: list[tuple[str, str]]) -> list[str]:
    first: dict[str, str] = {}
    return sorted({s for s, case_id in pairs if s and first.setdefault(s, case_id) != case_id})


def _cells(table: PlainTable, names: tuple[str, ...]) -> tuple[str, ...]:
    column = table.first_of(names)
    return ("",) * len(table.rows) if column is None else table.column(column)


def _plain(name: str) -> str:
    """Return an id without the folder and the ending of a file."""
    return _SUFFIX.sub("", re.split(r"[/\\]", name)[-1])
