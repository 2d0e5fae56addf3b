"""The demo's cohort in a workspace: where it lies, and how it is made."""

from __future__ import annotations

from pathlib import Path

from shazam.config import Config
from shazam.config.tree import DemoConfig
from shazam.demo.cohort import DemoCohort, make_demo_cohort
from shazam.digest import digest_of
from shazam.errors import ConfigError
from shazam.progress import console_progress
from shazam.workspace import Workspace


def make_demo(config: Config, *, workspace: Workspace) -> DemoCohort:
    """Make the cohort in the workspace, or take what is there.

    Raises:
        ConfigError: the config has no section ``demo``.
    """
    return make_demo_cohort(
        _asked(config),
        folder=_folder(config, workspace),
        progress=lambda total: console_progress("make demo slides", total),
    )


def with_demo(config: Config, *, workspace: Workspace) -> Config:
    """Return a config whose cohort is the demo's.

    Raises:
        ConfigError: the config has no section ``demo``.
    """
    folder = _folder(config, workspace).resolve()
    sources = {"table": folder / "cohort.csv", "slides_dir": folder / "slides"}
    cohort = config.cohort.model_copy(update=sources)
    return config.model_copy(update={"cohort": cohort})


def _folder(config: Config, workspace: Workspace) -> Path:
    return workspace.root / "demo" / digest_of(_asked(config))[:12]


def _asked(config: Config) -> DemoConfig:
    if config.demo is None:
        raise ConfigError("the config has no section 'demo', so no cohort can be made")
    return config.demo
