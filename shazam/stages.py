"""The stages: the table of those that make data, and what the bytes of any of them depend on.

A cached result is reused only while the files that its step imports, directly or not, the files
they are packed with (templates, suites), the pinned environment and the installed packages are
unchanged, and so are the parameters of the step. The list is read from the imports themselves, so
no module can be forgotten. ``dvc.yaml``, the commands ``shazam stages`` and the cache policies of
the steps are made from here.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from shazam.digest import digest_of_file
from shazam.errors import ConfigError
from shazam.installed import installed_digest

SOURCE_ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT_LOCK = "requirements.lock"
# an image holds the code without its history, and says its commit by this
COMMIT_VARIABLE = "SHAZAM_GIT_COMMIT"

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


@dataclass(frozen=True, slots=True)
class DataStage:
    """A stage that makes data.

    Args:
        name: also that of its step.
        function: dotted path of what does the work; it takes a job and gives a view.
        inputs: the stages whose views it reads.
        parameters: the sections and keys of the config that it reads.
        per_teacher: whether it is done once for each teacher.
    """

    name: str
    function: str
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    per_teacher: bool = False

    @property
    def modules(self) -> tuple[str, ...]:
        """The source files that its bytes depend on, relative to the source root."""
        return source_files(self.name)

    def view(self, teacher: str | None = None) -> str:
        """Return where its outputs are shown, relative to the folder of all views."""
        return f"{self.name}/{teacher}" if self.per_teacher and teacher else self.name


_DATA = "shazam.integrations.data_stages"
DATA_STAGES = (
    DataStage("ingest", f"{_DATA}.ingest", (), ("cohort",)),
    DataStage("validate", f"{_DATA}.validate", ("ingest",), ("tiling", "max_quarantine_fraction")),
    DataStage("tile", f"{_DATA}.tile", ("validate",), ("tiling", "max_quarantine_fraction")),
    DataStage(
        "extract",
        f"{_DATA}.extract",
        ("tile",),
        ("extraction", "max_quarantine_fraction"),
        per_teacher=True,
    ),
    DataStage(
        "validate_features",
        f"{_DATA}.validate_features",
        ("tile", "extract"),
        ("cohort", "max_quarantine_fraction"),
    ),
)


def data_stage(name: str) -> DataStage:
    """Return a stage of the table.

    Raises:
        ConfigError: there is no such stage.
    """
    for stage in DATA_STAGES:
        if stage.name == name:
            return stage
    known = ", ".join(stage.name for stage in DATA_STAGES)
    raise ConfigError(f"'{name}' is no stage that makes data; there are {known}")


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
    return modules_of(f"steps/{stage}.py")


def modules_of(file: str) -> tuple[str, ...]:
    """Return the files that a file's work depends on, relative to the source root, sorted.

    Args:
        file: a Python file, relative to the source root.

    Raises:
        FileNotFoundError: there is no such file.
    """
    found: set[str] = set()
    waiting = [file]
    while waiting:
        name = waiting.pop()
        if name not in found and not name.startswith(_WITHOUT_BYTES):
            found.add(name)
            waiting.extend(_imports(name))
    return tuple(sorted({*found, *_packed_with(found), ENVIRONMENT_LOCK}))


def code_digest(stage: str) -> str:
    """Return the digest of all files that a stage's bytes depend on, and of what is installed."""
    content = hashlib.sha256(f"{installed_digest()}\n".encode())
    for name in source_files(stage):
        content.update(f"{name}\0{digest_of_file(SOURCE_ROOT / name)}\n".encode())
    return content.hexdigest()


def _packed_with(names: set[str]) -> Iterator[str]:
    """Yield what lies beside modules; what lies in a folder there, where a module names it."""
    folders = {Path(name).parent for name in names if name.startswith("shazam/")} - {Path("shazam")}
    for folder in folders:
        modules = [name for name in names if Path(name).parent == folder]
        for path in (SOURCE_ROOT / folder).rglob("*"):
            inner = path.relative_to(SOURCE_ROOT / folder).parts[:-1]
            if not path.is_file() or path.suffix in {".py", ".pyc"}:
                continue
            if not inner or any(_names(module, inner[0]) for module in modules):
                yield path.relative_to(SOURCE_ROOT).as_posix()


@cache
def _names(module: str, folder: str) -> bool:
    return f'"{folder}"' in (SOURCE_ROOT / module).read_text(encoding="utf-8")


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
