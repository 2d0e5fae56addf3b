"""The `shazam` command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from shazam import __version__
from shazam.cli import commands, teachers
from shazam.cli.cohort import cohort_app
from shazam.cli.config import config_app
from shazam.cli.data import data_app
from shazam.cli.doctor import doctor_command
from shazam.cli.drift import drift_command
from shazam.cli.features import features_app
from shazam.cli.locked import locked_app
from shazam.cli.machine import missing, refusal
from shazam.cli.options import (
    AssumeMppOption,
    ConfigOption,
    DemoConfigOption,
    DryRunOption,
    NoCacheOption,
    ReportOutOption,
    RunArgument,
    SetOption,
    StrictOption,
    WorkspaceOption,
    with_mpp,
)
from shazam.cli.registry import registry_app
from shazam.cli.schedule import schedule_app
from shazam.cli.slides import slides_app
from shazam.cli.split import split_app
from shazam.cli.stack import stack_app
from shazam.cli.stages import stages_app
from shazam.errors import ExitCode, ShazamError
from shazam.stopping import Stopping

app = typer.Typer(
    help="Distil pathology foundation models into a small, audited student.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for group, name in (
    (config_app, "config"),
    (cohort_app, "cohort"),
    (data_app, "data"),
    (slides_app, "slides"),
    (features_app, "features"),
    (split_app, "split"),
    (locked_app, "locked"),
    (stages_app, "stages"),
    (registry_app, "registry"),
    (stack_app, "stack"),
    (schedule_app, "schedule"),
    (teachers.app, "teachers"),
):
    app.add_typer(group, name=name)
app.command("doctor")(doctor_command)
app.command("drift")(drift_command)


@app.command()
def demo(
    config: DemoConfigOption = commands.DEMO_CONFIG,
    workspace: WorkspaceOption = Path("workspace"),
    overrides: SetOption = None,
    strict: StrictOption = False,
    no_cache: NoCacheOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Make a synthetic cohort and run the whole pipeline on it."""
    if dry_run:
        from shazam.cli.plan import plan_demo

        plan_demo(
            config,
            workspace=workspace,
            overrides=overrides or [],
            use_cache=not no_cache,
            as_json=False,
        )
        return
    raise SystemExit(
        commands.demo(
            config,
            workspace=workspace,
            overrides=overrides or [],
            strict=strict,
            use_cache=not no_cache,
        )
    )


@app.command()
def run(
    config: ConfigOption,
    workspace: WorkspaceOption = Path("workspace"),
    overrides: SetOption = None,
    assume_mpp: AssumeMppOption = None,
    strict: StrictOption = False,
    no_cache: NoCacheOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Run the whole pipeline on your own cohort."""
    if dry_run:
        plan(config, workspace, overrides, assume_mpp, no_cache=no_cache)
        return
    raise SystemExit(
        commands.run(
            config,
            workspace=workspace,
            overrides=with_mpp(overrides, assume_mpp),
            strict=strict,
            use_cache=not no_cache,
        )
    )


@app.command()
def repeat(
    config: ConfigOption,
    times: Annotated[
        int, typer.Option("--times", min=2, metavar="R", help="How many partitions, 2 or more.")
    ],
    workspace: WorkspaceOption = Path("workspace"),
    overrides: SetOption = None,
    assume_mpp: AssumeMppOption = None,
    no_cache: NoCacheOption = False,
) -> None:
    """Run a config over several partitions of its cases, without registering anything.

    Partition r has splits.seed = s + r, where s is the config's. Prints the primary metric of each
    arm in each repeat, its mean and a corrected interval. Gates do not decide the exit code.
    """
    from shazam.cli.repeat import repeat as run_repeats

    raise SystemExit(
        run_repeats(
            config,
            times=times,
            workspace=workspace,
            overrides=with_mpp(overrides, assume_mpp),
            use_cache=not no_cache,
        )
    )


@app.command()
def retrain(
    config: ConfigOption,
    workspace: WorkspaceOption = Path("workspace"),
    overrides: SetOption = None,
    min_new_cases: Annotated[
        int | None,
        typer.Option("--min-new-cases", min=1, help="New cases that suffice to train again."),
    ] = None,
    accept_new_criteria: Annotated[
        str | None,
        typer.Option("--accept-new-criteria", metavar="WHY", help="Judge by other criteria."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    assume_mpp: AssumeMppOption = None,
    strict: StrictOption = False,
    no_cache: NoCacheOption = False,
) -> None:
    """Run the pipeline again if enough is new since the last registered run."""
    from shazam.cli.retrain import retrain as run_retrain

    chosen = with_mpp(overrides, assume_mpp)
    if min_new_cases is not None:
        chosen.append(f"retraining.min_new_cases={min_new_cases}")
    raise SystemExit(
        run_retrain(
            config,
            workspace=workspace,
            overrides=chosen,
            why=accept_new_criteria,
            strict=strict,
            use_cache=not no_cache,
            as_json=as_json,
        )
    )


@app.command()
def plan(
    config: ConfigOption,
    workspace: WorkspaceOption = Path("workspace"),
    overrides: SetOption = None,
    assume_mpp: AssumeMppOption = None,
    no_cache: NoCacheOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what a run would do, and what it would cost; nothing is changed."""
    from shazam.cli.plan import plan as tell_plan

    tell_plan(
        config,
        workspace=workspace,
        overrides=with_mpp(overrides, assume_mpp),
        use_cache=not no_cache,
        as_json=as_json,
    )


@app.command()
def gc(
    workspace: WorkspaceOption = Path("workspace"),
    views: Annotated[
        Path, typer.Option("--views", help="Folder in which stages show what they made.")
    ] = Path("data"),
    keep_days: Annotated[
        float, typer.Option("--keep-days", min=0, help="Keep what is younger than this.")
    ] = 7,
    runs: Annotated[
        bool, typer.Option("--runs", help="Remove runs that are not registered, too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove; otherwise only say what.")] = False,
) -> None:
    """Say which keys of a workspace nothing refers to, and remove them with --yes."""
    from shazam.cli.gc import collect

    collect(workspace, views=views, keep_days=keep_days, with_runs=runs, remove_them=yes)


@app.command()
def extract(
    config: ConfigOption,
    workspace: WorkspaceOption = Path("workspace"),
    teachers: Annotated[
        str | None, typer.Option("--teachers", help="Names such as a,b,c; default: the config's.")
    ] = None,
    shard: Annotated[
        str, typer.Option("--shard", metavar="I/N", help="The part of the slides to do.")
    ] = "0/1",
    overrides: SetOption = None,
    assume_mpp: AssumeMppOption = None,
    strict: StrictOption = False,
) -> None:
    """Extract features only; several processes may share a workspace."""
    from shazam.cli.extract import extract as run_extract

    raise SystemExit(
        run_extract(
            config,
            workspace=workspace,
            teachers=teachers,
            shard=shard,
            overrides=with_mpp(overrides, assume_mpp),
            strict=strict,
        )
    )


@app.command()
def report(
    run: RunArgument,
    workspace: WorkspaceOption = Path("workspace"),
    out: ReportOutOption = None,
) -> None:
    """Make the report of a run again, from the run's folder alone."""
    from shazam.cli.report import report as make_report

    make_report(run, workspace=workspace, out=out)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> NoReturn:
    """Run the command; errors become one clear message and the documented exit code."""
    try:
        with Stopping():
            app()
    except ShazamError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(int(error.exit_code))
    except OSError as error:
        typer.echo(f"error: {refusal(error)}", err=True)
        sys.exit(int(ExitCode.FAILED))
    except ModuleNotFoundError as error:
        told = missing(error)
        if told is None:
            raise
        typer.echo(f"error: {told}", err=True)
        sys.exit(int(ExitCode.CONFIGURATION))
    sys.exit(int(ExitCode.DONE))


if __name__ == "__main__":
    main()
