"""Events of survival: what the cells of a table mean, as 1 for what was seen."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shazam.cells import is_missing
from shazam.cohort.findings import Findings
from shazam.cohort.values import number_of
from shazam.config.cohort import Coding

_UNCENSORED = re.compile(r"(un|no|non|not)[ _.-]?censor")
_CODED = re.compile(r"([01])\s*:\s*(.+)")
_SEEN = {"dead", "deceased", "died", "death", "dead with tumor", "progressed", "progression"} | {
    *("recurred", "recurred/progressed", "relapsed", "relapse"),
}
_CENSORED = {"alive", "living", "lived", "alive or dead tumor free", "diseasefree"} | {
    *("disease free", "tumor free", "no progression", "censored"),
}
_CODES = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}


def coding_of(column: str, *, told: Coding | None = None) -> Coding:
    """Return what 1 means in a column: as told, else by its name."""
    if told is not None:
        return told
    name = column.lower()
    return Coding.CENSORED if "censor" in name and not _UNCENSORED.search(name) else Coding.EVENT


def event_of(text: str, *, coding: Coding) -> bool | None:
    """Return whether the event was seen; None if the cell does not say it, or contradicts itself.

    Read are 0 and 1, ``true`` and ``false``, ``Dead`` and ``Alive``, and ``1:DECEASED``, whose
    word must agree with its number.
    """
    lowered = text.strip().lower()
    coded = _CODED.fullmatch(lowered)
    number = number_of(coded[1] if coded else lowered)
    number = _CODES.get(lowered, number)
    word = coded[2] if coded else lowered
    said = _said(word)
    if number is None:
        return said
    if number not in (0.0, 1.0):
        return None
    event = (number == 1.0) is (coding is Coding.EVENT)
    return event if said in (None, event) else None


def _said(word: str) -> bool | None:
    if word in _SEEN:
        return True
    return False if word in _CENSORED else None


def event_problem(text: str, *, column: str, coding: Coding) -> str | None:
    """Return what is wrong with the cell of an event."""
    if event_of(text, coding=coding) is not None:
        return None
    meaning = "0 (censored) or 1 (event seen)"
    if coding is Coding.CENSORED:
        meaning = "0 (event seen) or 1 (censored)"
    if number_of(text) == 2.0:
        meaning += "; where 1 is censored and 2 is dead, write 0 and 1"
    return f"{column} '{text}' is not {meaning}"


def note_coding(column: str, texts: Sequence[str], *, coding: Coding, findings: Findings) -> None:
    """Say that a column was inverted, and how many events that makes."""
    if coding is not Coding.CENSORED:
        return
    known = [text for text in texts if not is_missing(text)]
    events = [event_of(text, coding=coding) for text in known]
    findings.note(
        f"column '{column}': 1 means censored there, so it is inverted: event 1 (seen) in "
        f"{events.count(True)} of {len(known)} rows"
    )
