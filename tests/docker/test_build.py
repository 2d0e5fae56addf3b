"""What docker/build asks of a builder, what it refuses, and the one line that it prints."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from shazam.digest import digest_of_file
from shazam.stages import SOURCE_ROOT

DIGEST = "sha256:" + "d" * 64
IMAGE_ID = "sha256:" + "1" * 64
# write down how they were called, and answer as the real ones do
BUILDAH = f"""#!/bin/sh
echo "buildah $*" >>"$CALLS"
case "$1" in
    from) echo container ;;
    run) echo '{{"bomFormat": "CycloneDX"}}' ;;
    push) printf '{DIGEST}' >"$3" ;;
    inspect) echo {IMAGE_ID} ;;
    build) echo noise ;;
esac
"""
DOCKER = f"""#!/bin/sh
echo "docker $*" >>"$CALLS"
case "$1 $2" in
    "version ") exit "${{NO_DAEMON:-0}}" ;;
    "run "*) echo '{{"bomFormat": "CycloneDX"}}' ;;
    "image inspect")
        case "$4" in
            *RepoDigests*) echo other.example/shazam@{IMAGE_ID}; echo r.example/t/shazam@{DIGEST} ;;
            *) echo {IMAGE_ID} ;;
        esac ;;
    *) echo noise ;;
esac
"""


@pytest.fixture
def build(tmp_path):
    """Return a function that runs the script of a clean repository with stand-ins as builders."""
    folder, tools = tmp_path / "project", tmp_path / "tools"
    for name in ("docker/build", "docker/Dockerfile", "pyproject.toml", "requirements.lock"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCE_ROOT / name, folder / name)
    (folder / ".gitignore").write_text("/build/\n")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.example")
        subprocess.run(["git", "-C", folder, *identity, *words], check=True)
    tools.mkdir()
    for name, text in {"buildah": BUILDAH, "docker": DOCKER}.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    calls = tmp_path / "calls"

    def run(*arguments, **environment):
        calls.write_text("")
        told = subprocess.run(
            [folder / "docker/build", *arguments],
            env={"PATH": f"{tools}:{os.environ['PATH']}", "CALLS": str(calls), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return told, calls.read_text().splitlines()

    run.folder = folder
    return run


def commit_of(folder):
    words = ["git", "-C", folder, "rev-parse", "HEAD"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("builder", ["docker", "buildah"])
def test_what_is_pushed_is_printed_by_its_digest_and_nothing_else(build, builder):
    told, calls = build("--target", "full", "--push", "r.example/t/", "--builder", builder)
    assert told.returncode == 0, told.stderr
    assert told.stdout == f"r.example/t/shazam@{DIGEST}\n"
    assert sum(f"{builder} push" in call for call in calls) == 1


def test_both_images_are_built_the_full_one_first(build):
    told, calls = build("--push", "r.example/t", "--builder", "buildah")
    assert told.stdout == f"r.example/t/shazam@{DIGEST}\nr.example/t/shazam-slim@{DIGEST}\n"
    builds = [call for call in calls if call.startswith("buildah build ")]
    assert ["--target full" in builds[0], "--target slim" in builds[1]] == [True, True]
    # the other format has no health check
    assert all("--format docker" in call for call in builds)


def test_an_image_is_told_its_commit_lock_version_and_source(build):
    _, calls = build("--target", "slim", "--builder", "docker", "--source", "https://a.example/b")
    (call,) = (call for call in calls if call.startswith("docker build "))
    assert f"GIT_COMMIT={commit_of(build.folder)} " in call
    assert f"LOCK_SHA256={digest_of_file(SOURCE_ROOT / 'requirements.lock')} " in call
    assert "VERSION=0.1.0 " in call
    assert "SOURCE=https://a.example/b " in call


def test_bases_and_arguments_of_the_builder_are_handed_on(build):
    bases = ("--base", "b:1", "--build-image", "c:2")
    _, calls = build("--target", "slim", "--builder", "docker", *bases, "--", "--network", "host")
    (call,) = (call for call in calls if call.startswith("docker build "))
    assert "BASE_IMAGE=b:1 --build-arg BUILD_IMAGE=c:2 --network host ." in call


def test_what_is_not_pushed_is_printed_by_its_id(build):
    told, calls = build("--target", "slim", "--builder", "buildah")
    assert told.stdout == f"{IMAGE_ID}\n"
    assert "a cluster needs a digest" in told.stderr
    assert not any("push" in call for call in calls)


@pytest.mark.parametrize("builder", ["docker", "buildah"])
def test_what_is_installed_is_asked_of_the_image_itself(build, builder):
    told, calls = build("--target", "slim", "--builder", builder)
    assert told.returncode == 0, told.stderr
    found = build.folder / "build/sbom/shazam-slim.cdx.json"
    assert found.read_text() == '{"bomFormat": "CycloneDX"}\n'
    assert any(call.endswith("shazam doctor --sbom") for call in calls)
    assert list(found.parent.iterdir()) == [found]


def test_changes_are_refused_or_marked(build):
    (build.folder / "new").touch()
    told, calls = build("--target", "slim")
    assert told.returncode == 2
    assert "the working tree has changes; commit them" in told.stderr
    assert calls == []
    told, calls = build("--target", "slim", "--builder", "docker", "--allow-dirty")
    assert told.returncode == 0, told.stderr
    (call,) = (call for call in calls if call.startswith("docker build "))
    commit = commit_of(build.folder)
    assert f"GIT_COMMIT={commit}-dirty " in call
    assert f"shazam-slim:0.1.0-{commit[:12]}-dirty " in call


def test_docker_is_taken_if_its_daemon_answers_else_buildah(build):
    assert build("--target", "slim")[1][1].startswith("docker build")
    _, calls = build("--target", "slim", NO_DAEMON="1")
    assert calls[1].startswith("buildah build")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--target", "tiny"), "there are slim and full"),
        (("--builder", "podman"), "there are docker and buildah"),
        (("--push",), "lacks its value"),
        (("--typo", "1"), "no such option"),
    ],
)
def test_wrong_use_is_refused_with_code_2(build, arguments, message):
    told, calls = build(*arguments)
    assert (told.returncode, told.stdout, calls) == (2, "", [])
    assert message in told.stderr


def test_a_builder_that_fails_prints_no_digest(build):
    tool = build.folder.parent / "tools/buildah"
    tool.write_text(BUILDAH.replace("build) echo noise", "build) exit 7"))
    told, _ = build("--target", "slim", "--builder", "buildah", "--push", "r.example")
    assert told.returncode == 7
    assert told.stdout == ""


def test_an_image_that_cannot_be_run_leaves_no_list_and_is_not_pushed(build):
    tool = build.folder.parent / "tools/buildah"
    tool.write_text(BUILDAH.replace("run) echo", "run) exit 9; echo"))
    told, calls = build("--target", "slim", "--builder", "buildah", "--push", "r.example")
    assert told.returncode != 0
    assert told.stdout == ""
    assert not (build.folder / "build/sbom/shazam-slim.cdx.json").exists()
    assert not any("push" in call for call in calls)
