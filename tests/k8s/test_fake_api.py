"""A small API server that enforces RBAC, quota and `restricted` from our manifests themselves."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
import yaml

from tests.k8s.manifests import Manifest, named, needs_kubectl, rendered
from tests.mlflow_server import free_port

pytestmark = [needs_kubectl, pytest.mark.integration]

CORE, BATCH = "/api/v1/namespaces/shazam", "/apis/batch/v1/namespaces/shazam"


@dataclass(frozen=True, slots=True)
class Account:
    """A service account that sends requests."""

    url: str
    token: str
    ca: Path

    @classmethod
    def read(cls, kubeconfig: Path) -> Account:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        return cls(
            url=cluster["server"],
            token=config["users"][0]["user"]["token"],
            ca=Path(cluster["certificate-authority"]),
        )

    def ask(self, method: str, path: str, body: object = None) -> int:
        request = Request(  # noqa: S310
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        context = ssl.create_default_context(cafile=str(self.ca))
        try:
            with urlopen(request, context=context, timeout=10) as answer:  # noqa: S310
                return int(answer.status)
        except HTTPError as error:
            error.close()
            return error.code


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Account]]:
    pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    tools = os.environ.get("SHAZAM_SHARED_TOOLS")
    if not tools or not (Path(tools) / "fakekube.py").is_file():
        pytest.skip("SHAZAM_SHARED_TOOLS names no folder with fakekube.py")
    folder, port = tmp_path_factory.mktemp("api"), free_port()
    objects = folder / "objects.yaml"
    objects.write_text(yaml.safe_dump_all(dict(one) for one in rendered("overlays/gpu")))
    command = [sys.executable, str(Path(tools) / "fakekube.py"), str(folder), str(port), "none"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*command, str(objects)], stdout=log, stderr=log, env=environment)
        try:
            _wait(port, server, log=folder / "log")
            names = ("admin", "shazam-submit", "shazam-orchestrator", "shazam-step")
            yield {name: Account.read(folder / f"{name}.kubeconfig") for name in names}
        finally:
            server.kill()
            server.wait()


def _wait(port: int, server: subprocess.Popen[bytes], *, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            with urlopen(
                f"https://127.0.0.1:{port}/version",
                context=ssl._create_unverified_context(),  # noqa: S323
                timeout=5,
            ):
                return
        except (URLError, ConnectionError):
            time.sleep(0.1)
    pytest.fail(f"no API server after 60 s: {log.read_text()}")


def _job(name: str) -> dict[str, Any]:
    spec = named(rendered("schedule"), "CronJob", "shazam-retrain")["spec"]["jobTemplate"]["spec"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "shazam"},
        "spec": json.loads(json.dumps(spec)),
    }


def _pod(name: str, **resources: str) -> dict[str, Any]:
    template = _job(name)["spec"]["template"]
    for part in ("requests", "limits"):
        template["spec"]["containers"][0]["resources"][part].update(resources)
    labels = template["metadata"]["labels"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shazam", "labels": labels},
        "spec": template["spec"],
    }


def _secret(name: str) -> Manifest:
    meta = {"name": name, "namespace": "shazam"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"token": "x"}}


def test_the_orchestrator_starts_follows_and_stops_steps(accounts: dict[str, Account]) -> None:
    ask = accounts["shazam-orchestrator"].ask
    assert ask("POST", f"{BATCH}/jobs", _job("step-1")) == 201
    note = {"metadata": {"annotations": {"run_id": "1"}}}
    assert ask("PATCH", f"{BATCH}/jobs/step-1", note) == 200
    assert ask("GET", f"{BATCH}/jobs/step-1") == 200
    assert ask("GET", f"{BATCH}/jobs?labelSelector=run_id%3D1") == 200
    assert ask("GET", f"{CORE}/pods?labelSelector=job-name%3Dstep-1") == 200
    assert ask("GET", f"{CORE}/pods/none") == 404  # it may ask
    assert ask("DELETE", f"{BATCH}/jobs/step-1") == 200
    assert accounts["shazam-submit"].ask("POST", f"{CORE}/secrets", _secret("token-1")) == 201
    assert ask("DELETE", f"{CORE}/secrets/token-1") == 200


def test_who_submits_starts_follows_schedules_and_stops_runs(accounts: dict[str, Account]) -> None:
    ask = accounts["shazam-submit"].ask
    (cronjob,) = rendered("schedule")
    schedule = {**cronjob, "metadata": {"name": "nightly", "namespace": "shazam"}}
    assert ask("POST", f"{BATCH}/jobs", _job("run-1")) == 201
    assert ask("GET", f"{BATCH}/jobs/run-1") == 200
    assert ask("GET", f"{BATCH}/jobs") == 200
    assert ask("GET", f"{CORE}/pods") == 200
    assert ask("GET", f"{CORE}/pods/none/log") == 404
    assert ask("DELETE", f"{BATCH}/jobs/run-1") == 200
    assert ask("POST", f"{BATCH}/cronjobs", schedule) == 201
    assert ask("PATCH", f"{BATCH}/cronjobs/nightly", {"spec": {"suspend": False}}) == 200
    assert ask("GET", f"{BATCH}/cronjobs") == 200
    assert ask("DELETE", f"{BATCH}/cronjobs/nightly") == 200
    for claim in ("workspace", "slides", "weights"):
        assert ask("GET", f"{CORE}/persistentvolumeclaims/shazam-{claim}") == 200
    assert ask("GET", f"{CORE}/resourcequotas/shazam") == 200
    assert ask("GET", f"{CORE}/serviceaccounts/shazam-step") == 200
    assert ask("GET", f"{CORE}/configmaps/shazam-settings") == 200


@pytest.mark.parametrize("name", ["shazam-submit", "shazam-orchestrator"])
def test_nobody_reads_secrets_enters_pods_or_widens_rights(
    accounts: dict[str, Account], name: str
) -> None:
    ask = accounts[name].ask
    assert accounts["admin"].ask("POST", f"{CORE}/secrets", _secret(f"hidden-{name}")) == 201
    assert ask("GET", f"{CORE}/secrets/hidden-{name}") == 403
    assert ask("GET", f"{CORE}/secrets") == 403
    assert ask("PATCH", f"{CORE}/secrets/hidden-{name}", {}) == 403
    assert ask("POST", f"{CORE}/pods", _pod("own")) == 403
    assert ask("DELETE", f"{CORE}/pods/any") == 403
    assert ask("PATCH", f"{CORE}/resourcequotas/shazam", {}) == 403
    assert ask("DELETE", f"{CORE}/persistentvolumeclaims/shazam-workspace") == 403
    assert ask("PATCH", f"{CORE}/configmaps/shazam-settings", {}) == 403
    assert ask("POST", f"{CORE}/serviceaccounts", {"metadata": {"name": "other"}}) == 403
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/shazam"
    assert ask("PATCH", f"{rbac}/roles/{name}", {}) == 403
    assert ask("POST", f"{rbac}/rolebindings", {"metadata": {"name": "other"}}) == 403
    assert ask("DELETE", "/apis/networking.k8s.io/v1/namespaces/shazam/networkpolicies/x") == 403


def test_the_orchestrator_makes_no_schedules_and_reads_no_logs(
    accounts: dict[str, Account],
) -> None:
    ask = accounts["shazam-orchestrator"].ask
    assert ask("GET", f"{BATCH}/cronjobs") == 403
    assert ask("GET", f"{CORE}/pods/any/log") == 403
    assert ask("POST", f"{CORE}/secrets", _secret("own")) == 403


def test_steps_may_do_nothing(accounts: dict[str, Account]) -> None:
    for path in (f"{BATCH}/jobs", f"{CORE}/pods", f"{CORE}/secrets", f"{CORE}/configmaps"):
        assert accounts["shazam-step"].ask("GET", path) == 403


def test_pods_that_are_not_restricted_or_beyond_the_quota_are_refused(
    accounts: dict[str, Account],
) -> None:
    ask = accounts["admin"].ask
    privileged = _pod("privileged")
    privileged["spec"]["containers"][0]["securityContext"]["privileged"] = True
    assert ask("POST", f"{CORE}/pods", privileged) == 403
    assert ask("POST", f"{CORE}/pods", _pod("nine", **{"nvidia.com/gpu": "9"})) == 403
    assert ask("POST", f"{CORE}/pods", _pod("eight", **{"nvidia.com/gpu": "8"})) == 201
    assert ask("POST", f"{CORE}/pods", _pod("one-more", **{"nvidia.com/gpu": "1"})) == 403
    unlimited = _pod("unlimited")
    del unlimited["spec"]["containers"][0]["resources"]["limits"]["memory"]
    assert ask("POST", f"{CORE}/pods", unlimited) == 403
