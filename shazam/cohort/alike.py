"""Names that a reader takes for one: they differ in letter case, width or white space alone."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from shazam.cohort.findings import Findings, lines_of, some_of

HOW = "only in letter case or white space"
_FORMAT = "Cf"


def folded(name: str) -> str:
    """Return what look-alikes have in common.

    Unicode's compatibility form (NFKC) without letter case and without marks that are not seen,
    such as a zero-width space; white space at the ends goes, and within is one blank.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    seen = "".join(sign for sign in plain if unicodedata.category(sign) != _FORMAT)
    return " ".join(seen.split())


def alike_across(left: Mapping[str, str], right: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return pairs of different names, one of each side, that are the same when folded; sorted.

    Args:
        left: the folded form of each name.
        right: the same of the other side.
    """
    spellings: dict[str, list[str]] = {}
    for name, form in left.items():
        spellings.setdefault(form, []).append(name)
    return tuple(
        sorted(
            (own, name)
            for name, form in right.items()
            for own in spellings.get(form, ())
            if own != name
        )
    )


def pairs_text(pairs: Iterable[tuple[str, str]]) -> str:
    """Return pairs as text: ``'Site A' and 'site a', 'B' and 'b'``."""
    return ", ".join(f"'{one}' and '{other}'" for one, other in pairs)


def spellings_of(names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Return the names that have a look-alike, by look-alikes, each sorted."""
    found: dict[str, set[str]] = {}
    for name in names:
        found.setdefault(folded(name), set()).add(name)
    return tuple(sorted(tuple(sorted(alike)) for alike in found.values() if len(alike) > 1))


def check_alike(kind: str, line_of: Mapping[str, int], *, findings: Findings) -> None:
    """Find names of a table that are two for the machine and one for a reader.

    Args:
        kind: what they name, such as ``sites``.
        line_of: the line in which each name first stands.
        findings: collects the problems.
    """
    for alike in spellings_of(line_of):
        quoted = some_of([f"'{name}'" for name in alike])
        where = lines_of([line_of[name] for name in alike])
        findings.add(
            f"{kind} {quoted} ({where}) differ {HOW}, and one could stand in two parts of a "
            "split; write them alike if they are one, else make them differ in more"
        )
