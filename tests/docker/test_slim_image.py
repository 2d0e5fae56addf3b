"""The slim image is really built, and its steps run in it with a read-only root."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from shazam.digest import digest_of_file
from shazam.stages import SOURCE_ROOT
from tests.docker.machine import MARKER, Image, Machine, run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1500)]
TOOLS = {
    *("as", "c++", "c99", "cc", "clang", "cpp", "g++", "gcc", "ld", "make", "rustc"),
    *("pip", "pip3", "pip3.11", "uv"),
}


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    machine = Machine.ready(folder)
    machine.make_bases()
    yield machine
    machine.buildah("umount", "--all")
    shutil.rmtree(folder / "graph")


@pytest.fixture(scope="module")
def bill(machine):
    return machine.folder / "sbom" / "shazam-slim.cdx.json"


@pytest.fixture(scope="module")
def commit():
    return run("git", "-C", SOURCE_ROOT, "rev-parse", "HEAD").strip()


@pytest.fixture(scope="module")
def image(machine, bill, commit):
    printed = machine.build("slim", sbom=bill.parent)
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", printed)
    return Image.mounted(machine, printed.strip().removeprefix("sha256:"))


@pytest.fixture(scope="module")
def workspace(machine):
    folder = machine.folder / "workspace"
    folder.mkdir()
    os.chown(folder, 10001, 10001)
    tree = yaml.safe_load((SOURCE_ROOT / "configs/demo.yaml").read_text())
    tree["demo"] = {"n_cases": 12, "n_extra_slides": 0, "n_sites": 3, "broken_slides": False}
    tree["acceptance"] = "/opt/shazam/configs/demo.acceptance.yaml"
    (folder / "tiny.yaml").write_text(yaml.safe_dump(tree))
    return folder


def stage(image, workspace, name, *more):
    places = ("--config", "/workspace/tiny.yaml", "--workspace", "/workspace/ws")
    views = ("--views", "/workspace/data")
    return image.run(workspace, "shazam", "stages", "run", name, *more, *places, *views)


def test_it_runs_ingest_and_validate(image, workspace):
    for name in ("demo", "ingest", "validate", "tile"):
        told = stage(image, workspace, name)
        assert told.returncode == 0, told.stderr
        assert told.stdout.strip() == f"/workspace/data/{name}"
    view = json.loads((workspace / "data/validate/stage.json").read_text())
    assert view
    assert (workspace / "data/ingest").stat().st_uid == 10001


def test_a_stage_that_needs_torch_says_so_and_is_not_tried_again(image, workspace):
    told = stage(image, workspace, "extract", "--teacher", "efficientnet_lite0")
    assert told.returncode == 45
    assert "error: torch is not installed" in told.stderr
    assert "take the full image" in told.stderr


def test_its_doctor_finds_it_healthy_and_it_is_the_health_check(image, workspace):
    command = image.config["Healthcheck"]["Test"]
    assert command[0] == "CMD"
    told = image.run(workspace, *command[1:])
    assert told.returncode == 0, told.stdout + told.stderr
    assert "note  torch: not installed" in told.stdout
    assert told.stdout.endswith("healthy\n")


def test_its_user_has_no_rights_and_its_root_cannot_be_written(image, workspace):
    told = image.run(workspace, "sh", "-c", "id -u; id -g; touch /opt/shazam/new")
    assert told.stdout.split() == ["10001", "10001"]
    assert "Read-only file system" in told.stderr
    privileged = run("find", image.root, "-xdev", "-type", "f", "-perm", "/6000")
    assert privileged == ""


def test_even_a_root_that_can_be_written_is_not_his(image):
    for name in ("opt/shazam", "opt/venv", "usr/bin"):
        told = (image.root / name).stat()
        assert (told.st_uid, told.st_mode & 0o022) == (0, 0), name


def test_it_says_its_commit_and_its_lock(image, commit):
    labels = image.config["Labels"]
    assert labels["org.opencontainers.image.revision"].removesuffix("-dirty") == commit
    assert labels["shazam.lock.sha256"] == digest_of_file(SOURCE_ROOT / "requirements.lock")
    assert f"SHAZAM_GIT_COMMIT={labels['org.opencontainers.image.revision']}" in image.config["Env"]


def test_nothing_of_the_builder_is_left(image):
    found = subprocess.run(
        ["grep", "-rlF", MARKER, image.root], capture_output=True, text=True, check=False
    )
    assert found.returncode == 1, found.stdout
    assert MARKER not in image.described
    assert not (image.root / "etc/pip.conf").exists()


def test_neither_compilers_nor_installers_nor_their_caches_are_left(image):
    files = run("find", image.root, "-xdev", "-not", "-type", "d").splitlines()
    names = [line.rpartition("/")[2] for line in files]
    assert "tini" in names
    assert not TOOLS & {line.rpartition("/")[2] for line in files if "/bin/" in line}
    assert [name for name in names if name.endswith((".whl", ".deb"))] == []
    assert list((image.root / "var/lib/apt/lists").glob("*")) == []
    for cache in ("root/.cache", "home/shazam/.cache", "var/cache/apt/archives"):
        assert not (image.root / cache).exists()


def test_what_is_installed_is_listed_and_of_the_lock(image, bill):
    text = bill.read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    parts = json.loads(text)["components"]
    lock = (SOURCE_ROOT / "requirements.lock").read_text().splitlines()
    python = {f"{p['name']}=={p['version']}" for p in parts if p["purl"].startswith("pkg:pypi/")}
    assert len(python) > 100
    assert {line.replace(".", "-") for line in python} <= {line.replace(".", "-") for line in lock}
    assert not {line.partition("==")[0] for line in python} & {"torch", "timm", "triton"}
    assert any(part["purl"].startswith("pkg:deb/debian/tini@") for part in parts)
