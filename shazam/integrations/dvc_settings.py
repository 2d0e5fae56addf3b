"""Name the default remote of a repository: an address, never a credential."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shazam.config.slides import holds_password
from shazam.errors import ConfigError
from shazam.integrations.dvc_errors import by_dvc
from shazam.integrations.dvc_remote import CONNECT_TIMEOUT_S, READ_TIMEOUT_S

if TYPE_CHECKING:
    from dvc.repo import Repo

NAME = "storage"


def set_remote(url: str, *, endpoint: str | None, repository: Repo) -> str:
    """Make an address the default remote; returns the file that says so.

    Downloads are verified and a dead endpoint is not waited for, with `dvc` alone too.

    Args:
        url: ``s3://bucket/folder``, or the path of a folder.
        endpoint: http address of a store that speaks S3 but is not Amazon's.
        repository: whose remote it becomes.

    Raises:
        ConfigError: an address is wrong, or a user or password stands in it.
        DataError: DVC refused it.
    """
    for address in (url, endpoint or ""):
        if holds_password(address):
            raise ConfigError(
                "the address holds a user or password, which would be committed; give credentials "
                "by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            )
    scheme = urlsplit(url).scheme
    if endpoint is not None and scheme != "s3":
        raise ConfigError(f"--endpoint {endpoint}: belongs to an address s3://..., not to {url}")
    if endpoint is not None and not _is_http(endpoint):
        raise ConfigError(f"--endpoint {endpoint}: write it as https://host:port")
    if scheme == "s3" and not urlsplit(url).netloc:
        raise ConfigError(f"{url}: names no bucket; write it as s3://bucket/folder")
    settings: dict[str, object] = {"url": url if scheme else str(Path(url).resolve())}
    settings["verify"] = True
    if endpoint is not None:
        settings["endpointurl"] = endpoint
    if scheme == "s3":
        settings |= {"connect_timeout": CONNECT_TIMEOUT_S, "read_timeout": READ_TIMEOUT_S}
    with by_dvc(url, advice="name a remote that DVC knows"), repository.config.edit() as config:
        before = dict(config.get("remote", {}).get(NAME, {}))
        before.pop("endpointurl", None)  # a profile or region stays
        config["remote"] = {**config.get("remote", {}), NAME: before | settings}
        config["core"] = {**config.get("core", {}), "remote": NAME}
    return str(repository.config.files["repo"])


def _is_http(endpoint: str) -> bool:
    parts = urlsplit(endpoint)
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
