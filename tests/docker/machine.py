"""An image built on this machine without a daemon, and commands run in it as a cluster does."""

from __future__ import annotations

import configparser
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from shazam.stages import SOURCE_ROOT

BASE, BUILD_IMAGE = "localhost/base:test", "localhost/builder:test"
# stands in all that only the builder may know
MARKER = "shazam-test-of-the-builder.invalid"
NEEDED = ("buildah", "chroot", "debootstrap", "unshare")

# what a cluster mounts where the root is read-only; argument 1 is the root, 2 the workspace
_INSIDE = """
set -eu
root=$1 workspace=$2
shift 2
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
for folder in app tmp home/shazam home/zenml; do
    mount -t tmpfs -o mode=1777 tmpfs "$root/$folder"
done
mount --bind "$workspace" "$root/workspace"
exec env -i {environment} {chroot} --userspec={user} "$root" {entrypoint} "$@"
"""


def run(*command: str | Path, environment: dict[str, str] | None = None) -> str:
    """Run a command and return its standard output; what it says shows if it fails."""
    told = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    assert told.returncode == 0, f"{command}: {told.stdout[-2000:]}\n{told.stderr[-4000:]}"
    return told.stdout


@dataclass(frozen=True)
class Machine:
    """A store of images in a folder of its own."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What buildah reads instead of the machine's settings."""
        return {
            "BUILDAH_ISOLATION": "chroot",
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "TMPDIR": str(self.folder),
        }

    @classmethod
    def ready(cls, folder: Path) -> Machine:
        """Return a machine that can build; the test is skipped, with the reason, if none can."""
        missing = [name for name in NEEDED if shutil.which(name) is None]
        if missing or os.getuid() != 0:
            reason = f"not there: {', '.join(missing)}" if missing else "needs root"
            pytest.skip(f"no image can be built here: {reason}")
        store = f'[storage]\ndriver = "{os.environ.get("STORAGE_DRIVER", "overlay")}"\n'
        store += f'graphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
        (folder / "storage.conf").write_text(store)
        machine = cls(folder)
        try:
            machine.buildah("rm", machine.buildah("from", "scratch"))
            run("unshare", "--mount", "--pid", "--fork", "true")
            run("debootstrap", "--variant=minbase", "bookworm", folder / "debian")
        except AssertionError as error:
            pytest.skip(f"no image can be built here: {error}")
        return machine

    def buildah(self, *arguments: str | Path) -> str:
        """Run buildah on the store and return what it prints."""
        return run("buildah", *arguments, environment=self.environment).strip()

    def make_bases(self) -> None:
        """Make a base with nothing but Debian, and one with what this machine needs to install."""
        shutil.rmtree(self.folder / "debian/var/cache/apt/archives")
        plain = self.buildah("from", "scratch")
        self.buildah("add", "--quiet", plain, self.folder / "debian", "/")
        self.buildah("commit", "--quiet", "--rm", plain, BASE)
        builder = self.buildah("from", BASE)
        settings = self.folder / "settings"
        settings.mkdir()
        for path, text in {
            "etc/pip.conf": pip_settings(),
            "etc/ssl/certs/all.crt": bundle(),
        }.items():
            (settings / path).parent.mkdir(parents=True, exist_ok=True)
            (settings / path).write_text(text)
        self.buildah("add", "--quiet", builder, settings, "/")
        self.buildah("commit", "--quiet", "--rm", builder, BUILD_IMAGE)

    def build(self, target: str, *, sbom: Path) -> str:
        """Build an image by the script and return what it prints: the id."""
        return run(
            *(SOURCE_ROOT / "docker/build", "--builder", "buildah", "--allow-dirty"),
            *("--target", target, "--base", BASE, "--build-image", BUILD_IMAGE, "--sbom", sbom),
            # a second build would profit of layers; writing them costs minutes
            *("--", "--layers=false", "--build-arg", f"PIP_TRUSTED_HOST={MARKER}"),
            environment=self.environment,
        )


@dataclass(frozen=True)
class Image:
    """An image whose files are mounted at ``root``."""

    root: Path
    described: str

    @classmethod
    def mounted(cls, machine: Machine, name: str) -> Image:
        """Return an image of the store."""
        described = machine.buildah("inspect", "--type", "image", name)
        root = machine.buildah("mount", machine.buildah("from", name))
        return cls(Path(root), described)

    @property
    def config(self) -> dict[str, object]:
        """How its containers run."""
        config = json.loads(self.described)["Docker"]["config"]
        assert isinstance(config, dict)
        return config

    def run(self, workspace: Path, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as the image's user, its root read-only."""
        script = _INSIDE.format(
            environment=quoted(self.config["Env"]),
            chroot=shutil.which("chroot"),
            user=self.config["User"],
            entrypoint=quoted(self.config["Entrypoint"]),
        )
        isolated = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
        return subprocess.run(
            [*isolated, "sh", "-c", script, "sh", str(self.root), str(workspace), *command],
            capture_output=True,
            text=True,
            check=False,
        )


def quoted(words: object) -> str:
    """Return words for a shell."""
    assert isinstance(words, Sequence)
    return shlex.join(words)


def pip_settings() -> str:
    """Return this machine's settings of pip, but what lies on its disk."""
    found = configparser.ConfigParser()
    found["global"] = {"cert": "/etc/ssl/certs/all.crt"}
    for line in run("pip", "config", "list").splitlines():
        name, value = line.split("=", maxsplit=1)
        key = name.rpartition(".")[2].strip(":")
        servers = [word for word in value.strip("'").split() if word.startswith("http")]
        if key in {"index-url", "extra-index-url"} and servers:
            found["global"][key] = " ".join(servers)
    lines = [f"{key} = {value}" for key, value in found["global"].items()]
    return "\n".join(["[global]", *lines, f"# {MARKER}", ""])


def bundle() -> str:
    """Return the certificates that this machine trusts."""
    chosen = os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
    return Path(chosen).read_text(encoding="utf-8") + f"# {MARKER}\n"
