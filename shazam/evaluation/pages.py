"""Templates of the pages, with the filters that they share."""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from shazam.evaluation import wording

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def template_of(name: str) -> Template:
    """Return a template; in those that end in ``html.j2`` values are escaped."""
    environment = Environment(
        loader=PackageLoader("shazam.evaluation", "templates"),
        autoescape=select_autoescape(["html.j2"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        metric=wording.metric_label,
        gate=wording.gate_label,
        reason=wording.reason_label,
        number=wording.number,
        score=wording.score,
        signed=wording.signed,
        p_value=wording.p_value,
        md=in_markdown,
    )
    return environment.get_template(name)


def in_markdown(text: object) -> str:
    """Return text that markdown shows as it is, in one line and one cell of a table."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))
