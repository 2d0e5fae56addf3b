"""What is installed counts, and no package that the code imports is forgotten."""

import ast
import sys

import pytest

from shazam import installed
from shazam.integrations.zenml import cache_by_value
from shazam.stages import SOURCE_ROOT, code_digest

# these carry, show or run results; none of them computes one
CARRYING = {
    *("croniter", "cryptography", "dvc", "dvc_data", "dvc_objects", "httpx2", "huggingface_hub"),
    *("kfp", "kubernetes", "mlflow", "requests", "rich", "sqlalchemy", "threadpoolctl", "typer"),
    *("urllib3", "zenml"),
}
OWN = {"pipelines", "shazam", "steps"}


def imported() -> set[str]:
    found: set[str] = set()
    for folder in OWN:
        for path in (SOURCE_ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Import(names=names):
                        found |= {alias.name.split(".")[0] for alias in names}
                    case ast.ImportFrom(module=str(module), level=0):
                        found.add(module.split(".")[0])
    return found - OWN - sys.stdlib_module_names


def test_every_imported_package_computes_or_is_known_not_to():
    assert imported() - CARRYING == set(installed.COMPUTING)


def test_the_versions_are_those_that_are_installed():
    import torch

    told = installed.installed_versions()
    assert torch.__version__.startswith(told["torch"].split("+")[0])
    assert told["openslide-bin"] != "absent"


@pytest.mark.parametrize("name", [n for names in installed.COMPUTING.values() for n in names])
def test_another_version_of_a_package_is_another_digest_and_other_code(name, monkeypatch):
    before = installed.installed_digest(), code_digest("tile")
    version = installed.version
    monkeypatch.setattr(
        installed, "version", lambda asked: "0.0" if asked == name else version(asked)
    )
    installed.installed_digest.cache_clear()
    try:
        after = installed.installed_digest(), code_digest("tile")
    finally:
        installed.installed_digest.cache_clear()
    assert after[0] != before[0]
    assert after[1] != before[1]


def test_the_cache_policy_of_a_step_asks_for_it():
    asked = cache_by_value("tile").cache_func
    assert asked is not None
    assert asked.import_path == "shazam.installed.installed_digest"
