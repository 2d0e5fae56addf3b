"""The manifests as they would be applied, and their parts."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

Manifest = Mapping[str, Any]

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
KUBECTL = shutil.which("kubectl")


RUNS = ("base", "overlays/local", "overlays/gpu", "overlays/airgapped")
FOLDERS = (*RUNS, "overlays/services", "copy", "fetch", "run", "schedule")
PARTS = ("base/network",)  # of another kustomization: not applied by themselves

KUSTOMIZATION = "kustomization.yaml"

OLDEST = 32  # as the page says; far older ones know no components


def _missing() -> str:
    """Return why the manifests cannot be built here, or nothing."""
    if KUBECTL is None:
        return "kubectl is not installed"
    told = subprocess.run(
        [KUBECTL, "version", "--client", "--output=json"], capture_output=True, check=True
    )
    minor = int(json.loads(told.stdout)["clientVersion"]["minor"].rstrip("+"))
    return "" if minor >= OLDEST else f"kubectl 1.{minor} is too old: 1.{OLDEST} is needed"


needs_kubectl = pytest.mark.skipif(bool(_missing()), reason=_missing() or "it is there")


@cache
def build(folder: Path) -> tuple[Manifest, ...]:
    """Return the objects that `kubectl apply -k` would send."""
    done = subprocess.run(
        [str(KUBECTL), "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def rendered(folder: str) -> tuple[Manifest, ...]:
    return build(K8S / folder)


def with_components(
    tmp_path: Path, *names: str, overlay: str = "gpu", namespace: str = "shazam"
) -> tuple[Manifest, ...]:
    """Return an overlay in which components that are extras were switched on, as the page says."""
    copy = tmp_path / "k8s"
    shutil.copytree(K8S, copy)
    asked = copy / "overlays" / overlay / KUSTOMIZATION
    tree = yaml.safe_load(asked.read_text())
    tree["components"] += [f"../../components/{name}" for name in names]
    asked.write_text(yaml.safe_dump(tree))
    named = copy / "components" / "namespace" / KUSTOMIZATION
    named.write_text(yaml.safe_dump({**yaml.safe_load(named.read_text()), "namespace": namespace}))
    return build(asked.parent)


def of_kind(objects: Sequence[Manifest], kind: str) -> list[Manifest]:
    return [one for one in objects if one["kind"] == kind]


def named(objects: Sequence[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [one for one in of_kind(objects, kind) if one["metadata"]["name"] == name]
    return found


def title(one: Manifest) -> str:
    return f"{one['kind']}/{one['metadata']['name']}"


def pod_template(one: Manifest) -> Manifest | None:
    """Return the pod template of an object, with its labels and spec, if it has one."""
    match one["kind"]:
        case "Pod":
            return one
        case "CronJob":
            return one["spec"]["jobTemplate"]["spec"]["template"]
        case "Job" | "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet":
            return one["spec"]["template"]
        case _:
            return None


def pod_templates(objects: Sequence[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for one in objects:
        template = pod_template(one)
        if template is not None:
            yield title(one), template


def containers(template: Manifest) -> list[Manifest]:
    spec = template["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]
