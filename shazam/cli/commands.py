"""What the commands do. Outer libraries are imported late, so `--help` is quick."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
import yaml

from shazam.cli.occupy import occupy
from shazam.config import Config, LoadedConfig, leaves, load_config
from shazam.errors import ExitCode
from shazam.stages import SOURCE_ROOT
from shazam.workspace import Workspace

if TYPE_CHECKING:
    from shazam.cli.launch import RunResults

DEMO_CONFIG = SOURCE_ROOT / "configs" / "demo.yaml"


def run(
    config: Path, *, workspace: Path, overrides: Sequence[str], strict: bool, use_cache: bool
) -> ExitCode:
    """Run the pipeline on a user's cohort; see :class:`ExitCode`."""
    loaded = load_config(config, overrides=overrides)
    return _run(loaded.config, Workspace(workspace), strict=strict, use_cache=use_cache)


def demo(
    config: Path, *, workspace: Path, overrides: Sequence[str], strict: bool, use_cache: bool
) -> ExitCode:
    """Make the demo's cohort in the workspace and run the pipeline on it."""
    from shazam.cli.demo_cohort import make_demo, with_demo

    loaded = load_config(config, overrides=overrides).config
    place = Workspace(workspace)
    with occupy(place):
        make_demo(loaded, workspace=place)
    return _run(with_demo(loaded, workspace=place), place, strict=strict, use_cache=use_cache)


def config_show(config: Path, *, overrides: Sequence[str]) -> None:
    """Print every value of the resolved tree with its origin."""
    loaded: LoadedConfig = load_config(config, overrides=overrides)
    for key, value in leaves(loaded.config):
        text = yaml.safe_dump(value, default_flow_style=True).removesuffix("\n...\n").strip()
        typer.echo(f"{key}: {text}  # {loaded.origin(key)}")


def _run(config: Config, workspace: Workspace, *, strict: bool, use_cache: bool) -> ExitCode:
    from shazam.cli.preflight import preflight
    from shazam.cli.slides_version import resolved
    from shazam.integrations.environment import prepare_environment

    config = resolved(config)
    checked = preflight(config)
    if config.drift.reference is not None:
        from shazam.evaluation.drift_cohorts import find_feature_set

        find_feature_set(config.drift.reference, workspace=workspace)
    with occupy(workspace):
        prepare_environment(workspace)

        from shazam.cli.launch import launch
        from shazam.cli.summary import print_summary

        results = launch(
            config,
            source_digest=checked.source_digest,
            identities=checked.identities,
            use_cache=use_cache,
        )
        print_summary(results, workspace=workspace)
    return exit_code_of(results, strict=strict)


def exit_code_of(results: RunResults, *, strict: bool) -> ExitCode:
    """Return what a run ends with; ``strict`` tells quarantined slides."""
    if not results.evaluation.passed:
        return ExitCode.REFUSED
    if strict and results.feature_set.n_quarantined:
        return ExitCode.QUARANTINED
    return ExitCode.DONE
