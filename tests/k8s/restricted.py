"""The rules of the `restricted` Pod Security standard (kubernetes.io, v1.33)."""

from __future__ import annotations

from collections.abc import Iterator

from tests.k8s.manifests import Manifest, containers

_VOLUMES = frozenset(
    {
        *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"),
        *("persistentVolumeClaim", "projected", "secret"),
    }
)
_HOST = ("hostNetwork", "hostPID", "hostIPC", "hostUsers", "shareProcessNamespace")


def broken_rules(template: Manifest) -> list[str]:
    """Return what of a pod `restricted` refuses."""
    return [*_of_pod(template["spec"]), *_of_containers(template)]


def _of_pod(spec: Manifest) -> Iterator[str]:
    for key in _HOST:
        if spec.get(key):
            yield key
    for volume in spec.get("volumes", []):
        for kind in set(volume) - {"name"} - _VOLUMES:
            yield f"volume {volume['name']}: {kind}"
    if (spec.get("securityContext") or {}).get("sysctls"):
        yield "sysctls"


def _of_containers(template: Manifest) -> Iterator[str]:
    pod = template["spec"].get("securityContext") or {}
    for container in containers(template):
        own = container.get("securityContext") or {}
        name = container["name"]
        both = {**pod, **own}
        if own.get("allowPrivilegeEscalation") is not False:
            yield f"{name}: allowPrivilegeEscalation"
        if own.get("privileged"):
            yield f"{name}: privileged"
        if own.get("procMount", "Default") != "Default":
            yield f"{name}: procMount"
        capabilities = own.get("capabilities") or {}
        if "ALL" not in capabilities.get("drop", []) or set(capabilities.get("add", [])) - {
            "NET_BIND_SERVICE"
        }:
            yield f"{name}: capabilities"
        if both.get("runAsNonRoot") is not True or both.get("runAsUser") == 0:
            yield f"{name}: runs as root"
        if (both.get("seccompProfile") or {}).get("type") not in {"RuntimeDefault", "Localhost"}:
            yield f"{name}: seccompProfile"
        if any("hostPort" in port for port in container.get("ports", [])):
            yield f"{name}: hostPort"
