"""A small Kubernetes API that runs the pods of our manifests as processes, each with its mounts."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from shazam.stages import SOURCE_ROOT
from tests.mlflow_server import free_port

Manifest = Mapping[str, Any]
CLAIM = "shazam-workspace"
_OTHER_CLAIMS = ("shazam-slides", "shazam-weights")
_LONGEST_START_S = 60
_KINDS = {
    *("Namespace", "ServiceAccount", "Role", "RoleBinding", "ResourceQuota", "ConfigMap"),
    "PersistentVolumeClaim",
}


@dataclass(frozen=True, slots=True)
class FakeCluster:
    """Its folder holds a kubeconfig for each service account and the volume of the workspace."""

    folder: Path

    @property
    def workspace(self) -> Path:
        """The volume of the workspace, which pods see under the same path."""
        return self.folder / "volume" / "ws"

    def kubeconfig(self, account: str) -> Path:
        return self.folder / f"{account}.kubeconfig"

    def requests(self) -> list[dict[str, Any]]:
        """Return every request that was answered, and what the job controller told."""
        path = self.folder / "requests.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def made(self, resource: str) -> list[Manifest]:
        """Return the objects of a kind that were created."""
        return [
            one["body"]
            for one in self.requests()
            if one.get("resource") == resource and one["verb"] == "create" and one["code"] == 201
        ]

    def logs(self) -> str:
        """Return what all pods wrote."""
        return "\n".join(path.read_text(errors="replace") for path in self._logs())

    def pods(self, part: str) -> list[str]:
        """Return the names of the pods that have a part in their name."""
        return [path.parent.name for path in self._logs() if part in path.parent.name]

    def log(self, pod: str) -> str:
        """Return what one pod wrote."""
        return (self.folder / "pods" / pod / "log").read_text(errors="replace")

    def create(self, path: str, body: Manifest) -> None:
        """Create an object as the administrator."""
        with self._ask(path, json.dumps(body).encode()) as answer:
            assert answer.status == 201

    def answered(self, path: str) -> dict[str, Any]:
        """Return an object as the administrator reads it."""
        with self._ask(path) as answer:
            return dict(json.loads(answer.read()))

    def process_of(self, pod: str) -> int | None:
        """Return the id of the first process of a pod that runs, not one that it forked."""
        found = set(self._processes(pod))
        return next((pid for pid in found if _parent(pid) not in found), None)

    def _processes(self, pod: str) -> Iterator[int]:
        for path in Path("/proc").glob("[0-9]*"):
            try:
                environment = (path / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if f"HOSTNAME={pod}".encode() in environment and b"zenml.entrypoints" in _command(path):
                yield int(path.name)

    def _ask(self, path: str, body: bytes | None = None) -> HTTPResponse:
        config = yaml.safe_load(self.kubeconfig("admin").read_text())
        request = Request(  # noqa: S310
            config["clusters"][0]["cluster"]["server"] + path,
            body,
            {"Authorization": f"Bearer {config['users'][0]['user']['token']}"},
        )
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        answer: HTTPResponse = urlopen(request, context=context, timeout=10)  # noqa: S310
        return answer

    def _logs(self) -> list[Path]:
        return sorted(self.folder.glob("pods/*/log"))


@contextmanager
def fake_cluster(manifests: Sequence[Manifest]) -> Iterator[FakeCluster]:
    """Start it with the kinds of our manifests that it knows; it ends with the context.

    It lies outside of /tmp, which every pod mounts anew. Claims get a storage class, as those of
    a real cluster do, and the workspace's a volume.
    """
    server_file = _server_file()
    folder = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="shazam-cluster-"))
    cluster = FakeCluster(folder)
    cluster.workspace.mkdir(parents=True)
    objects, port = folder / "objects.yaml", free_port()
    known = [_with_class(one) for one in manifests if one["kind"] in _KINDS]
    volumes = [_volume(CLAIM, cluster.workspace)]
    volumes += [_volume(name, folder / "volume" / name) for name in _OTHER_CLAIMS]
    objects.write_text(yaml.safe_dump_all([*known, *volumes]))
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "FAKEKUBE_KEEP": f"{SOURCE_ROOT}:{sys.prefix}",
    }
    command = [sys.executable, str(server_file), str(folder), str(port), "process", str(objects)]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            _wait(server, log=folder / "server.log")
            yield cluster
        finally:
            server.kill()
            server.wait()
            shutil.rmtree(folder)


def _server_file() -> Path:
    tools = os.environ.get("SHAZAM_SHARED_TOOLS")
    if not tools or not (Path(tools) / "fakekube.py").is_file():
        pytest.skip("SHAZAM_SHARED_TOOLS names no folder with fakekube.py")
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount, so pods cannot be run as processes")
    return Path(tools) / "fakekube.py"


def _with_class(one: Manifest) -> Manifest:
    if one["kind"] != "PersistentVolumeClaim":
        return dict(one)
    spec = {**one["spec"], "storageClassName": "shared", "volumeName": one["metadata"]["name"]}
    return {**one, "spec": spec}


def _volume(claim: str, path: Path) -> Manifest:
    path.mkdir(exist_ok=True)
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": claim},
        "spec": {"storageClassName": "shared", "hostPath": {"path": str(path)}},
    }


def _wait(server: subprocess.Popen[bytes], *, log: Path) -> None:
    deadline = time.monotonic() + _LONGEST_START_S
    while "ready" not in log.read_text():
        assert server.poll() is None, log.read_text()
        if time.monotonic() > deadline:
            raise TimeoutError(log.read_text())
        time.sleep(0.1)


def _parent(pid: int) -> int | None:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(status.rpartition(")")[2].split()[1])


def _command(path: Path) -> bytes:
    try:
        return (path / "cmdline").read_bytes()
    except OSError:
        return b""
