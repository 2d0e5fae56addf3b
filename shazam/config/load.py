"""Load the config tree: defaults < YAML file < ``--set`` < environment ``SHAZAM__A__B``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from shazam.config.tree import Config
from shazam.errors import ConfigError

ENVIRONMENT_PREFIX = "SHAZAM__"
LOCK_NAME = "teachers.lock.yaml"
# what the YAML reader raises on a bad file; beside its own error those of a date such as 2026-13-01
YAML_FAULTS = (yaml.YAMLError, ValueError, KeyError, AttributeError, RecursionError)
# sections that may be the name of a file instead
_IN_OWN_FILES = ("acceptance", "cluster")
_PATH_KEYS = (
    "cohort.table",
    "cohort.slides_dir",
    "cohort.slides.pointer",
    "extraction.teachers_file",
    "extraction.teachers_lock",
)


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A resolved tree and, for each key that is not a default, where its value came from."""

    config: Config
    origins: Mapping[str, str]

    def origin(self, key: str) -> str:
        """Return the origin of a dotted key's value."""
        for name in (key, *_parents(key)):
            if name in self.origins:
                return self.origins[name]
        return "default"


def load_config(
    path: Path,
    *,
    overrides: Sequence[str] = (),
    environment: Mapping[str, str] = os.environ,
) -> LoadedConfig:
    """Resolve a config file with its overrides.

    Args:
        path: YAML file. ``acceptance`` and ``cluster`` may name another YAML file beside it;
            paths in it are relative to its folder. A ``teachers.lock.yaml`` beside it is taken
            unless another is named.
        overrides: ``a.b=value`` texts, the value in YAML.
        environment: variables ``SHAZAM__A__B`` override ``a.b``.

    Raises:
        ConfigError: a file cannot be read, a key is unknown or a value is out of its bounds.
    """
    origins: dict[str, str] = {}
    tree = _read_yaml(path)
    _inline_files(tree, path.parent)
    _anchor_paths(tree, path.parent)
    _anchor_imports(tree, path.parent)
    _anchor_split_files(tree, path.parent)
    for key, _ in _leaves(tree):
        origins[key] = str(path.name)
    if _take_lock_beside(tree, path.parent):
        origins["extraction.teachers_lock"] = f"beside {path.name}"
    for key, value, origin in (*_from_set(overrides), *_from_environment(environment)):
        _assign(tree, key, value, origin)
        origins[key] = origin
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(_explain(error, path, origins)) from error
    if config.retraining.new_criteria is not None:
        raise ConfigError(
            f"{path}: retraining.new_criteria is no setting: `shazam retrain --accept-new-criteria "
            "REASON` records which criteria were replaced; remove it"
        )
    return LoadedConfig(config=config, origins=origins)


def leaves(config: Config) -> Iterator[tuple[str, Any]]:
    """Yield (dotted key, JSON value) of every value of the tree, in order."""
    yield from _leaves(config.model_dump(mode="json"))


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except YAML_FAULTS as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: must hold a mapping of sections, such as 'cohort:'")
    _refuse_endless(tree, path)
    return tree


def _refuse_endless(tree: dict[str, Any], path: Path) -> None:
    try:
        tuple(_leaves(tree))
    except RecursionError as error:
        raise ConfigError(
            f"{path}: not valid YAML: an alias (*) stands inside what it names; write it out"
        ) from error


def _inline_files(tree: dict[str, Any], folder: Path) -> None:
    for section in _IN_OWN_FILES:
        if isinstance(tree.get(section), str):
            tree[section] = _read_yaml(folder / tree[section])


def _anchor_paths(tree: dict[str, Any], folder: Path) -> None:
    for key in _PATH_KEYS:
        *sections, name = key.split(".")
        values: Any = tree
        for section in sections:
            values = values.get(section) if isinstance(values, dict) else None
        if isinstance(values, dict) and isinstance(values.get(name), str):
            values[name] = str(folder.resolve() / values[name])


def _anchor_imports(tree: dict[str, Any], folder: Path) -> None:
    section = tree.get("imports")
    teachers = section.get("teachers") if isinstance(section, dict) else None
    for teacher in teachers if isinstance(teachers, list) else ():
        if not isinstance(teacher, dict):
            continue
        for key in ("feature_map", "feature_root", "paths"):
            if key in teacher:
                teacher[key] = _anchored(teacher[key], folder)


def _anchor_split_files(tree: dict[str, Any], folder: Path) -> None:
    section = tree.get("splits")
    if isinstance(section, dict) and "files" in section:
        section["files"] = _anchored(section["files"], folder)


def _anchored(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_anchored(item, folder) for item in value]
    return str(folder.resolve() / value) if isinstance(value, str) else value


def _take_lock_beside(tree: dict[str, Any], folder: Path) -> bool:
    values, lock = tree.get("extraction"), folder.resolve() / LOCK_NAME
    if not isinstance(values, dict) or values.get("teachers_lock") or not lock.is_file():
        return False
    values["teachers_lock"] = str(lock)
    return True


def _from_set(overrides: Iterable[str]) -> Iterator[tuple[str, Any, str]]:
    for text in overrides:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise ConfigError(f"--set {text}: write it as section.name=value")
        yield key, _parse(value, f"--set {text}"), f"--set {key}"


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, Any, str]]:
    for name in sorted(environment):
        if name.startswith(ENVIRONMENT_PREFIX):
            key = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
            yield key, _parse(environment[name], name), f"environment {name}"


def _parse(text: str, origin: str) -> Any:
    try:
        return yaml.safe_load(text)
    except YAML_FAULTS as error:
        raise ConfigError(f"{origin}: not a valid YAML value: {error}") from error


def _assign(tree: dict[str, Any], key: str, value: Any, origin: str) -> None:
    *sections, name = key.split(".")
    node = tree
    for section in sections:
        child = node.setdefault(section, {})
        if not isinstance(child, dict):
            raise ConfigError(f"{origin}: '{section}' holds a value, not a section")
        node = child
    node[name] = value


def _explain(error: ValidationError, path: Path, origins: Mapping[str, str]) -> str:
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        origin = next((origins[name] for name in (key, *_parents(key)) if name in origins), None)
        where = f" (from {origin})" if origin else ""
        lines.append(f"  - {key or 'config'}: {problem['msg']}{where}")
    return f"{path}: {len(lines)} problem(s) in the configuration\n" + "\n".join(lines)


def _parents(key: str) -> Iterator[str]:
    while "." in key:
        key = key.rpartition(".")[0]
        yield key
