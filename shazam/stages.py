"""What a stage's bytes depend on: the files that its step imports, directly or not.

A cached result is reused only while these files, the files they are packed with (templates,
suites) and the pinned environment are unchanged, and so are the parameters of the step. The list
is read from the imports themselves, so no module can be forgotten.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from shazam.digest import digest_of_file

SOURCE_ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT_LOCK = "requirements.lock"

# these wire, show progress or read parameters, which count by value
_WITHOUT_BYTES = (
    "shazam/__init__.py",
    "shazam/config/__init__.py",
    "shazam/config/load.py",
    "shazam/integrations/__init__.py",
    "shazam/integrations/environment.py",
    "shazam/integrations/zenml.py",
    "shazam/progress.py",
    "shazam/stages.py",
)


def stage_names() -> tuple[str, ...]:
    """Return the names of all stages: one for each file of ``steps``."""
    files = (SOURCE_ROOT / "steps").glob("*.py")
    return tuple(sorted(path.stem for path in files if path.stem != "__init__"))


def source_files(stage: str) -> tuple[str, ...]:
    """Return the files that a stage's bytes depend on, relative to the source root, sorted.

    Args:
        stage: name of a file of ``steps``, without its suffix.

    Raises:
        FileNotFoundError: there is no such step.
    """
    found: set[str] = set()
    waiting = [f"steps/{stage}.py"]
    while waiting:
        name = waiting.pop()
        if name not in found and not name.startswith(_WITHOUT_BYTES):
            found.add(name)
            waiting.extend(_imports(name))
    return tuple(sorted({*found, *_packed_with(found), ENVIRONMENT_LOCK}))


def code_digest(stage: str) -> str:
    """Return the digest of all files that a stage's bytes depend on."""
    content = hashlib.sha256()
    for name in source_files(stage):
        content.update(f"{name}\0{digest_of_file(SOURCE_ROOT / name)}\n".encode())
    return content.hexdigest()


def _packed_with(names: set[str]) -> Iterator[str]:
    for folder in {Path(name).parent for name in names if name.startswith("shazam/")} - {
        Path("shazam")
    }:
        for path in (SOURCE_ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix not in {".py", ".pyc"}:
                yield path.relative_to(SOURCE_ROOT).as_posix()


@cache
def _imports(name: str) -> tuple[str, ...]:
    tree = ast.parse((SOURCE_ROOT / name).read_text(encoding="utf-8"))
    modules: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                modules.update(alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                modules.update((module, *(f"{module}.{alias.name}" for alias in names)))
    return tuple(sorted(path for module in modules for path in _files_of(module)))


def _files_of(module: str) -> Iterator[str]:
    if module.split(".", maxsplit=1)[0] != "shazam":
        return
    path = SOURCE_ROOT / module.replace(".", "/")
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    yield from (
        candidate.relative_to(SOURCE_ROOT).as_posix()
        for candidate in candidates
        if candidate.is_file()
    )
