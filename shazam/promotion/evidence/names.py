"""The search for names in what is about to be bundled: a fence behind the pseudonyms."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from io import BytesIO
from itertools import combinations
from pathlib import PurePosixPath

import pandas as pd

from shazam.cohort.model import Cohort
from shazam.errors import LeakError

_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._#-]*")
_PIECE = re.compile(r"[A-Za-z0-9]+")
_LEAST, _LEAST_NUMBER = 4, 6  # shorter names are words and numbers of any text
_MOST_PIECES = 16


def names_in(cohort: Cohort) -> frozenset[str]:
    """Return what must not stand in a bundle: ids of cases, patients and slides, and digests."""
    cases = {name for case in cohort.cases for name in (case.case_id, case.group_id)}
    slides = {name for s in cohort.slides for name in (s.slide_id, s.case_id, s.path, s.sha256)}
    excluded = {case.case_id for case in cohort.excluded}
    return frozenset(name for name in cases | slides | excluded if _is_telling(name))


def check_no_names(files: Mapping[str, bytes], *, names: Collection[str]) -> None:
    """Refuse files in whose texts a name stands, alone or within a longer one.

    Names of fewer than 4 signs, and numbers of fewer than 6, are not looked for.

    Args:
        files: name in the bundle -> its bytes.
        names: of cases and slides.

    Raises:
        LeakError: tells the file; the name is told to who may know it.
    """
    wanted = frozenset(names)
    for file, content in files.items():
        for text in _texts(file, content):
            if found := next((part for part in _parts(text) if part in wanted), None):
                raise LeakError(
                    f"bundle: {file} would hold '{found}', the name of a case or slide, in "
                    f"'{text[:80]}'; let no column, site, note or path of the config contain one"
                )


def _is_telling(name: str) -> bool:
    return len(name) >= (_LEAST_NUMBER if name.replace(".", "").isdecimal() else _LEAST)


def _texts(file: str, content: bytes) -> Iterator[str]:
    match PurePosixPath(file).suffix:
        case ".json":
            yield from _strings(json.loads(content))
        case ".parquet":
            frame = pd.read_parquet(BytesIO(content))
            yield from map(str, frame.columns)
            for name in frame.select_dtypes(exclude="number"):
                yield from (str(value) for value in frame[name].unique())
        case ".md":
            yield from content.decode().splitlines()
        case _:
            return


def _strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for name, inner in value.items():
                yield str(name)
                yield from _strings(inner)
        case list():
            for inner in value:
                yield from _strings(inner)
        case _:
            return


def _parts(text: str) -> Iterator[str]:
    """Yield a text, its words, and every run of pieces of these: ``b-1`` of ``a-b-1.svs``."""
    yield text
    for token in _TOKEN.findall(text):
        ends = [found.span() for found in _PIECE.finditer(token)][:_MOST_PIECES]
        yield from (token[first:last] for first, last in ends)
        yield from (token[a[0] : b[1]] for a, b in combinations(ends, 2))
