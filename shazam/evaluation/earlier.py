"""What was frozen before: other criteria for the same folds, and other folds of the same cohort."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from pydantic import Field

from shazam.cohort.folds import listed
from shazam.manifests import Entry, Sha256
from shazam.refs import SHA256_PATTERN

_SHORT = 12


class EarlierFreeze(Entry):
    """Criteria that this workspace froze before, and which of their parts were other ones.

    ``splits_sha256`` are the folds they were frozen for; None where these are the same as now.
    ``differs`` is empty where the criteria are the same and the folds are not, and where an earlier
    version froze them, which covered less.
    """

    criteria_sha256: str = Sha256
    differs: tuple[str, ...]
    splits_sha256: str | None = Field(default=None, pattern=SHA256_PATTERN)


def earlier_sentence(earlier: Sequence[EarlierFreeze]) -> str | None:
    """Return it for a reader; None where these were the first."""
    told = [*_other_criteria(earlier), *_other_folds(earlier)]
    return " ".join(told) or None


def _other_criteria(earlier: Sequence[EarlierFreeze]) -> list[str]:
    found = [one for one in earlier if one.splits_sha256 is None]
    if not found:
        return []
    told = "; ".join(
        f"{one.criteria_sha256[:_SHORT]} ({', '.join(one.differs) or 'by an earlier version'})"
        for one in found
    )
    return [
        f"Before these, {len(found)} other set(s) of criteria were frozen for the same folds: "
        f"{told}. Criteria that change after results were seen prove little."
    ]


def _other_folds(earlier: Sequence[EarlierFreeze]) -> list[str]:
    found: dict[str, list[str]] = defaultdict(list)
    for one in earlier:
        if one.splits_sha256 is not None:
            found[one.splits_sha256].append(", ".join(one.differs) or "the same criteria")
    if not found:
        return []
    told = listed([f"{folds[:_SHORT]} ({'; '.join(tried)})" for folds, tried in found.items()])
    return [
        f"Before these, {len(found)} other partition(s) of the same cohort into folds were frozen: "
        f"{told}. Folds that are chosen after results were seen prove little."
    ]
