"""The catalogue of frozen encoders: the shipped entries and those of a user's own file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from shazam.errors import ConfigError
from shazam.teachers.entry import TeacherEntry
from shazam.teachers.reading import read_yaml
from shazam.teachers.schema import CatalogueFile

SHIPPED_FILE = Path(__file__).with_name("catalogue.yaml")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Entries by name, in the order of their files."""

    entries: Mapping[str, TeacherEntry]

    @classmethod
    def load(cls, teachers_file: Path | None = None) -> Catalogue:
        """Return the shipped catalogue, with the entries of a user's file after it.

        Args:
            teachers_file: YAML of the shipped catalogue's form; paths in it are relative to it.

        Raises:
            ConfigError: the file cannot be read, is malformed, or names an entry that ships.
        """
        shipped = shipped_catalogue()
        if teachers_file is None:
            return shipped
        own = read_entries(teachers_file)
        taken = sorted(set(own) & set(shipped.entries))
        if taken:
            raise ConfigError(
                f"{teachers_file}: {', '.join(taken)}: the shipped catalogue has an entry of that "
                "name; choose another"
            )
        return cls({**shipped.entries, **own})

    def entry(self, name: str) -> TeacherEntry:
        """Return an entry.

        Raises:
            ConfigError: there is none of that name.
        """
        if name not in self.entries:
            raise ConfigError(f"teacher '{name}' is unknown; known are {', '.join(self.entries)}")
        return self.entries[name]


def read_entries(path: Path) -> dict[str, TeacherEntry]:
    """Return the entries of one catalogue file by name.

    Raises:
        ConfigError: it cannot be read or is malformed.
    """
    file = read_yaml(path, CatalogueFile)
    return {name: part.entry(name, folder=path.parent) for name, part in file.teachers.items()}


@cache
def shipped_catalogue() -> Catalogue:
    """Return the catalogue that ships with Shazam."""
    return Catalogue(read_entries(SHIPPED_FILE))
