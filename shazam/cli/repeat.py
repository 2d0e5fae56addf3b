"""What `shazam repeat` does: one config over several partitions, and what lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shazam.cli.occupy import occupy
from shazam.cli.preflight import Checked, preflight
from shazam.cohort.folds import Splits
from shazam.config import Config, load_config
from shazam.config.splits import Scheme
from shazam.digest import digest_of
from shazam.errors import ConfigError, ExitCode
from shazam.evaluation.repeats import Evaluated, Repeats, Spread, repeats_of
from shazam.evaluation.result import EvaluationResult
from shazam.publish import publish_json
from shazam.refs import EvaluationRef
from shazam.workspace import Workspace

FOLDER = "repeats"
_WIDEST = 10_000


def repeat(
    config: Path, *, times: int, workspace: Path, overrides: Sequence[str], use_cache: bool
) -> ExitCode:
    """Run the config for several seeds of splits and keep what was found as JSON.

    Args:
        config: a YAML file.
        times: how many partitions, at least 2.
        workspace: where everything is kept.
        overrides: ``a.b=value`` texts.
        use_cache: whether steps may be taken from earlier runs.

    Raises:
        ConfigError: the scheme has one partition only, or what a run refuses.
        ShazamError: a step of a repeat failed; those before are kept.
    """
    asked = load_config(config, overrides=overrides).config
    _check_scheme(asked)
    checked = preflight(asked)
    home = Workspace(workspace)
    with occupy(home):
        runs = _run_all(asked, checked, times=times, workspace=home, use_cache=use_cache)
        found = repeats_of(runs)
        path = home.root / FOLDER / f"{digest_of(found)}.json"
        publish_json(path, found)
    print_repeats(found)
    print(path)
    return ExitCode.DONE


def _check_scheme(config: Config) -> None:
    scheme = config.splits.scheme
    if scheme is not Scheme.KFOLD:
        raise ConfigError(
            f"splits.scheme {scheme} has one partition, and repeating it would fit the same folds "
            "again; set splits.scheme=kfold, or use shazam run"
        )


def _run_all(
    config: Config, checked: Checked, *, times: int, workspace: Workspace, use_cache: bool
) -> list[Evaluated]:
    from shazam.integrations.environment import prepare_environment

    prepare_environment(workspace)

    from shazam.cli.launch import launch_unregistered

    runs = []
    for number in range(times):
        seed = config.splits.seed + number
        splits = config.splits.model_copy(update={"seed": seed})
        done = launch_unregistered(
            config.model_copy(update={"splits": splits}),
            source_digest=checked.source_digest,
            identities=checked.identities,
            use_cache=use_cache,
        )
        runs.append(_read(done.evaluation, seed=seed, workspace=workspace))
        typer.echo(
            f"repeat {number + 1} of {times}, splits.seed={seed}: "
            f"{done.n_steps - done.n_cached} steps run, {done.n_cached} cached, "
            f"run {runs[-1].run[:12]}"
        )
    return runs


def _read(ref: EvaluationRef, *, seed: int, workspace: Workspace) -> Evaluated:
    path = workspace.open_ref(ref)
    result = EvaluationResult.model_validate_json(path.read_bytes())
    folds = workspace.open(workspace.uri(path.parent / "splits.json"), result.splits_sha256)
    splits = Splits.model_validate_json(folds.read_bytes())
    return Evaluated(seed=seed, run=path.parent.name, result=result, splits=splits)


def print_repeats(found: Repeats) -> None:
    """Print a row for each arm and one for the difference, then what these numbers mean."""
    # as wide as it is: no name of an arm is cut off
    console = Console(highlight=False, soft_wrap=True, width=_WIDEST)
    table = Table(title=None, box=None)
    table.add_column(found.primary_metric)
    for own in found.repeats:
        table.add_column(f"seed {own.seed}", justify="right")
    for title in ("mean", "95 % over repeats", "least to greatest", "sd"):
        table.add_column(title, justify="right")
    for arm in found.arms:
        mark = " *" if arm.arm == found.candidate else ""
        table.add_row(f"{escape(arm.arm)}{mark}", *_cells(arm.primary, sign=""))
    named = escape(f"{found.candidate} - {found.compared_to}")
    table.add_row(named, *_cells(found.difference, sign="+"))
    console.print(table)
    for note in found.notes:
        console.print(f"  {escape(note)}")


def _cells(spread: Spread, *, sign: str) -> list[str]:
    def told(value: float) -> str:
        return f"{value:{sign}.3f}"

    return [
        *map(told, spread.values),
        told(spread.mean),
        f"{told(spread.lower)} to {told(spread.upper)}",
        f"{told(spread.least)} to {told(spread.greatest)}",
        f"{spread.standard_deviation:.3f}",
    ]
