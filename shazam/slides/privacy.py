"""What in a slide's file may tell who the patient is: tags, images beside the slide, its name.

A finding says where to look and what kind of thing stands there. What it says is not repeated, so
that a report of findings is not itself a leak.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from shazam.manifests import Entry
from shazam.slides.privacy_rules import (
    FREE_TEXT,
    LONG_NUMBER,
    NO_FINDING,
    NO_NAMES,
    PLACEHOLDERS,
    TAG_RULES,
    TEXT_RULES,
    TWO_WORDS,
    PrivacyKind,
)


class PrivacyFinding(Entry):
    """Where something stands (a tag, an associated image, the file name) and its kind."""

    kind: PrivacyKind
    place: str


FILE_NAME = "file name"
_IMAGES = {
    "label": PrivacyKind.LABEL_IMAGE,
    "macro": PrivacyKind.MACRO_IMAGE,
    "thumbnail": PrivacyKind.THUMBNAIL_IMAGE,
}

_DERIVED = "openslide."
_GENERAL_NAMES = frozenset({"name", "id", "value"})


def find_privacy(
    tags: Mapping[str, str], *, associated_images: Sequence[str], file_name: str
) -> tuple[PrivacyFinding, ...]:
    """Return what may tell who the patient is, by kind of place.

    Args:
        tags: all that the file says beside its pixels.
        associated_images: names of the images beside the slide.
        file_name: the name of the file, without folders.
    """
    found = [
        PrivacyFinding(
            kind=_IMAGES.get(name, PrivacyKind.OTHER_IMAGE), place=f"associated image '{name}'"
        )
        for name in associated_images
    ]
    for tag in sorted(tags):
        found += (PrivacyFinding(kind=kind, place=tag) for kind in sorted(_kinds_of(tag, tags)))
    in_name = sorted(_kinds_in_file_name(file_name))
    found += (PrivacyFinding(kind=kind, place=FILE_NAME) for kind in in_name)
    return tuple(found)


def _kinds_of(tag: str, tags: Mapping[str, str]) -> set[PrivacyKind]:
    value = tags[tag].strip()
    if tag.startswith(_DERIVED) and not _is_own_comment(tag, tags):
        return set()
    if value.lower() in PLACEHOLDERS or not value.strip("0 X.:/-"):
        return set()
    words = _words(tag)
    if NO_FINDING.search(words):
        return set()
    kinds = set(_kinds_in(value)) if FREE_TEXT.search(words) else set()
    named = next((kind for kind, rule in TAG_RULES if rule.search(words)), None)
    if named is not None:
        kinds.add(named)
    elif not kinds:
        kinds = {kind for kind in _kinds_in(value) if kind is not PrivacyKind.ACCESSION_NUMBER}
    return kinds


def _is_own_comment(tag: str, tags: Mapping[str, str]) -> bool:
    """Tell a comment that stands in no other tag; OpenSlide's other values are made of those."""
    return tag == "openslide.comment" and tags[tag] not in {
        value for name, value in tags.items() if name != tag
    }


def _words(tag: str) -> str:
    """Return the telling end of a tag's name: letters and digits only, in lower case."""
    *above, last = re.sub(r"\[\d+\]", "", tag).split(".")
    if tag.startswith("hamamatsu."):
        telling = "".join((*above[1:], last))
    elif last.lower() in _GENERAL_NAMES and above:
        telling = above[-1] + last
    else:
        telling = last
    return re.sub(r"[^a-z0-9]", "", telling.lower())


def _kinds_in(text: str) -> Iterator[PrivacyKind]:
    yield from (kind for kind, rule in TEXT_RULES if rule.search(text))


def _kinds_in_file_name(name: str) -> set[PrivacyKind]:
    kinds = set(_kinds_in(name))
    if LONG_NUMBER.search(name):
        kinds.add(PrivacyKind.IDENTIFIER)
    pairs = (set(found.groups()) for found in TWO_WORDS.finditer(name))
    if any(not {word.lower() for word in pair} & NO_NAMES for pair in pairs):
        kinds.add(PrivacyKind.NAME)
    return kinds
