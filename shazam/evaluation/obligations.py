"""Obligations: what the licences of the teachers, taken together, ask of a student."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from shazam.config.acceptance import AcceptanceConfig
from shazam.config.licences import DUTIES, FORBIDDEN, KNOWN_LICENCES, Term
from shazam.manifests import Entry, TeacherIdentity


class Obligation(Entry):
    """One term, whose licences set it, and whether it forbids the intended use."""

    term: Term
    duty: str
    teachers: tuple[str, ...]
    forbids_use: bool


def obligations_of(
    teachers: Sequence[TeacherIdentity], *, acceptance: AcceptanceConfig
) -> tuple[Obligation, ...]:
    """Return the union of the terms of all teachers, against the intended use.

    Args:
        teachers: whose features the candidate reads.
        acceptance: the intended use, and the terms of licences that are not known here.
    """
    bound: dict[Term, set[str]] = defaultdict(set)
    for teacher in teachers:
        for term in _terms(teacher.licence, acceptance=acceptance):
            bound[term].add(teacher.name)
    forbidden = FORBIDDEN[acceptance.intended_use]
    return tuple(
        Obligation(
            term=term,
            duty=DUTIES[term],
            teachers=tuple(sorted(bound[term])),
            forbids_use=term in forbidden,
        )
        for term in Term
        if term in bound
    )


def _terms(licence: str, *, acceptance: AcceptanceConfig) -> frozenset[Term]:
    if licence in KNOWN_LICENCES:
        return KNOWN_LICENCES[licence]
    return frozenset(acceptance.licence_terms.get(licence, (Term.UNKNOWN,)))
