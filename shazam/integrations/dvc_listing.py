"""What a version of a folder holds: DVC's listing, an object of its own that names each file's MD5.

Its name is the MD5 of its bytes with ``.dir`` behind, so a folder's version can be told from the
MD5 of its files alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from shazam.errors import DataError
from shazam.integrations.dvc_cache import md5_of, place_in_cache

if TYPE_CHECKING:
    from dvc.repo import Repo

DIRECTORY = ".dir"


class _Listed(BaseModel):
    md5: str = Field(pattern=r"^[0-9a-f]{32}$")
    relpath: str = Field(min_length=1)


_LISTING = TypeAdapter(list[_Listed])


def is_listing(oid: str) -> bool:
    """Tell whether an object is the listing of a folder."""
    return oid.endswith(DIRECTORY)


def read_listing(oid: str, *, repository: Repo) -> dict[str, str]:
    """Return the MD5 of each file of a folder, by its path in it, from DVC's cache.

    Raises:
        DataError: the listing is not in the cache, is none, or names a file outside its folder.
    """
    path = place_in_cache(oid, repository=repository)
    try:
        listed = _LISTING.validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise DataError(
            f"object {oid}: the listing of a folder is not in the cache {path.parent.parent}; "
            "bring it with 'shazam data pull'"
        ) from error
    except ValidationError as error:
        raise DataError(f"object {oid}: is no listing of a folder: {error}") from error
    for file in listed:
        parts = PurePosixPath(file.relpath)
        if parts.is_absolute() or ".." in parts.parts or "\0" in file.relpath:
            raise DataError(f"object {oid}: '{file.relpath}' leaves its folder; nothing is taken")
    return {file.relpath: file.md5 for file in listed}


def listing_of_folder(folder: Path, *, repository: Repo) -> dict[str, str]:
    """Return the MD5 of each file that lies in a folder, by its path in it.

    Files that ``.dvcignore`` leaves out are none of a version.
    """
    found = repository.dvcignore.find(repository.fs, str(folder))
    files = sorted(Path(name) for name in found)
    return {
        path.relative_to(folder).as_posix(): md5_of(path, repository=repository) for path in files
    }


def oid_of_listing(files: Mapping[str, str]) -> str:
    """Return the name of a listing: the version of a folder with these files."""
    listed = [{"md5": files[name], "relpath": name} for name in sorted(files)]
    content = json.dumps(listed, sort_keys=True).encode()
    return hashlib.md5(content, usedforsecurity=False).hexdigest() + DIRECTORY
