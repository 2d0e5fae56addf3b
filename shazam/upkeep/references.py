"""What must stay: everything that can be reached from what is kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class References:
    """Who mentions what, and whom a mention means.

    Args:
        mentions: the names that stand in an item, such as digests; names of nothing do no harm.
        meant: the items that a name means.
    """

    mentions: Mapping[str, Collection[str]]
    meant: Mapping[str, Collection[str]]

    def reachable(self, *, items: Iterable[str] = (), names: Iterable[str] = ()) -> frozenset[str]:
        """Return the items that stay: the given ones, those meant by the names, and all they reach.

        Items that are not there are left out.
        """
        waiting = [*items, *(item for name in names for item in self.meant.get(name, ()))]
        reached: set[str] = set()
        while waiting:
            item = waiting.pop()
            if item in reached or item not in self.mentions:
                continue
            reached.add(item)
            for name in self.mentions[item]:
                waiting.extend(self.meant.get(name, ()))
        return frozenset(reached)
