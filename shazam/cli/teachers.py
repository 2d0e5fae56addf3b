"""`shazam teachers`: list, show, fetch and verify the frozen encoders."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from shazam.config import load_config
from shazam.config.load import LOCK_NAME
from shazam.errors import ConfigError, ExitCode, ShazamError
from shazam.teachers.catalogue import Catalogue
from shazam.teachers.entry import Hub, Loader, Local, Packaged, TeacherEntry
from shazam.teachers.library import TeacherLibrary

app = typer.Typer(help="The frozen encoders and their weights.", no_args_is_help=True)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Take teachers_file and teachers_lock of it.")
]
TeachersFileOption = Annotated[
    Path | None, typer.Option("--teachers-file", help="YAML with entries of your own.")
]
LockOption = Annotated[
    Path | None, typer.Option("--lock", help=f"Lock file; else the config's, else {LOCK_NAME}.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True)
class _Files:
    """The files that options and config name; ``folder`` is the config's."""

    teachers: Path | None
    lock: Path | None
    folder: Path | None
    allowed: frozenset[str]

    def library(self) -> TeacherLibrary:
        return TeacherLibrary.open(
            teachers_file=self.teachers,
            lock_file=self.lock,
            config_folder=self.folder,
            allow_remote_code=self.allowed,
        )


@app.command("list")
def list_teachers(
    config: ConfigOption = None,
    teachers_file: TeachersFileOption = None,
    lock: LockOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the teachers of the catalogue."""
    library = _files(config, teachers_file, lock).library()
    rows = [_row(entry, library) for entry in library.catalogue.entries.values()]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        dims = "/".join(str(dim) for dim in row["dims"].values())
        gated = "gated" if row["gated"] else "open"
        typer.echo(f"{row['name']:20} {dims:>15}  {row['state']:10} {gated:6} {row['licence']}")


@app.command()
def show(
    name: str,
    config: ConfigOption = None,
    teachers_file: TeachersFileOption = None,
    lock: LockOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all that is known of one teacher."""
    library = _files(config, teachers_file, lock).library()
    entry = library.entry(name)
    locked = library.lock.teachers.get(name)
    is_known = not isinstance(entry.source, Hub) or locked is not None
    shown = {
        **_plain(entry),
        "locked": locked.model_dump(mode="json") if locked else None,
        "identity": library.identity(name).model_dump(mode="json") if is_known else None,
    }
    if as_json:
        typer.echo(json.dumps(shown, indent=2))
        return
    for key, value in shown.items():
        typer.echo(f"{key}: {json.dumps(value)}")


@app.command()
def fetch(
    names: list[str],
    config: ConfigOption = None,
    teachers_file: TeachersFileOption = None,
    lock: LockOption = None,
    update: Annotated[
        bool, typer.Option("--update", help="Take the newest and lock other bytes.")
    ] = False,
    revision: Annotated[
        str | None, typer.Option("--revision", help="Branch, tag or commit instead of the newest.")
    ] = None,
) -> None:
    """Fetch teachers from the hub, or from SHAZAM_WEIGHTS, and lock their bytes."""
    from shazam.teachers.lock import find_lock, read_lock, write_lock

    files = _files(config, teachers_file, lock)
    catalogue = Catalogue.load(files.teachers)
    entries = [catalogue.entry(name) for name in names]
    target = files.lock or find_lock(None, folder=files.folder) or _new_lock(files.folder)
    for entry in entries:
        before = read_lock(target if target.is_file() else None)
        known = before.teachers.get(entry.name)
        if revision is not None and known is not None and not update:
            raise ConfigError(
                f"teacher '{entry.name}': is locked at {known.revision}; --revision needs --update"
            )
        fetched = _fetch(entry, known=known, update=update, revision=revision)
        if fetched.locked != known:
            # read again: another fetch may have added its own entry meanwhile
            now = read_lock(target if target.is_file() else None)
            write_lock(target, now.with_entry(entry.name, fetched.locked))
        what = "unchanged" if fetched.locked == known else f"locked in {target}"
        typer.echo(f"{entry.name}: {fetched.locked.revision} {what}; licence {entry.licence}")
        for line in fetched.changes:
            typer.echo(f"  changed {line}")


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument()] = None,
    config: ConfigOption = None,
    teachers_file: TeachersFileOption = None,
    lock: LockOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the files of teachers with their digests; by default of all that are locked."""
    library = _files(config, teachers_file, lock).library()
    chosen = names or [
        entry.name
        for entry in library.catalogue.entries.values()
        if isinstance(entry.source, Local) or entry.name in library.lock.teachers
    ]
    rows, worst = [], ExitCode.DONE
    for name in chosen:
        try:
            _verify(library, library.entry(name))
        except ShazamError as error:
            worst = max(worst, error.exit_code)
            rows.append({"name": name, "ok": False, "problem": str(error)})
        else:
            rows.append({"name": name, "ok": True, "problem": None})
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    else:
        for row in rows:
            typer.echo(f"{row['name']}: {'ok' if row['ok'] else row['problem']}")
        if not rows:
            typer.echo("no teacher is locked; run: shazam teachers fetch NAME")
    raise SystemExit(int(worst))


def _files(config: Path | None, teachers_file: Path | None, lock: Path | None) -> _Files:
    """Return the files: an option counts before the config."""
    if config is None:
        return _Files(teachers_file, lock, None, frozenset())
    extraction = load_config(config).config.extracted()
    return _Files(
        teachers=teachers_file or extraction.teachers_file,
        lock=lock or extraction.teachers_lock,
        folder=config.parent,
        allowed=frozenset(extraction.allow_remote_code),
    )


def _new_lock(folder: Path | None) -> Path:
    return (folder or Path.cwd()) / LOCK_NAME


def _fetch(entry: TeacherEntry, *, known: Any, update: bool, revision: str | None) -> Any:
    from shazam.teachers.fetch import fetch_from_hub, fetch_from_mirror
    from shazam.teachers.hub import HuggingFace
    from shazam.teachers.store import weights_dir_from

    weights_dir = weights_dir_from()
    if weights_dir is not None:
        return fetch_from_mirror(
            entry, weights_dir=weights_dir, known=known, update=update, revision=revision
        )
    client = HuggingFace(name=entry.name, gated=entry.gated)
    return fetch_from_hub(entry, client=client, known=known, update=update, revision=revision)


def _verify(library: TeacherLibrary, entry: TeacherEntry) -> None:
    from shazam.teachers.store import local_file, packaged_file

    match entry.source:
        case Hub():
            library.verified_files(entry.name)
        case Packaged() as source:
            packaged_file(source)
        case Local() as source:
            local_file(entry.name, source)
        case _:
            return


def _row(entry: TeacherEntry, library: TeacherLibrary) -> dict[str, Any]:
    source = entry.source
    if isinstance(source, Hub):
        state = "locked" if entry.name in library.lock.teachers else "not locked"
    else:
        state = type(source).__name__.lower()
    return {
        "name": entry.name,
        "hub_id": source.hub_id if isinstance(source, Hub) else None,
        "state": state,
        "dims": entry.dims.model_dump(),
        "params_millions": entry.params_millions,
        "licence": entry.licence,
        "gated": entry.gated,
        "remote_code": entry.network is not None and entry.network.loader is Loader.REMOTE_CODE,
    }


def _plain(entry: TeacherEntry) -> dict[str, Any]:
    """Return the facts of an entry as JSON data."""
    source = {"kind": type(entry.source).__name__.lower(), **asdict(entry.source)}
    return {
        "name": entry.name,
        "revision": entry.revision,
        "source": {key: str(v) if isinstance(v, Path) else v for key, v in source.items()},
        "network": asdict(entry.network) if entry.network else None,
        "transform": asdict(entry.transform) if entry.transform else None,
        "dims": entry.dims.model_dump(),
        "licence": entry.licence,
        "gated": entry.gated,
        "params_millions": entry.params_millions,
        "mpp": entry.mpp,
        "notes": entry.notes,
    }
