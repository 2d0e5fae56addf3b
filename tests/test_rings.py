"""The three rings, and the one way of writing results."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shazam.stages import SOURCE_ROOT

OUTER = {"zenml", "mlflow", "dvc", "great_expectations", "kubernetes"}
CORE = {
    *("config", "digest", "errors", "hdf5", "ids", "manifests", "predictions", "progress"),
    *("publish", "refs", "stages", "workspace"),
}
ROOMS = {
    "cohort": set(),
    "slides": {"cohort"},
    "teachers": set(),
    "features": {"slides", "teachers"},
    "models": {"features"},
    "training": {"models", "features", "cohort"},
    "evaluation": {"cohort"},
    "promotion": set(),
    "demo": set(),
}


def python_files(folder: str) -> list[Path]:
    return sorted((SOURCE_ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"{node.module}"


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE_ROOT / "shazam").parts[0].removesuffix(".py")


def test_only_integrations_and_commands_know_the_outer_libraries():
    offenders = [
        f"{path}: {name}"
        for path in python_files("shazam")
        if room_of(path) not in {"integrations", "cli"}
        for name in imports(path)
        if name.split(".")[0] in OUTER | {"steps", "pipelines"}
    ]
    assert offenders == []


def test_the_library_never_imports_steps_or_pipelines_but_from_its_commands():
    offenders = [
        f"{path}: {name}"
        for path in python_files("shazam")
        if room_of(path) != "cli"
        for name in imports(path)
        if name.split(".")[0] in {"steps", "pipelines"}
    ]
    assert offenders == []


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_imports_only_the_rooms_it_may(room):
    allowed = CORE | ROOMS[room] | {room}
    offenders = [
        f"{path}: {name}"
        for path in python_files(f"shazam/{room}")
        for name in imports(path)
        if name.startswith("shazam.") and name.split(".")[1] not in allowed
    ]
    assert offenders == []


def test_the_core_imports_only_the_core():
    offenders = [
        f"{path}: {name}"
        for path in python_files("shazam")
        if room_of(path) in CORE
        for name in imports(path)
        if name.startswith("shazam.") and name.split(".")[1] not in CORE
    ]
    assert offenders == []


@pytest.mark.parametrize("path", python_files("steps"), ids=lambda path: path.stem)
def test_steps_import_zenml_and_the_library_only(path):
    known = {"zenml", "shazam", "typing", "pathlib", "__future__"}
    assert {name.split(".")[0] for name in imports(path)} <= known


@pytest.mark.parametrize("path", python_files("pipelines"), ids=lambda path: path.stem)
def test_pipelines_only_wire(path):
    rooms = {".".join(name.split(".")[:2]) for name in imports(path)}
    assert all(
        name.split(".")[0] in {"zenml", "steps", "__future__"} or name == "shazam.config"
        for name in rooms
    )


WRITERS = {"write_text", "write_bytes", "savefig", "to_csv", "to_parquet", "save_file", "dump"}


def test_results_are_written_through_publish_only():
    """Writers are called only where publish is used, or to write into memory."""
    offenders = []
    for path in python_files("shazam") + python_files("steps") + python_files("pipelines"):
        if path.name == "publish.py" and path.parent.name == "shazam":
            continue
        text = path.read_text()
        calls = {
            node.func.attr
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        if calls & WRITERS and not re.search(r"\bpublish\b|publish_|BytesIO|StringIO", text):
            offenders.append(f"{path}: {sorted(calls & WRITERS)}")
    assert offenders == []


def test_nothing_is_unpickled():
    """torch.load only with weights_only=True; no pickle, joblib, or numpy object arrays."""
    offenders = []
    for path in python_files("shazam") + python_files("steps") + python_files("pipelines"):
        offenders += [
            f"{path}: {name}"
            for name in imports(path)
            if name.split(".")[0] in {"pickle", "cloudpickle", "joblib", "dill", "shelve"}
        ]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                safe = {key.arg: ast.unparse(key.value) for key in node.keywords}
                if safe.get("weights_only") != "True":
                    offenders.append(f"{path}:{node.lineno}")
    assert offenders == []
