"""What a cell of a table says: a number, a text, or nothing."""

from __future__ import annotations

_NOTHING = frozenset(
    {"", ".", "?", "-", "--", "'--", "na", "n/a", "nan", "null", "none", "unknown", "missing"}
    | {"not available", "not reported", "not evaluated", "not applicable"}
)


def is_missing(text: str) -> bool:
    """Return whether a cell says that nothing is known."""
    return text.strip().strip("[]").lower() in _NOTHING
