"""Read YAML of the user's: no key twice, no unknown key, errors that name file, entry and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from shazam.config.load import YAML_FAULTS
from shazam.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a mapping that says a key twice; YAML itself takes the last one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"'{name}' is there twice", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path, kind: type[Model]) -> Model:
    """Return the typed content of a YAML file.

    Raises:
        ConfigError: it cannot be read, is not YAML, or holds an unknown key or a bad value.
    """
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except YAML_FAULTS as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(_explain(error, path)) from error


def _explain(error: ValidationError, path: Path) -> str:
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        lines.append(f"  - {key or 'file'}: {problem['msg']}")
    return f"{path}: {len(lines)} problem(s)\n" + "\n".join(lines)
