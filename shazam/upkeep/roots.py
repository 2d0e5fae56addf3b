"""Who refers to what in a workspace, from outside of its keys too: locked cohorts, views, DVC."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import yaml
from pydantic import ValidationError

from shazam.config.tiling import TilingConfig
from shazam.digest import digest_of
from shazam.slides.validate import FindingsKey
from shazam.upkeep.contents import FINDINGS, RUNS, Item, digests_in, mentions_of, names_of
from shazam.upkeep.references import References
from shazam.workspace import Workspace

_SLIDE_LISTS = ("manifests/validate/", "manifests/tile/")


def references_of(
    items: Sequence[Item], *, made_by_runs: Mapping[str, Collection[str]]
) -> References:
    """Return who mentions what among the keys of a workspace.

    Args:
        items: all keys.
        made_by_runs: the digests of everything that the steps of a run gave, by the run's own key:
            a run also refers to what its report does not name, such as the canary's predictions.
    """
    mentions = {item.uri: mentions_of(item) for item in items}
    meant: dict[str, set[str]] = {}
    for item in items:
        for name in names_of(item):
            meant.setdefault(name, set()).add(item.uri)
        if item.kind == RUNS:
            mentions[item.uri] |= frozenset(made_by_runs.get(item.key, ()))
    for name, uri in _findings(items, mentions):
        meant.setdefault(name, set()).add(uri)
    return References(mentions=mentions, meant=meant)


def names_outside(
    workspace: Workspace, *, views: Path, registered: Collection[str]
) -> frozenset[str]:
    """Return the digests in locked cohorts, repeats, views, and in bundles that are registered.

    Args:
        workspace: the workspace.
        views: folder of stable views, beside those of the workspace.
        registered: digests of the bundles of all registered versions; they are returned too.
    """
    folders = [workspace.root / name for name in ("locked", "repeats", "mlartifacts", "data")]
    bundles = [workspace.root / "bundles" / name for name in sorted(registered)]
    files = [path for folder in (*folders, *bundles, views) for path in folder.rglob("*.json")]
    return frozenset(name for path in files for name in digests_in(path)) | frozenset(registered)


def pointed_at(items: Sequence[Item], *, workspace: Workspace) -> frozenset[str]:
    """Return the keys whose files DVC's pointers name, as links here or in DVC's cache."""
    by_file = {
        (stat.st_dev, stat.st_ino): item.uri
        for item in items
        for file in item.files
        if (stat := file.stat())
    }
    stats = (path.stat() for path in _pointed_files(workspace))
    return frozenset(
        by_file[stat.st_dev, stat.st_ino] for stat in stats if (stat.st_dev, stat.st_ino) in by_file
    )


def _findings(
    items: Sequence[Item], mentions: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, str]]:
    """Yield a slide's digest with the uri of what validation found in it."""
    there = {item.uri for item in items if item.kind == FINDINGS}
    slides = {
        name for uri, names in mentions.items() if uri.startswith(_SLIDE_LISTS) for name in names
    }
    for tiling in _tilings(items):
        for slide in slides:
            uri = f"{FINDINGS}/{digest_of(FindingsKey.of(slide, config=tiling))}.json"
            if uri in there:
                yield slide, uri


def _tilings(items: Sequence[Item]) -> list[TilingConfig]:
    """Return the tilings that runs asked for, and the one by default."""
    found = [TilingConfig()]
    for item in items:
        for path in item.files if item.kind == RUNS else ():
            if path.name != "config.json":
                continue
            try:
                tiling = TilingConfig.model_validate(json.loads(path.read_bytes())["tiling"])
            except (ValueError, LookupError, TypeError, ValidationError):
                continue
            if tiling not in found:
                found.append(tiling)
    return found


def _pointed_files(workspace: Workspace) -> Iterator[Path]:
    state = workspace.root / ".dvc"
    for pointer in sorted(workspace.root.rglob("*.dvc")):
        if not pointer.is_file() or pointer.is_relative_to(state):
            continue
        for out in yaml.safe_load(pointer.read_text(encoding="utf-8")).get("outs", ()):
            shown = pointer.parent / str(out["path"])
            yield from (path for path in (shown, *shown.rglob("*")) if path.is_file())
            yield from _cached(str(out["md5"]), cache=state / "cache" / "files" / "md5")


def _cached(md5: str, *, cache: Path) -> Iterator[Path]:
    path = cache / md5[:2] / md5[2:]
    if not path.is_file():
        return
    yield path
    if path.suffix == ".dir":
        for entry in json.loads(path.read_bytes()):
            yield from _cached(str(entry["md5"]), cache=cache)
