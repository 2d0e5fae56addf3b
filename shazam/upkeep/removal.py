"""Remove keys of a workspace; a stop at any moment leaves none that looks whole and is not."""

from __future__ import annotations

import re
import secrets
import shutil
from collections import Counter
from collections.abc import Collection

from shazam.upkeep.contents import Item
from shazam.workspace import Workspace

_GONE = re.compile(r"\.gone-[0-9a-f]{16}")


def remove(item: Item, *, workspace: Workspace) -> None:
    """Remove a key: a folder gets a name that nobody reads before its files go; a file at once.

    The seal of a file goes first: a file without one is made anew, not trusted.
    """
    path = workspace.path(item.uri)
    if not path.is_dir():
        for file in sorted(item.files, key=lambda file: file == path):
            file.unlink(missing_ok=True)
        return
    gone = path.with_name(f".gone-{secrets.token_hex(8)}")
    path.rename(gone)
    shutil.rmtree(gone)


def sweep_removed(workspace: Workspace) -> None:
    """Finish what an earlier removal was stopped in."""
    for kind in ("arms", "checkpoints", "cohorts", "data_docs", "features", "runs", "tiles"):
        for folder in (workspace.root / kind).rglob(".gone-*"):
            if _GONE.fullmatch(folder.name) and folder.is_dir():
                shutil.rmtree(folder)


def freed_bytes(removed: Collection[Item]) -> int:
    """Return how many bytes the disk gets back: those of files that have no other name left.

    Files that DVC's cache or a run's folder links to stay on the disk under that name.
    """
    stats = [file.stat() for item in removed for file in item.files]
    seen = Counter((stat.st_dev, stat.st_ino) for stat in stats)
    by_file = {(stat.st_dev, stat.st_ino): stat for stat in stats}
    return sum(stat.st_size for place, stat in by_file.items() if seen[place] == stat.st_nlink)
