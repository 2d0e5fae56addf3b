"""The three rings, and the one way of writing results."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shazam.stages import SOURCE_ROOT

OUTER = {"zenml", "mlflow", "dvc", "great_expectations", "kubernetes", "kfp"}
CORE = {
    *(
        "ahead",
        "cells",
        "config",
        "contracts",
        "digest",
        "errors",
        "explanations",
        "hdf5",
        "hdf5_rows",
        "ids",
        "installed",
    ),
    *(
        "manifests",
        "meaning",
        "owner",
        "predictions",
        "progress",
        "publish",
        "refs",
        "slidefiles",
        "stages",
        "stopping",
    ),
    "workspace",
}
ROOMS = {
    "cohort": set(),
    "slides": set(),
    "teachers": set(),
    "features": {"slides", "teachers"},
    "models": set(),
    "training": {"models", "features", "cohort"},
    "evaluation": {"cohort"},
    "promotion": {"cohort", "evaluation"},
    "demo": set(),
    "upkeep": {"cohort", "evaluation", "slides", "features", "teachers"},
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
        name.split(".")[0] in {"zenml", "steps", "pipelines", "__future__"}
        or name in {"shazam.config", "shazam.refs"}
        for name in rooms
    )


WRITERS = {
    *("write_text", "write_bytes", "savefig", "to_csv", "to_parquet", "save_file", "write_table"),
    *("copyfile", "copytree", "rename", "symlink_to", "imwrite", "savez", "TiffWriter"),
}
OPENERS = {"open", "File"}
WRITING_MODES = {"w", "wb", "a", "ab", "x", "xb", "r+", "r+b"}
KNOWN_WRITERS = {
    "shazam/publish.py": {"copyfile", "rename", "write_bytes"},
    # these are handed to publish, which gives them a temporary path
    "shazam/cohort/slide_memory.py": {"write_bytes"},
    "shazam/cohort/store.py": {"write_table"},
    "shazam/demo/cohort.py": {"open"},
    "shazam/demo/pyramid.py": {"TiffWriter"},
    "shazam/evaluation/measured.py": {"write_bytes"},
    "shazam/evaluation/measured_tables.py": {"to_parquet"},
    "shazam/evaluation/run_folder.py": {"write_bytes"},
    "shazam/hdf5.py": {"File", "write_bytes"},
    "shazam/integrations/expectations.py": {"write_bytes"},
    "shazam/models/bundle.py": {"save_file"},
    "shazam/predictions.py": {"to_parquet"},
    "shazam/slides/picture.py": {"write_bytes"},
    "shazam/slides/validate.py": {"write_bytes"},
    # these write into memory
    "shazam/evaluation/drawing.py": {"savefig"},
    "shazam/promotion/evidence/files.py": {"to_parquet"},
    "shazam/training/store.py": {"to_parquet"},
    # a removal begins by a name that nobody reads
    "shazam/upkeep/removal.py": {"rename"},
    # a lock, a copy of a store in a folder that is thrown away, and links in one
    "shazam/integrations/zenml_store.py": {"copyfile", "write_text"},
    "shazam/cli/occupy.py": {"open"},
    "shazam/integrations/mlflow_runs.py": {"symlink_to"},
}


def writers(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).split(".")[-1]
            values = [*node.args, *(key.value for key in node.keywords)]
            modes = {value.value for value in values if isinstance(value, ast.Constant)}
            if name in WRITERS or (name in OPENERS and modes & WRITING_MODES):
                found.add(name)
    return found


def test_results_are_written_through_publish_only():
    """A new way of writing a file must be looked at, and listed here with its reason."""
    files = python_files("shazam") + python_files("steps") + python_files("pipelines")
    found = {path.relative_to(SOURCE_ROOT).as_posix(): writers(path) for path in files}
    assert {name: calls for name, calls in found.items() if calls} == KNOWN_WRITERS


# catches what torch.load raises when it refuses a file; the import of anything else is an offence
NAMES_AN_ERROR_OF_PICKLE = {
    "shazam/features/imports/torch_file.py",
    "shazam/teachers/state.py",
    "shazam/training/checkpoint.py",
}


def test_only_the_error_of_pickle_is_imported():
    for name in NAMES_AN_ERROR_OF_PICKLE:
        text = (SOURCE_ROOT / name).read_text()
        assert re.findall(r".*\bpickle\b.*import.*|.*import.*\bpickle\b.*", text) == [
            "from pickle import UnpicklingError"
        ]


def test_nothing_is_unpickled():
    """torch.load only with weights_only=True; no pickle, joblib, or numpy object arrays."""
    offenders = []
    for path in python_files("shazam") + python_files("steps") + python_files("pipelines"):
        offenders += [
            f"{path}: {name}"
            for name in imports(path)
            if name.split(".")[0]
            in {"pickle", "_pickle", "cloudpickle", "joblib", "dill", "shelve"}
            and path.relative_to(SOURCE_ROOT).as_posix() not in NAMES_AN_ERROR_OF_PICKLE
        ]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                safe = {key.arg: ast.unparse(key.value) for key in node.keywords}
                if safe.get("weights_only") != "True":
                    offenders.append(f"{path}:{node.lineno}")
    assert offenders == []
