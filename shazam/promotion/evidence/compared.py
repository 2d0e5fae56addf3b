"""Two verdicts as plain data, compared value by value."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence

_TOLERANCE = 1e-9  # another processor may round otherwise
_MISSING = "nothing"


def compared(claimed: object, found: object, *, path: str = "") -> Iterator[str | None]:
    """Compare two verdicts value by value.

    Texts, booleans, whole numbers and the structure must be equal, other numbers to 1e-9, relative
    to the greater where that is above 1.

    Args:
        claimed: plain JSON data.
        found: the same, made again.
        path: of both in what they are part of.

    Yields:
        None for a value that agrees, a sentence for one that does not.
    """
    match claimed, found:
        case Mapping(), Mapping():
            for name in sorted({*claimed, *found}):
                inner = f"{path}.{name}" if path else str(name)
                yield from compared(
                    claimed.get(name, _MISSING), found.get(name, _MISSING), path=inner
                )
        case [*ours], [*theirs]:
            yield from _of_lists(ours, theirs, path=path)
        case _:
            agrees = _agree(claimed, found)
            yield None if agrees else f"{path} is {_shown(claimed)}, made again {_shown(found)}"


def _of_lists(
    claimed: Sequence[object], found: Sequence[object], *, path: str
) -> Iterator[str | None]:
    if len(claimed) != len(found):
        yield f"{path} has {len(claimed)} entries, made again {len(found)}"
    for number, (one, other) in enumerate(zip(claimed, found, strict=False)):
        yield from compared(one, other, path=f"{path}[{number}]")


def _agree(claimed: object, found: object) -> bool:
    if isinstance(claimed, float) and isinstance(found, float):
        return math.isclose(claimed, found, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return type(claimed) is type(found) and claimed == found


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:120]}..."
