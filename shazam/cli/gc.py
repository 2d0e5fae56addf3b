"""`shazam gc`: remove the keys of a workspace that nothing refers to."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from shazam.cli.occupy import look, occupy
from shazam.errors import ConfigError
from shazam.integrations.environment import mlflow_uri, prepare_environment
from shazam.workspace import Workspace

if TYPE_CHECKING:
    from shazam.integrations.zenml_lineage import StepValues
    from shazam.upkeep.contents import Item

_DAY_S = 86_400


def collect(
    workspace: Path, *, views: Path, keep_days: float, with_runs: bool, remove_them: bool
) -> None:
    """Print which keys nothing refers to, and remove them if asked.

    Args:
        workspace: its folder.
        views: the folder in which stages show what they made, beside the workspace's own.
        keep_days: what changed within so many days stays, with all that it refers to.
        with_runs: whether runs that no registered model version stands on may go.
        remove_them: whether to remove, not only to print.

    Raises:
        ConfigError: there is no such workspace, or it was moved or copied here.
        ShazamError: a run holds it.
    """
    place = Workspace(workspace)
    if not workspace.is_dir():
        raise ConfigError(f"workspace {workspace}: there is no such folder")
    with occupy(place) if remove_them else look(place):
        prepare_environment(place)
        with _lineage(copied=not remove_them) as values:
            _collect(
                place,
                values=values,
                views=views,
                younger_than=time.time() - keep_days * _DAY_S,
                with_runs=with_runs,
                remove_them=remove_them,
            )


def _collect(
    workspace: Workspace,
    *,
    values: Sequence[StepValues],
    views: Path,
    younger_than: float,
    with_runs: bool,
    remove_them: bool,
) -> None:
    from shazam.upkeep.contents import RUNS, items_of
    from shazam.upkeep.removal import freed_bytes, remove, sweep_removed
    from shazam.upkeep.roots import names_outside, pointed_at, references_of

    if remove_them:
        sweep_removed(workspace)
    items = items_of(workspace)
    references = references_of(items, made_by_runs=_made_by_runs(values))
    kept = references.reachable(
        items=[
            *(item.uri for item in items if item.changed_s >= younger_than),
            *(item.uri for item in items if item.kind == RUNS and not with_runs),
            *pointed_at(items, workspace=workspace),
        ],
        names=names_outside(workspace, views=views, registered=_registered(workspace)),
    )
    unused = [item for item in items if item.uri not in kept]
    _tell(unused, n_kept=len(kept), freed=freed_bytes(unused), removed=remove_them)
    if remove_them and unused:
        _forget(values, meant=references.meant, unused={item.uri for item in unused})
        for item in unused:
            remove(item, workspace=workspace)


def _tell(unused: Sequence[Item], *, n_kept: int, freed: int, removed: bool) -> None:
    for item in unused:
        typer.echo(f"{item.uri}  {item.n_bytes:,} bytes")
    by_kind: dict[str, list[int]] = {}
    for item in unused:
        by_kind.setdefault(item.kind, []).append(item.n_bytes)
    for kind, sizes in sorted(by_kind.items()):
        typer.echo(f"{kind}: {len(sizes)} keys, {sum(sizes):,} bytes")
    total = sum(item.n_bytes for item in unused)
    fate = "are removed" if removed else "are referred to by nothing"
    typer.echo(
        f"{len(unused)} keys of {total:,} bytes {fate}, {n_kept} stay; "
        f"the disk gets back {freed:,} bytes"
    )
    if unused and total > freed:
        typer.echo("the rest is linked from elsewhere, such as DVC's cache; see `dvc gc`")
    if unused and not removed:
        typer.echo("nothing was removed; --yes removes them")


@contextmanager
def _lineage(*, copied: bool) -> Iterator[tuple[StepValues, ...]]:
    """Give what the steps of all runs gave; of a copy of the store where it must stay as it is."""
    from shazam.integrations.zenml_store import copied_store, store_is_remote, store_is_there

    with ExitStack() as stack:
        remote = store_is_remote()
        if not remote and not store_is_there():
            yield ()
            return
        if copied and not remote:
            stack.enter_context(copied_store())
        from shazam.integrations.environment import quieten
        from shazam.integrations.zenml_lineage import step_values

        quieten()
        yield step_values()


def _made_by_runs(values: Sequence[StepValues]) -> dict[str, set[str]]:
    """Return for each digest that a step of a run gave all digests that its other steps gave."""
    by_run: dict[object, set[str]] = {}
    for value in values:
        by_run.setdefault(value.run, set()).update(value.digests)
    made: dict[str, set[str]] = {}
    for value in values:
        for digest in value.evaluated:
            made.setdefault(digest, set()).update(by_run[value.run])
    return made


def _forget(
    values: Sequence[StepValues], *, meant: Mapping[str, Collection[str]], unused: Collection[str]
) -> None:
    """Let ZenML forget the steps whose values go, so that no later run is given them."""
    lost = {
        value.step
        for value in values
        if value.reusable
        and any(uri in unused for name in value.digests for uri in meant.get(name, ()))
    }
    if lost:
        from shazam.integrations.zenml_lineage import forget

        forget(lost)


def _registered(workspace: Workspace) -> frozenset[str]:
    """Return the digests of the bundles of all registered versions."""
    root = workspace.root.resolve()
    uri = os.environ["MLFLOW_TRACKING_URI"]
    if uri == mlflow_uri(root) and not (root / "mlflow.db").is_file():
        return frozenset()
    from shazam.integrations.mlflow import MlflowModelStore

    return MlflowModelStore.of(workspace).registered()
