"""Files of one teacher have one width at each level; those of another are set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from shazam.errors import ConfigError
from shazam.manifests import LevelDims


def dims_of_most(found: Sequence[LevelDims]) -> LevelDims:
    """Return the widths that more than half of the files have.

    Raises:
        ConfigError: no widths are those of more than half.
    """
    counts = Counter(found)
    dims, count = counts.most_common(1)[0]
    if 2 * count <= len(found):
        listed = "; ".join(f"{n} of {widths_text(dims)}" for dims, n in counts.most_common())
        raise ConfigError(
            f"the files disagree about levels or widths ({listed}); import each kind as a teacher "
            "of its own"
        )
    return dims


def widths_text(dims: LevelDims) -> str:
    """Return widths as text: ``low 40, high 1280``."""
    return ", ".join(f"{level} {width}" for level, width in dims.widths().items())
