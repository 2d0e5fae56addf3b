"""What the commands do. Outer libraries are imported late, so `--help` is quick."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer
import yaml

from shazam.cli.occupy import occupy
from shazam.config import Config, LoadedConfig, leaves, load_config
from shazam.digest import digest_of
from shazam.errors import ConfigError, ExitCode
from shazam.stages import SOURCE_ROOT
from shazam.workspace import Workspace

DEMO_CONFIG = SOURCE_ROOT / "configs" / "demo.yaml"


def run(
    config: Path, *, workspace: Path, overrides: Sequence[str], strict: bool, use_cache: bool
) -> ExitCode:
    """Run the pipeline on a user's cohort; see :class:`ExitCode`."""
    loaded = load_config(config, overrides=overrides)
    return _run(loaded.config, Workspace(workspace), strict=strict, use_cache=use_cache)


def demo(workspace: Path, *, overrides: Sequence[str], strict: bool, use_cache: bool) -> ExitCode:
    """Make the demo's cohort in the workspace and run the pipeline on it."""
    from shazam.demo import make_demo_cohort
    from shazam.progress import console_progress

    config = load_config(DEMO_CONFIG, overrides=overrides).config
    if config.demo is None:
        raise ConfigError(f"{DEMO_CONFIG}: has no section 'demo'")
    with occupy(Workspace(workspace)):
        made = make_demo_cohort(
            config.demo,
            folder=workspace / "demo" / digest_of(config.demo)[:12],
            progress=lambda total: console_progress("make demo slides", total),
        )
    sources = {"table": made.table.resolve(), "slides_dir": made.slides_dir.resolve()}
    config = config.model_copy(update={"cohort": config.cohort.model_copy(update=sources)})
    return _run(config, Workspace(workspace), strict=strict, use_cache=use_cache)


def config_show(config: Path, *, overrides: Sequence[str]) -> None:
    """Print every value of the resolved tree with its origin."""
    loaded: LoadedConfig = load_config(config, overrides=overrides)
    for key, value in leaves(loaded.config):
        text = yaml.safe_dump(value, default_flow_style=True).removesuffix("\n...\n").strip()
        typer.echo(f"{key}: {text}  # {loaded.origin(key)}")


def _run(config: Config, workspace: Workspace, *, strict: bool, use_cache: bool) -> ExitCode:
    from shazam.cohort import make_splits
    from shazam.cohort.sources import source_digest
    from shazam.cohort.table import check_table
    from shazam.integrations.environment import prepare_environment
    from shazam.teachers import TeacherLibrary
    from shazam.training.clinical_columns import column_kinds

    table, slides_dir = config.cohort.sources()
    library = TeacherLibrary.from_config(config.extraction)
    identities = {name: digest_of(library.identity(name)) for name in config.extraction.encoders()}
    for name in identities:
        library.check_remote_code(name)
    cases = check_table(table, slides_dir=slides_dir, config=config.cohort)
    if config.has_clinical():
        column_kinds(cases)
    # the folds are made again from what passes validation; here only to refuse them early
    make_splits(cases, task=config.cohort.task, config=config.splits)
    with occupy(workspace):
        prepare_environment(workspace)

        from shazam.cli.launch import launch
        from shazam.cli.summary import print_summary

        results = launch(
            config,
            source_digest=source_digest(table, slides_dir=slides_dir),
            identities=identities,
            use_cache=use_cache,
        )
        print_summary(results, workspace=workspace)
    if not results.evaluation.passed:
        return ExitCode.REFUSED
    if strict and results.feature_set.n_quarantined:
        return ExitCode.QUARANTINED
    return ExitCode.DONE
