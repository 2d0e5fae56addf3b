"""The complete list of what is wrong with a cohort table, and of what is said about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches


@dataclass(slots=True)
class Findings:
    """Problems in the order of the table's lines; those of the whole table come first.

    A problem stops whoever reads the table. A note does not: it says how something was read that
    could be read in another way, or what is doubtful.
    """

    _found: list[tuple[int, str]] = field(default_factory=list)
    _notes: dict[str, None] = field(default_factory=dict)

    def add(self, problem: str, *, line: int | None = None) -> None:
        """Note a problem, at a line of the table (counted from 1) or of the whole table."""
        where = "" if line is None else f"line {line}: "
        self._found.append((line or 0, where + problem))

    def note(self, text: str) -> None:
        """Say how the table was read, or what is doubtful in it."""
        self._notes[text] = None

    @property
    def messages(self) -> tuple[str, ...]:
        """All problems, each once."""
        ordered = sorted(self._found, key=lambda item: item[0])
        return tuple(dict.fromkeys(message for _, message in ordered))

    @property
    def notes(self) -> tuple[str, ...]:
        """All notes, each once, in the order in which they were made."""
        return tuple(self._notes)


def lines_of(lines: Sequence[int]) -> str:
    """Return line numbers as text: ``lines 2, 5 and 7``."""
    ordered = [str(line) for line in sorted(set(lines))]
    if len(ordered) == 1:
        return f"line {ordered[0]}"
    return f"lines {', '.join(ordered[:-1])} and {ordered[-1]}"


def some_of(names: Sequence[str], *, shown: int = 5) -> str:
    """Return the first names of a list as text, and how many more there are."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def missing_column(column: str, header: Sequence[str]) -> str:
    """Return the message on a column that is missing, with the nearest name that is there."""
    lowered = {name.lower(): name for name in header}
    near = get_close_matches(column.lower(), lowered, n=1)
    if near:
        return f"column '{column}' is missing; is it '{lowered[near[0]]}'? Then rename that one"
    return f"column '{column}' is missing; the table has: {some_of(header, shown=30)}"
