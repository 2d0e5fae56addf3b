"""Other criteria that were frozen before for the same folds."""

from __future__ import annotations

from collections.abc import Sequence

from shazam.manifests import Entry, Sha256


class EarlierFreeze(Entry):
    """Criteria that this workspace froze before, and which of their parts were other ones.

    ``differs`` is empty where an earlier version froze them, which covered less.
    """

    criteria_sha256: str = Sha256
    differs: tuple[str, ...]


def earlier_sentence(earlier: Sequence[EarlierFreeze]) -> str | None:
    """Return it for a reader; None where these were the first."""
    if not earlier:
        return None
    told = "; ".join(
        f"{one.criteria_sha256[:12]} ({', '.join(one.differs) or 'by an earlier version'})"
        for one in earlier
    )
    return (
        f"Before these, {len(earlier)} other set(s) of criteria were frozen for the same folds: "
        f"{told}. Criteria that change after results were seen prove little."
    )
