"""Terms of licences, and which of them forbid an intended use.

What a licence says is a fact; whether a student is a derivative of its teachers is not settled, so
it is treated as one: it carries the terms of all of them.
"""

from __future__ import annotations

from enum import StrEnum


class Term(StrEnum):
    """A condition under which weights may be used."""

    ATTRIBUTION = "attribution"
    SHARE_ALIKE = "share_alike"
    NON_COMMERCIAL = "non_commercial"
    NO_DERIVATIVES = "no_derivatives"
    RESEARCH_ONLY = "research_only"
    GATED = "gated"
    UNKNOWN = "unknown"


class IntendedUse(StrEnum):
    """What the registered model is meant for."""

    RESEARCH = "research"
    CLINICAL = "clinical"
    COMMERCIAL = "commercial"


KNOWN_LICENCES: dict[str, frozenset[Term]] = {
    "0BSD": frozenset(),
    "CC0-1.0": frozenset(),
    "Unlicense": frozenset(),
    "Apache-2.0": frozenset({Term.ATTRIBUTION}),
    "BSD-2-Clause": frozenset({Term.ATTRIBUTION}),
    "BSD-3-Clause": frozenset({Term.ATTRIBUTION}),
    "MIT": frozenset({Term.ATTRIBUTION}),
    "CC-BY-4.0": frozenset({Term.ATTRIBUTION}),
    "CC-BY-SA-4.0": frozenset({Term.ATTRIBUTION, Term.SHARE_ALIKE}),
    "CC-BY-NC-4.0": frozenset({Term.ATTRIBUTION, Term.NON_COMMERCIAL}),
    "CC-BY-ND-4.0": frozenset({Term.ATTRIBUTION, Term.NO_DERIVATIVES}),
    "CC-BY-NC-SA-4.0": frozenset({Term.ATTRIBUTION, Term.NON_COMMERCIAL, Term.SHARE_ALIKE}),
    "CC-BY-NC-ND-4.0": frozenset({Term.ATTRIBUTION, Term.NON_COMMERCIAL, Term.NO_DERIVATIVES}),
    "Apache-2.0 (research-use text)": frozenset({Term.ATTRIBUTION, Term.RESEARCH_ONLY}),
    "Owkin non-commercial": frozenset({Term.ATTRIBUTION, Term.NON_COMMERCIAL}),
}

DUTIES = {
    Term.ATTRIBUTION: "name the licensor wherever the student is shown or shared",
    Term.SHARE_ALIKE: "share the student only under the same licence",
    Term.NON_COMMERCIAL: "no commercial use",
    Term.NO_DERIVATIVES: "do not share what was made from the weights, the student included",
    Term.RESEARCH_ONLY: "research only",
    Term.GATED: "whoever uses the weights has to accept the licensor's terms first",
    Term.UNKNOWN: "the terms are not known here: read the licence",
}

# care of patients is refused what commerce is: most hospitals are paid for it
_NOT_IN_CARE = frozenset(
    {Term.NON_COMMERCIAL, Term.NO_DERIVATIVES, Term.RESEARCH_ONLY, Term.UNKNOWN}
)
FORBIDDEN = {
    IntendedUse.RESEARCH: frozenset[Term](),
    IntendedUse.CLINICAL: _NOT_IN_CARE,
    IntendedUse.COMMERCIAL: _NOT_IN_CARE,
}
