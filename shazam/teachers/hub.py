"""The hub of models: what a repository holds at a revision, and its files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from httpx2 import HTTPError
from huggingface_hub import HfApi, get_token, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from shazam.errors import AccessError, HubError

_TOKEN_VARIABLE = "HF_TOKEN"  # noqa: S105
_ENDPOINT_VARIABLE = "HF_ENDPOINT"
_NO_ACCESS = (401, 403)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A repository at one commit: its files, and the SHA-256 that the hub states for some."""

    revision: str
    files: tuple[str, ...]
    stated_sha256: Mapping[str, str]


class HubClient(Protocol):
    """What fetching needs of a hub."""

    def snapshot(self, hub_id: str, *, revision: str) -> Snapshot:
        """Return what a branch, tag or commit names."""

    def download(self, hub_id: str, *, revision: str, file: str) -> Path:
        """Return a file of a commit, whole."""


class HuggingFace:
    """The Hugging Face hub, or what ``HF_ENDPOINT`` names; files go into its usual cache."""

    def __init__(self, *, name: str, gated: bool) -> None:
        """Take the token of the environment, or of an earlier login; blanks around it are dropped.

        Raises:
            AccessError: it cannot be a token.
        """
        self._name = name
        self._gated = gated
        self._endpoint = os.environ.get(_ENDPOINT_VARIABLE)
        self._token = (os.environ.get(_TOKEN_VARIABLE) or get_token() or "").strip()
        if not (self._token.isascii() and self._token.isprintable()):
            raise AccessError(
                f"{_TOKEN_VARIABLE}: holds characters that are in no token; copy it anew from the "
                "hub and set it again"
            )

    def snapshot(self, hub_id: str, *, revision: str) -> Snapshot:
        """Return what a branch, tag or commit names.

        Raises:
            AccessError: it is gated, and the token is missing or has no access.
            HubError: the hub cannot be reached, or has no such repository or revision.
        """
        if self._gated and not self._token:
            raise AccessError(f"teacher '{self._name}': {hub_id} is gated; {_how(hub_id)}")
        with self._named_errors(hub_id, "its list of files"):
            info = HfApi(endpoint=self._endpoint).model_info(
                hub_id, revision=revision, files_metadata=True, token=self._token or False
            )
        siblings = info.siblings or []
        return Snapshot(
            revision=str(info.sha),
            files=tuple(sibling.rfilename for sibling in siblings),
            stated_sha256={s.rfilename: s.lfs.sha256 for s in siblings if s.lfs},
        )

    def download(self, hub_id: str, *, revision: str, file: str) -> Path:
        """Return a file of a commit, whole; an interrupted download goes on where it stopped.

        Raises:
            AccessError: the token has no access.
            HubError: the download failed or stopped short.
        """
        with self._named_errors(hub_id, file):
            path = hf_hub_download(
                hub_id,
                file,
                revision=revision,
                token=self._token or False,
                endpoint=self._endpoint,
            )
        return Path(path)

    @contextmanager
    def _named_errors(self, hub_id: str, what: str) -> Iterator[None]:
        """Name what went wrong; texts of the client are left out, so no token can be in them."""
        about = f"teacher '{self._name}': {what} of {hub_id}"
        try:
            yield
        except GatedRepoError as error:
            raise AccessError(f"{about}: no access; {_how(hub_id)}") from error
        except (RevisionNotFoundError, EntryNotFoundError) as error:
            if isinstance(error.__cause__, HTTPError) and not isinstance(error, HfHubHTTPError):
                raise HubError(f"{about}: the hub cannot be reached; try again later") from error
            raise HubError(f"{about}: not on the hub ({type(error).__name__})") from error
        except HfHubHTTPError as error:
            status = getattr(error.response, "status_code", None)
            if status in _NO_ACCESS or isinstance(error, RepositoryNotFoundError):
                raise AccessError(f"{about}: no access (HTTP {status}); {_how(hub_id)}") from error
            raise HubError(f"{about}: the hub answered HTTP {status}; try again later") from error
        except (HTTPError, OSError) as error:
            raise HubError(
                f"{about}: the connection failed or stopped short ({type(error).__name__}); "
                "nothing was locked, try again"
            ) from error


def _how(hub_id: str) -> str:
    return (
        f"ask for access and accept the licence at https://huggingface.co/{hub_id}, then set "
        f"{_TOKEN_VARIABLE} to a token of that account"
    )
