"""A DVC remote: where objects are kept under their MD5. It is never trusted, nor waited for long.

The layout is that of DVC 3: ``<url>/files/md5/<first 2 digits>/<the others>``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shazam.config.slides import RemotePlace
from shazam.errors import ConfigError
from shazam.integrations.dvc_errors import at_remote

if TYPE_CHECKING:
    from dvc.repo import Repo

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 15
_ATTEMPTS = 2
_WITH_TIMEOUTS = ("s3", "http", "https")


@dataclass(frozen=True, slots=True)
class Remote:
    """An open remote.

    Args:
        name: address and endpoint, as messages call it.
        store: DVC's filesystem behind it.
        root: the path in that filesystem.
    """

    name: str
    store: Any
    root: str

    def has(self, oid: str) -> bool:
        """Tell whether an object is there.

        Raises:
            DataError: the remote cannot be asked.
        """
        with at_remote(f"object {oid}", remote=self.name):
            return bool(self.store.exists(self._path(oid)))

    def get(self, oid: str, target: Path, *, what: str) -> None:
        """Write an object's bytes to a file, unchecked.

        Raises:
            DataError: it is missing, or the remote does not give it.
        """
        with at_remote(what, remote=self.name):
            self.store.get_file(self._path(oid), str(target))

    def put(self, oid: str, source: Path, *, what: str) -> None:
        """Give the remote an object.

        Raises:
            DataError: the remote does not take it.
        """
        with at_remote(what, remote=self.name):
            self.store.put_file(str(source), self._path(oid))

    def _path(self, oid: str) -> str:
        return str(self.store.join(self.root, "files", "md5", oid[:2], oid[2:]))


def remote_of(repository: Repo, *, name: str | None = None) -> Remote:
    """Open the default remote of a repository, or the one of a name.

    Raises:
        ConfigError: it has none.
        DataError: the remote cannot be opened.
    """
    own = _settings(repository, name)
    place = _shown(own)
    with at_remote("its settings", remote=place):
        return _open(own, place=place)


def remote_at(place: RemotePlace) -> Remote:
    """Open a remote of which only the place is known, as in a pod.

    Raises:
        DataError: the remote cannot be opened.
    """
    given = {"url": place.url, "endpointurl": place.endpoint_url, "region": place.region}
    own = {key: value for key, value in given.items() if value is not None}
    with at_remote("its settings", remote=_shown(own)):
        return _open(own, place=_shown(own))


def place_of(repository: Repo, *, name: str | None = None) -> RemotePlace:
    """Return where the default remote of a repository is, or that of a name; no credentials.

    Raises:
        ConfigError: it has none, or a password stands in its address.
    """
    own = _settings(repository, name)
    try:
        return RemotePlace(
            url=own["url"], endpoint_url=own.get("endpointurl"), region=own.get("region")
        )
    except ValueError as error:
        raise ConfigError(
            f"{repository.root_dir}: the remote's address holds a user or password; give "
            "credentials by environment variables or an AWS profile"
        ) from error


def _settings(repository: Repo, name: str | None) -> dict[str, Any]:
    from dvc.exceptions import DvcException
    from dvc.fs import get_fs_config

    chosen = name or repository.config["core"].get("remote")
    if not chosen:
        raise ConfigError(
            f"{repository.root_dir}: has no default remote; name one with 'shazam data remote URL'"
        )
    try:
        return dict(get_fs_config(repository.config, name=chosen))
    except DvcException as error:
        raise ConfigError(
            f"{repository.root_dir}: has no remote '{chosen}'; name one with "
            "'shazam data remote URL'"
        ) from error


def _open(own: Mapping[str, Any], *, place: str) -> Remote:
    from dvc.fs import get_cloud_fs

    kind, settings, root = get_cloud_fs({}, **own)
    if kind.protocol in _WITH_TIMEOUTS:
        settings.setdefault("connect_timeout", CONNECT_TIMEOUT_S)
        settings.setdefault("read_timeout", READ_TIMEOUT_S)
    store = kind(**settings)
    if kind.protocol == "s3":
        tries = {"total_max_attempts": _ATTEMPTS, "mode": "standard"}
        store.fs_args.setdefault("config_kwargs", {})["retries"] = tries
        store.fs.retries = _ATTEMPTS
    return Remote(place, store, root)


def _shown(own: Mapping[str, Any]) -> str:
    shown = [_without_password(str(own[key])) for key in ("url", "endpointurl") if own.get(key)]
    return " at ".join(shown)


def _without_password(address: str) -> str:
    scheme, separator, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if separator and "@" in rest else address
