"""The files that a user asks to import: named, in folders, or listed in a feature map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shazam.errors import CohortError, ConfigError
from shazam.features.imports.feature_map import read_feature_map
from shazam.features.imports.sources import SourceFile, find_files


def files_asked_for(
    paths: Sequence[Path],
    *,
    feature_map: Path | None,
    feature_root: Path | None,
    teacher: str,
    is_table: bool,
) -> tuple[SourceFile, ...]:
    """Return the files to import.

    Args:
        paths: files and folders; with a feature map, those of its files that are meant.
        feature_map: the JSON file that names the files of cases.
        feature_root: the folder that the map's files lie in; None means the map's own.
        teacher: whose files of the map are meant.
        is_table: whether the files are tables, whose rows name the cases themselves.

    Raises:
        ConfigError: nothing is asked for, or options that do not belong together.
        CohortError: a path does not exist, or is in no case of the map.
    """
    if feature_map is None:
        if feature_root is not None:
            raise ConfigError("--feature-root belongs to --feature-map; name the map")
        if not paths:
            raise ConfigError("nothing to import; name files, folders or a --feature-map")
        return find_files(paths)
    if is_table:
        raise ConfigError("--feature-map names files of cases; a table names its cases by --ids")
    mapped = read_feature_map(feature_map, teacher=teacher, root=feature_root)
    if not paths:
        return mapped
    by_path = {file.path.resolve(): file for file in mapped}
    asked = find_files(paths)
    unmapped = [
        f"{file.path.name}: in no case of the map"
        for file in asked
        if file.path.resolve() not in by_path
    ]
    if unmapped:
        raise CohortError(str(feature_map), unmapped)
    return tuple(by_path[file.path.resolve()] for file in asked)
