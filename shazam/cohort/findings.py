"""The complete list of what is wrong with a cohort table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Findings:
    """Problems in the order of the table's lines; those of the whole table come first."""

    _found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, problem: str, *, line: int | None = None) -> None:
        """Note a problem, at a line of the table (counted from 1) or of the whole table."""
        where = "" if line is None else f"line {line}: "
        self._found.append((line or 0, where + problem))

    @property
    def messages(self) -> tuple[str, ...]:
        """All problems, each once."""
        ordered = sorted(self._found, key=lambda item: item[0])
        return tuple(dict.fromkeys(message for _, message in ordered))


def lines_of(lines: Sequence[int]) -> str:
    """Return line numbers as text: ``lines 2, 5 and 7``."""
    ordered = [str(line) for line in sorted(set(lines))]
    if len(ordered) == 1:
        return f"line {ordered[0]}"
    return f"lines {', '.join(ordered[:-1])} and {ordered[-1]}"
