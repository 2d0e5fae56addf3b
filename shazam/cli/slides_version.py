"""Slides by version, for commands: DVC is imported only where a config names some."""

from __future__ import annotations

from shazam.config import Config
from shazam.workspace import Workspace


def resolved(config: Config) -> Config:
    """Return a config whose slides are exact bytes, told by git where a revision is named.

    Raises:
        ConfigError: revision, pointer or remote is not there.
    """
    if config.cohort.slides is None:
        return config
    from shazam.integrations.dvc_revision import resolved as at_revision

    return at_revision(config)


def brought(config: Config, *, workspace: Workspace) -> Config:
    """Return a config whose slides lie in a folder; those by version are brought first.

    Raises:
        DataError: they cannot be brought whole.
    """
    if config.cohort.slides is None:
        return config
    from shazam.integrations.dvc_slides import with_slides

    cohort = with_slides(config.cohort, workspace=workspace)
    return config.model_copy(update={"cohort": cohort})
