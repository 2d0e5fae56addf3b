"""Python from the hub: run from bytes that were verified, and only for whom the user allows it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from hashlib import sha256
from importlib import import_module
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

from shazam.errors import ArtifactError, ConfigError

_PREFIX = "_shazam_remote_"


class _VerifiedSources(MetaPathFinder, InspectLoader):
    """Finds the modules of one package in memory, so nothing else can be run in their place."""

    def __init__(self, package: str, sources: Mapping[str, str]) -> None:
        self._sources = {package: ""} | {
            f"{package}.{file.removesuffix('.py')}": text for file, text in sources.items()
        }
        self._package = package

    def find_spec(self, fullname: str, _path: object = None, _target: object = None) -> Any:
        if fullname not in self._sources:
            return None
        return ModuleSpec(fullname, self, is_package=fullname == self._package)

    def is_package(self, fullname: str) -> bool:
        return fullname == self._package

    def get_source(self, fullname: str) -> str:
        return self._sources[fullname]


def remote_classes(
    config: Mapping[str, Any], *, code: Mapping[str, str], hub_id: str
) -> tuple[Any, Any]:
    """Run verified code of the hub and return its (config class, model class).

    Args:
        config: content of ``config.json``; its ``auto_map`` names the classes.
        code: text of each file by name.
        hub_id: the repository; ``auto_map`` may name no other.

    Raises:
        ConfigError: the code needs a package that is not installed, or another version of one.
        ArtifactError: ``auto_map`` names something that is not among the files.
    """
    package = _PREFIX + sha256(repr(sorted(code.items())).encode()).hexdigest()[:16]
    if package not in sys.modules:
        sys.meta_path.append(_VerifiedSources(package, code))
    names = config.get("auto_map")
    if not isinstance(names, dict):
        raise ArtifactError(f"{hub_id}: config.json has no auto_map, which names its classes")
    found = tuple(
        _class(str(names.get(kind, "")), package=package, code=code, hub_id=hub_id)
        for kind in ("AutoConfig", "AutoModel")
    )
    return found[0], found[1]


def _class(reference: str, *, package: str, code: Mapping[str, str], hub_id: str) -> Any:
    repository, separator, rest = reference.rpartition("--")
    module, _, name = rest.partition(".")
    if (separator and repository != hub_id) or f"{module}.py" not in code or not name:
        raise ArtifactError(
            f"{hub_id}: config.json names '{reference}', which is not in its locked files "
            f"({', '.join(sorted(code))}); add the file to source.code and fetch again"
        )
    try:
        return getattr(import_module(f"{package}.{module}"), name)
    except ImportError as error:
        raise ConfigError(
            f"{hub_id}: its code cannot be imported here: {error}; install what it needs, such as "
            "the transformers version it was written for"
        ) from error
    except AttributeError as error:
        raise ArtifactError(f"{hub_id}: {module}.py has no class {name}") from error
