"""Shards: the part of a cohort's slides that one of several processes works on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shazam.errors import ConfigError
from shazam.manifests import TiledSlide

_TEXT = re.compile(r"(\d{1,6})/(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Shard:
    """Part ``index`` of ``count``; a slide's part follows from its digest alone.

    Adding slides to a cohort moves no slide from one part to another.
    """

    index: int = 0
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Return the shard of a text such as ``2/8``.

        Parts may be counted from 0 or from 1: part ``n/n`` is part ``0/n``, so both ways of
        counting take every slide once.

        Raises:
            ConfigError: the text is no shard.
        """
        found = _TEXT.fullmatch(text.strip())
        index, count = (int(part) for part in found.groups()) if found else (1, 0)
        if index > count or count == 0:
            raise ConfigError(
                f"shard '{text}' is none; write it as i/n, i from 0 to n - 1 (or from 1 to n), "
                "such as 0/4"
            )
        return cls(index % count, count)

    def part_of(self, slide_sha256: str) -> bool:
        """Tell whether a slide belongs to this shard."""
        return int(slide_sha256, 16) % self.count == self.index

    def select(self, slides: Sequence[TiledSlide]) -> tuple[TiledSlide, ...]:
        """Return the slides of this shard, in order."""
        return tuple(tiled for tiled in slides if self.part_of(tiled.slide.sha256))

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"
