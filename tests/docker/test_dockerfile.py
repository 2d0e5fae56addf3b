"""What an image is, as its Dockerfile says."""

import ast
import json
import re
import tomllib

import pytest

from shazam.stages import SOURCE_ROOT, source_files
from tests.docker.dockerfile import DOCKERFILE, instructions, lineage, of_image

TARGETS = ("slim", "full")
WITHOUT_TORCH = (
    *("evaluate", "freeze", "ingest", "register", "split", "tile", "validate"),
    "validate_features",
)
HEAVY = {"timm", "torch", "torchvision", "transformers"}


def the_last(target: str, word: str) -> str:
    return [one.text for one in of_image(target) if one.word == word][-1]


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_runs_as_a_user_without_rights_under_tini(target):
    assert the_last(target, "USER") == "10001:10001"
    assert json.loads(the_last(target, "ENTRYPOINT")) == ["/usr/bin/tini", "--"]


@pytest.mark.parametrize("target", TARGETS)
def test_its_health_check_is_the_doctor(target):
    _, _, command = the_last(target, "HEALTHCHECK").partition("CMD ")
    assert json.loads(command)[:2] == ["shazam", "doctor"]


@pytest.mark.parametrize("target", TARGETS)
def test_it_says_its_commit_and_lock(target):
    labels = dict(re.findall(r'([\w.]+)="([^"]*)"', the_last(target, "LABEL")))
    assert labels["org.opencontainers.image.revision"] == "${GIT_COMMIT}"
    assert labels["org.opencontainers.image.version"] == "${VERSION}"
    assert labels["org.opencontainers.image.source"] == "${SOURCE}"
    assert labels["shazam.lock.sha256"] == "${LOCK_SHA256}"
    assert the_last(target, "ENV") == "SHAZAM_GIT_COMMIT=${GIT_COMMIT}"


@pytest.mark.parametrize("target", TARGETS)
def test_where_packages_come_from_is_never_a_setting_of_the_image(target):
    told = " ".join(one.text for one in of_image(target))
    assert not re.search(r"\bpip(?!e)|proxy|index|trusted|\bcerts?\b", told, re.IGNORECASE)


def test_nothing_in_it_is_named_like_a_secret():
    names = [
        name
        for one in instructions()
        if one.word in {"ARG", "ENV"}
        for name in re.findall(r"(\w+)(?:=|$|\s)", one.text)
    ]
    assert "GIT_COMMIT" in names
    assert [n for n in names if re.search(r"TOKEN|SECRET|PASSW|CREDENTIAL|_KEY", n)] == []


def test_every_builder_understands_it():
    """No frontend of BuildKit, no linked copies, no mounts; nothing is fetched past the lock."""
    text = DOCKERFILE.read_text()
    assert "syntax=" not in text
    assert "--link" not in text
    assert "--mount" not in text
    assert [one for one in instructions() if one.word == "ADD"] == []


def test_no_base_is_whatever_is_newest():
    (base,) = (one.text for one in instructions() if one.text.startswith("BASE_IMAGE="))
    assert re.fullmatch(r"BASE_IMAGE=[\w./-]+:[\w.-]+", base)
    assert ":latest" not in DOCKERFILE.read_text()


def test_the_full_image_is_the_default_and_the_slim_one_needs_nothing_of_it():
    stages = list(dict.fromkeys(one.stage for one in instructions() if one.stage))
    assert stages[-1] == "full"
    # a builder that makes all stages before a target makes no torch for the slim one
    assert stages.index("slim") < stages.index("full-packages")
    assert "full-packages" not in lineage("slim")


def test_packages_are_those_of_the_lock():
    (slim,) = (one.text for one in instructions() if one.text.startswith("SLIM_EXTRAS="))
    (full,) = (one.text for one in instructions() if one.text.startswith("FULL_EXTRAS="))
    installs = [one.text for one in instructions() if " install --no-cache-dir" in one.text]
    assert len(installs) == 2
    assert all("--constraint requirements.lock" in text for text in installs)
    project = tomllib.loads((SOURCE_ROOT / "pyproject.toml").read_text())["project"]
    known = project["optional-dependencies"]
    chosen = [text.partition("=")[2].split(",") for text in (slim, full)]
    assert all(name in known for names in chosen for name in names)
    assert "torch" in chosen[1]
    needed = [*project["dependencies"], *(line for name in chosen[0] for line in known[name])]
    assert not {re.split(r"[\[<>=]", line)[0] for line in needed} & HEAVY


@pytest.mark.parametrize("step", WITHOUT_TORCH)
def test_a_step_of_the_slim_image_reads_no_module_that_needs_torch(step):
    offenders = [
        name
        for name in source_files(step)
        if name.endswith(".py")
        for node in ast.walk(ast.parse((SOURCE_ROOT / name).read_text()))
        if packages(node) & HEAVY
    ]
    assert offenders == []


def packages(node: ast.AST) -> set[str]:
    match node:
        case ast.Import(names=names):
            return {alias.name.split(".")[0] for alias in names}
        case ast.ImportFrom(module=str(module)):
            return {module.split(".")[0]}
        case _:
            return set()


def test_only_what_an_image_is_made_of_is_sent_to_the_builder():
    lines = (SOURCE_ROOT / ".dockerignore").read_text().split()
    kept = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        name
        for one in instructions()
        if one.word == "COPY" and "--from" not in one.text
        for name in one.text.split()[:-1]
    }
    assert "*" in lines
    assert kept == copied
