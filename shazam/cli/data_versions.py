"""What the `shazam data` commands do."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import typer

from shazam.cli.occupy import occupy
from shazam.errors import ConfigError
from shazam.integrations import dvc_compare, dvc_settings, dvc_transfer
from shazam.integrations.dvc_add import manifest_beside, version_path
from shazam.integrations.dvc_repository import Scope, scope
from shazam.integrations.dvc_transfer import Moved
from shazam.workspace import Workspace

_VIEWS = Path("data") / "features"


def version(paths: Sequence[Path], *, workspace: Path | None) -> None:
    """Version each path and print what was made and what to commit."""
    with _place(paths, workspace=workspace, changes=True) as place:
        for path in place.paths or _views(place):
            made = version_path(path, place=place)
            typer.echo(f"{made.path}: {made.md5}, {made.n_files} file(s), {made.size_bytes} bytes")
            names = (f"{path}.dvc", manifest_beside(path), path.parent / ".gitignore")
            _tell_commit(names, place=place)


def push(paths: Sequence[Path], *, workspace: Path | None) -> None:
    """Send versions and print what was sent."""
    with _place(paths, workspace=workspace) as place:
        _print(dvc_transfer.push(place), verb="sent", place=place)


def pull(paths: Sequence[Path], *, workspace: Path | None) -> None:
    """Bring versions and print what came."""
    with _place(paths, workspace=workspace, changes=True) as place:
        _print(dvc_transfer.pull(place), verb="brought", place=place)


def status(paths: Sequence[Path], *, workspace: Path | None) -> None:
    """Print what changed, and what the remote lacks."""
    with _place(paths, workspace=workspace) as place:
        states = dvc_compare.status(place)
        for state in states:
            for change in state.changed:
                typer.echo(f"changed: {change}")
            if state.n_lacking is None:
                typer.echo(f"not pushed: {state.path}: there is no remote (shazam data remote URL)")
            elif state.n_lacking:
                typer.echo(
                    f"not pushed: {state.path}: {state.n_lacking} of {state.n_objects} object(s)"
                )
        n_clean = sum(state.clean for state in states)
        typer.echo(f"{n_clean} of {len(states)} version(s) unchanged and pushed")


def diff(rev: str, paths: Sequence[Path], *, workspace: Path | None) -> None:
    """Print what became of each file since a revision."""
    with _place(paths, workspace=workspace) as place:
        changes = dvc_compare.diff(rev, place=place)
        for name, what in changes.items():
            typer.echo(f"{what}: {name}")
        typer.echo(f"{len(changes)} file(s) differ from {rev}")


def remote(url: str, *, endpoint: str | None, workspace: Path | None) -> None:
    """Name the default remote and print where that stands."""
    with _place((), workspace=workspace) as place:
        file = dvc_settings.set_remote(url, endpoint=endpoint, repository=place.repository)
        typer.echo(f"{place.shown(file)}: the default remote is {url}")
        _tell_commit((file,), place=place)


@contextmanager
def _place(
    paths: Sequence[Path], *, workspace: Path | None, changes: bool = False
) -> Iterator[Scope]:
    own = None if workspace is None else Workspace(workspace)
    if own is not None and not own.root.is_dir():
        raise ConfigError(f"workspace {own.root}: no such folder; name that of a run")
    held = occupy(own) if own is not None and changes else nullcontext()
    with held, scope(paths, workspace=own) as place:
        yield place


def _views(place: Scope) -> list[Path]:
    views = place.root / _VIEWS
    found = sorted(path for path in views.iterdir() if path.is_dir()) if views.is_dir() else []
    if not found:
        raise ConfigError(f"{views}: holds no features; name the PATH that is to be versioned")
    return found


def _tell_commit(files: Sequence[Path | str], *, place: Scope) -> None:
    if place.repository.config["core"].get("no_scm"):
        return
    names = [shlex.quote(place.shown(file)) for file in files if Path(file).is_file()]
    typer.echo(f"  commit: git add {' '.join(names)}")


def _print(moved: Sequence[Moved], *, verb: str, place: Scope) -> None:
    for one in moved:
        checked = ", SHA-256 compared" if one.verified else ""
        typer.echo(
            f"{one.path}: {one.md5}, {one.n_files} file(s), {one.n_moved} object(s) {verb}{checked}"
        )
    if not moved:
        typer.echo(f"{place.root}: has no version yet; make one with 'shazam data version PATH'")
