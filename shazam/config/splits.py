"""The section on folds."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from pydantic import Field, model_validator

from shazam.config.section import Section
from shazam.digest import digest_of, digest_of_file
from shazam.errors import ConfigError


class SitePolicy(StrEnum):
    """Whether a site may stand in two parts of a split."""

    PRESERVED = "preserved"
    IGNORED = "ignored"


class Scheme(StrEnum):
    """How outer folds are made: balanced, one for each site, or as files say."""

    KFOLD = "kfold"
    LEAVE_ONE_SITE_OUT = "leave_one_site_out"
    FILES = "files"


class SplitsConfig(Section):
    """Outer folds by case, inner validation carved from training.

    ``files`` are split files made elsewhere, or folders of them; ``column`` names the folds of a
    table that has several. ``min_site_cases`` and ``min_site_events`` are what a site needs to be
    tested alone when each site is left out in turn; smaller ones are tested together.
    """

    scheme: Scheme = Scheme.KFOLD
    n_folds: int = Field(default=5, ge=2, le=20)
    sites: SitePolicy = SitePolicy.PRESERVED
    validation_fraction: float = Field(default=0.2, gt=0, lt=0.5)
    min_site_cases: int = Field(default=10, ge=1)
    min_site_events: int = Field(default=5, ge=1)
    files: tuple[Path, ...] = ()
    column: str | None = None
    seed: int = Field(default=0, ge=0)
    time_limit_s: float = Field(default=20.0, gt=0)

    @model_validator(mode="after")
    def _scheme_has_what_it_needs(self) -> SplitsConfig:
        if bool(self.files) != (self.scheme is Scheme.FILES):
            raise ValueError("files: go with scheme 'files' and with no other; set both or neither")
        if self.column is not None and not self.files:
            raise ValueError("column: names the folds of split files; set splits.files too")
        left_out = self.scheme is Scheme.LEAVE_ONE_SITE_OUT
        if left_out and self.sites is SitePolicy.IGNORED:
            raise ValueError("scheme leave_one_site_out: needs sites, so sites cannot be ignored")
        return self

    def files_digest(self) -> str | None:
        """Return a digest of the names and bytes of all split files; None where there are none.

        Raises:
            ConfigError: a file is missing or cannot be read.
        """
        if not self.files:
            return None
        try:
            return digest_of([(path.name, digest_of_file(path)) for path in self._single_files()])
        except OSError as error:
            raise ConfigError(f"splits.files: {error.filename}: {error.strerror}") from error

    def without_folders(self) -> SplitsConfig:
        """Return the section with the names of its files alone."""
        return self.model_copy(update={"files": tuple(Path(path.name) for path in self.files)})

    def _single_files(self) -> Iterator[Path]:
        for path in self.files:
            if path.is_dir():
                yield from sorted(file for file in path.rglob("*") if file.is_file())
            else:
                yield path
