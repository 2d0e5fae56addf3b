"""The `shazam locked` commands: test cohorts that nothing trains on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

locked_app = typer.Typer(
    help="Test cohorts that nothing trains on, each release measured once.", no_args_is_help=True
)

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="Folder in which everything is kept.")
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the locked cohort.")]
CohortOption = Annotated[
    Path | None,
    typer.Option(
        "--cohort",
        exists=True,
        dir_okay=False,
        help="cohorts/<digest>/cohort.parquet of the cases.",
    ),
]
ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="YAML file whose cohort is the locked one.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=VALUE", help="Override one value; may be repeated."),
]
SitesOption = Annotated[
    bool, typer.Option("--site-preserved", help="Promise that none of its sites is trained on.")
]
ReleaseOption = Annotated[str, typer.Option("--release", help="The release that is measured.")]
BundleOption = Annotated[str, typer.Option("--bundle", help="SHA-256 of the release's bundle.")]
WhoOption = Annotated[str, typer.Option("--who", help="Who measures it.")]
WhyOption = Annotated[str, typer.Option("--why", help="What for.")]


@locked_app.command()
def add(
    name: NameArgument,
    cohort: CohortOption = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="YAML file whose cohort is locked.")
    ] = None,
    workspace: WorkspaceOption = Path("workspace"),
    site_preserved: SitesOption = False,
    overrides: SetOption = None,
) -> None:
    """Lock a cohort: from now on training on its cases or slides is refused with exit code 5."""
    from shazam.cli.locked_cohort import cohort_to_lock
    from shazam.cli.occupy import occupy
    from shazam.cohort.locked import lock_cohort
    from shazam.workspace import Workspace

    home = Workspace(workspace)
    with occupy(home):
        found = cohort_to_lock(cohort, config=config, overrides=overrides or [], workspace=home)
        locked = lock_cohort(found, name=name, sites_preserved=site_preserved, workspace=home)
    typer.echo(f"locked {locked.name}: {len(locked.case_ids)} cases")


@locked_app.command()
def use(
    name: NameArgument,
    release: ReleaseOption,
    bundle: BundleOption,
    who: WhoOption,
    why: WhyOption,
    workspace: WorkspaceOption = Path("workspace"),
) -> None:
    """Record that a release is measured; a second time for one release ends with exit code 5."""
    from shazam.cli.occupy import occupy
    from shazam.cohort.locked_uses import record_use
    from shazam.workspace import Workspace

    home = Workspace(workspace)
    with occupy(home):
        recorded = record_use(
            name,
            release=release,
            bundle_sha256=bundle,
            who=who,
            why=why,
            when=datetime.now(UTC),
            workspace=home,
        )
    typer.echo(f"use {recorded.number} of locked cohort {name}: release {release}")


@locked_app.command()
def measure(
    name: NameArgument,
    config: ConfigOption,
    release: ReleaseOption,
    who: WhoOption,
    why: WhyOption,
    version: Annotated[
        str | None, typer.Option("--version", help="The release's version, or an alias of it.")
    ] = None,
    bundle: Annotated[
        str | None, typer.Option("--bundle", help="SHA-256 of its bundle, instead of a version.")
    ] = None,
    champion: Annotated[
        str | None,
        typer.Option("--champion", help="Model in use: SHA-256 of a bundle, version or alias."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="Registered model of the versions; default: cohort.name."),
    ] = None,
    workspace: WorkspaceOption = Path("workspace"),
    overrides: SetOption = None,
) -> None:
    """Measure and judge a release on a locked cohort, once; a second time ends with exit code 5.

    The use is recorded before any result is computed. A failed gate ends with exit code 5 too.
    """
    from shazam.cli.measure import Measurement
    from shazam.cli.measure import measure as run_measure
    from shazam.workspace import Workspace

    asked = Measurement(
        locked=name,
        release=release,
        who=who,
        why=why,
        model=model,
        version=version,
        bundle=bundle,
        champion=champion,
    )
    code = run_measure(
        asked, config=config, overrides=overrides or [], workspace=Workspace(workspace)
    )
    raise SystemExit(int(code))


@locked_app.command()
def status(workspace: WorkspaceOption = Path("workspace")) -> None:
    """Print every locked cohort with its uses, after their record was checked."""
    from shazam.cohort.locked import locked_cohorts
    from shazam.cohort.locked_uses import uses_of
    from shazam.evaluation.measured import measured_of
    from shazam.workspace import Workspace

    home = Workspace(workspace)
    locked = locked_cohorts(home)
    if not locked:
        typer.echo("no locked cohort")
    for cohort in locked:
        uses = uses_of(cohort.name, workspace=home)
        sites = "not promised" if cohort.sites is None else f"{len(cohort.sites)} kept apart"
        typer.echo(
            f"{cohort.name}: {len(cohort.case_ids)} cases, sites {sites}, used {len(uses)} times"
        )
        for one in uses:
            typer.echo(
                f"  {one.number}. {one.when:%Y-%m-%d} release {one.release}, bundle "
                f"{one.bundle_sha256[:12]}, {one.who}: {one.why}"
            )
            result = measured_of(cohort.name, one, workspace=home)
            typer.echo(f"     result: {result or 'none in this workspace'}")
