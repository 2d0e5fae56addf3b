"""Which DVC repository is meant: that of a workspace, or the one that holds a path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shazam.errors import ConfigError
from shazam.integrations.environment import quieten
from shazam.workspace import Workspace

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo

POINTER = ".dvc"


@dataclass(frozen=True, slots=True)
class Scope:
    """A repository, and the paths of it that are meant; none: all that it versions."""

    repository: Repo
    paths: tuple[Path, ...]

    @property
    def root(self) -> Path:
        """The repository's folder."""
        return Path(self.repository.root_dir)

    def shown(self, path: Path | str) -> str:
        """Return a path as messages name it: relative to the repository."""
        own = Path(path)
        return own.relative_to(self.root).as_posix() if own.is_relative_to(self.root) else str(own)

    def outs(self) -> list[Output]:
        """Return the versions that are meant, of those that pointers and ``dvc.yaml`` name.

        Raises:
            ConfigError: a path has no version, or one of DVC 2, or DVC cannot read its pointers.
        """
        from dvc.exceptions import DvcException

        try:
            known = [
                out
                for out in self.repository.index.outs
                if out.use_cache and out.is_in_repo and not out.stage.is_import
            ]
        except DvcException as error:
            raise ConfigError(f"{self.root}: its pointers cannot be read: {error}") from error
        for path in self.paths:
            if not any(_meets(path, Path(out.fs_path)) for out in known):
                raise ConfigError(
                    f"{path}: has no version in {self.root}; make one with "
                    f"'shazam data version {self.shown(path)}'"
                )
        meant = [
            out
            for out in known
            if not self.paths or any(_meets(path, Path(out.fs_path)) for path in self.paths)
        ]
        for out in meant:
            if out.hash_info and out.hash_name != "md5":
                raise ConfigError(
                    f"{self.shown(out.fs_path)}: was versioned by DVC 2; run 'dvc cache migrate "
                    "--dvc-files' once"
                )
        return sorted((out for out in meant if out.hash_info), key=lambda out: str(out.fs_path))


@contextmanager
def scope(paths: Sequence[Path], *, workspace: Workspace | None) -> Iterator[Scope]:
    """Give the repository of a workspace, or else the one that holds the paths or this folder.

    Raises:
        ConfigError: there is none, or the paths lie outside it.
    """
    meant = tuple(_without_pointer(path).absolute() for path in paths)
    if workspace is None:
        with repository_holding(meant[0] if meant else Path.cwd()) as repository:
            yield _checked(Scope(repository, tuple(_resolved(path) for path in meant)))
        return
    if not workspace.root.is_dir():
        raise ConfigError(f"workspace {workspace.root}: no such folder; name that of a run")
    with workspace_repository(workspace) as repository:
        yield _checked(Scope(repository, tuple(_resolved(path) for path in meant)))


@contextmanager
def workspace_repository(workspace: Workspace) -> Iterator[Repo]:
    """Give the repository inside a workspace, made without git where there is none yet."""
    from dvc.repo import Repo

    _quieten()
    root = str(workspace.root.resolve())
    if not (workspace.root / ".dvc").is_dir():
        with Repo.init(root, no_scm=True) as made, made.config.edit() as config:
            config["core"]["analytics"] = False
            config["core"]["check_update"] = False
            config["cache"]["type"] = ["reflink", "hardlink", "copy"]
    repository = Repo(root)
    try:
        yield repository
    finally:
        repository.close()


@contextmanager
def repository_holding(path: Path) -> Iterator[Repo]:
    """Give the repository that a path lies in; the path itself need not be there.

    Raises:
        ConfigError: it lies in none.
    """
    from dvc.exceptions import DvcException, NotDvcRepoError
    from dvc.repo import Repo

    _quieten()
    folder = _resolved(path)
    while not folder.is_dir():
        folder = folder.parent
    try:
        repository = Repo(Repo.find_root(str(folder)))
    except NotDvcRepoError as error:
        raise ConfigError(
            f"{path}: no DVC repository holds it; run 'dvc init' at the top of its git repository "
            "('dvc init --no-scm' without git), or name a workspace with -w"
        ) from error
    except DvcException as error:
        raise ConfigError(f"{path}: its DVC repository cannot be opened: {error}") from error
    try:
        yield repository
    finally:
        repository.close()


def _quieten() -> None:
    from dvc.ui import ui

    quieten()  # DVC sets its own level when it is imported
    ui.error_console.quiet = True


def _checked(own: Scope) -> Scope:
    for path in own.paths:
        if not path.is_relative_to(own.root) or path == own.root:
            raise ConfigError(f"{path}: is not inside {own.root}; name a path below that folder")
    return own


def _resolved(path: Path) -> Path:
    """Return a path whose folder is resolved; its last part may be a link itself."""
    return path.parent.resolve() / path.name if path.name else path.resolve()


def _without_pointer(path: Path) -> Path:
    return path.with_suffix("") if path.suffix == POINTER and path.stem else path


def _meets(path: Path, out: Path) -> bool:
    return out.is_relative_to(path) or path.is_relative_to(out)
