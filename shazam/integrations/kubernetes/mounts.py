"""Volumes of a pod and where its container has them: claims, and folders that begin empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# written by every pod, each its own: ZenML makes and enters /app
SCRATCH = {
    "app": "/app",
    "tmp": "/tmp",  # noqa: S108 - in the pod
    "home": "/home/shazam",
    "zenml": "/home/zenml",
}
_SCRATCH_LIMIT = "4Gi"


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume, and its mount, as Kubernetes writes them."""

    volume: dict[str, object]
    mount: dict[str, object]


def claimed(name: str, claim: str, *, path: str, read_only: bool) -> Mount:
    """Return a claim, mounted at a path.

    One that is only read says so itself, too: else a node may give all its files another group.
    """
    source = {"claimName": claim, **({"readOnly": True} if read_only else {})}
    return Mount(
        volume={"name": name, "persistentVolumeClaim": source},
        mount={"name": name, "mountPath": path, "readOnly": read_only},
    )


def empty(name: str, limits: Mapping[str, str], *, path: str) -> Mount:
    """Return a folder that begins empty and ends with its pod."""
    return Mount(
        volume={"name": name, "emptyDir": dict(limits)}, mount={"name": name, "mountPath": path}
    )


def scratch(shared_memory: str) -> Iterator[Mount]:
    """Yield what a pod with a read-only root writes to.

    Args:
        shared_memory: size of /dev/shm, as Kubernetes writes quantities.
    """
    for name, path in SCRATCH.items():
        yield empty(name, {"sizeLimit": _SCRATCH_LIMIT}, path=path)
    in_memory = {"medium": "Memory", "sizeLimit": shared_memory}
    yield empty("shm", in_memory, path="/dev/shm")  # noqa: S108 - in the pod
