"""What a file may leave open about its arrays: the words are those of the config."""

from __future__ import annotations

from shazam.config.imports import CoordsUnit, Layout

__all__ = ["CoordsUnit", "Layout"]
