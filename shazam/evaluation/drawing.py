"""How the report's figures look, as SVG whose bytes repeat: no dates, no random names."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

INK, GREY, LINE = "#1c2733", "#5b6875", "#c9d2da"
ACCENT, WARM = "#0b6e99", "#b4532a"
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "shazam",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.0,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": GREY,
    "ytick.color": INK,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as a data URI, with what it shows in words."""

    uri: str
    alt: str


@contextmanager
def drawing(*, width_in: float, height_in: float) -> Iterator[Figure]:
    """Give an empty figure; what is drawn inside has the report's look."""
    with mpl.rc_context(_STYLE):
        yield Figure(figsize=(width_in, height_in), layout="constrained")


def picture_of(figure: Figure, *, alt: str) -> Picture:
    """Return a figure as a picture with its words."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    content = base64.b64encode(buffer.getvalue().encode()).decode()
    return Picture(uri=f"data:image/svg+xml;base64,{content}", alt=alt)
