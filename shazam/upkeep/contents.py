"""The keys of a workspace: what each is made of, and the digests that stand in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shazam.digest import digest_of_file
from shazam.workspace import Workspace

# by kind: where keys lie
_PLACES = {
    "arms": "*/*",
    "attention": "*",
    "checkpoints": "*",
    "cohorts": "*",
    "contact_sheets": "*.jpg",
    "data_docs": "*/*",
    "features": "*/*",
    "manifests": "*/*.json",
    "runs": "*",
    "slides": "*.json",
    "slides_by_version": "*",
    "tiles": "*",
}
RUNS, FINDINGS = "runs", "slides"
_SHARED_PAGES = "static"  # of all Data Docs: named by its content, and linked from them
# SHA-256; DVC names its versions by MD5
_KEY = re.compile(r"[0-9a-f]{64}|[0-9a-f]{32}")
_DIGESTS = re.compile(rb"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{32})(?![0-9a-f])")
_SEAL = ".sha256"
_REGISTRATION = "registration.json"
# kinds whose files have no seal to read their digest from
_DIGESTED = {"arms", "cohorts", "contact_sheets"}
_TEXTS = {".json", ".dvc", ".lock", ".yaml"}


@dataclass(frozen=True, slots=True)
class Item:
    """One key: a folder, or a file with its seal.

    ``uri`` is relative to the workspace; ``changed_s`` is when a file of it changed last, in
    seconds since 1970.
    """

    uri: str
    files: tuple[Path, ...]
    n_bytes: int
    changed_s: float

    @property
    def kind(self) -> str:
        """The first folder, such as ``features``."""
        return self.uri.split("/", maxsplit=1)[0]

    @property
    def key(self) -> str:
        """The digest that it is named by."""
        return _key_of(self.uri)


def items_of(workspace: Workspace) -> tuple[Item, ...]:
    """Return all keys of a workspace, by uri; files that no key names are none of them."""
    found = [
        _item(path, workspace)
        for kind, pattern in _PLACES.items()
        for path in (workspace.root / kind).glob(pattern)
        if _KEY.fullmatch(_key_of(path.name)) and path.parent.name != _SHARED_PAGES
    ]
    return tuple(sorted(found, key=lambda item: item.uri))


def names_of(item: Item) -> frozenset[str]:
    """Return the digests that mean an item: its key, and the digests of its files.

    A run is also meant by the digest of the bundle that it was registered as; its files are copies
    of what lies elsewhere too.
    """
    names = {item.key}
    for path in item.files:
        if path.name.endswith(_SEAL) and item.kind != RUNS:
            names.add(path.read_text(encoding="ascii", errors="replace").strip())
        elif item.kind in _DIGESTED:
            names.add(digest_of_file(path))
        elif item.kind == RUNS and path.name == _REGISTRATION:
            names |= set(digests_in(path))
    return frozenset(names)


def mentions_of(item: Item) -> frozenset[str]:
    """Return the digests that stand in an item's texts."""
    return frozenset(name for path in item.files for name in digests_in(path))


def digests_in(path: Path) -> Iterator[str]:
    """Yield the digests that stand in a text; other files and absent ones hold none."""
    if path.suffix in _TEXTS and path.is_file():
        for found in _DIGESTS.findall(path.read_bytes()):
            yield found.decode()


def digests_in_text(text: str) -> frozenset[str]:
    """Return the digests that stand in a text."""
    return frozenset(found.decode() for found in _DIGESTS.findall(text.encode()))


def _key_of(name: str) -> str:
    return name.rpartition("/")[2].split(".", maxsplit=1)[0]


def _item(path: Path, workspace: Workspace) -> Item:
    seal = path.with_name(f"{path.name}{_SEAL}")
    files = (
        tuple(sorted(file for file in path.rglob("*") if file.is_file()))
        if path.is_dir()
        else tuple(file for file in (path, seal) if file.is_file())
    )
    stats = [file.stat() for file in files] or [path.stat()]
    return Item(
        uri=path.relative_to(workspace.root).as_posix(),
        files=files,
        n_bytes=sum(stat.st_size for stat in stats) if files else 0,
        changed_s=max(stat.st_mtime for stat in stats),
    )
