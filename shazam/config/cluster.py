"""The section on a Kubernetes cluster: where steps run, with what, and under which rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Self

from pydantic import Field, PlainSerializer, field_validator, model_validator

from shazam.config.section import Section

DnsName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
ImageByDigest = Annotated[str, Field(pattern=r"^[^@\s]+@sha256:[0-9a-f]{64}$")]
Cores = Annotated[str, Field(pattern=r"^([0-9]+m|[0-9]+(\.[0-9]+)?)$")]
Quantity = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$")]
PodPath = Annotated[PurePosixPath, PlainSerializer(str)]  # ZenML writes configs as JSON
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
_PLACEHOLDER = f"@sha256:{'0' * 64}"  # as configs and manifests are shipped; no image has it
_SECRET = re.compile(r"TOKEN|PASSWORD|PASSWD|SECRET|CREDENTIAL|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY")
_WITH_PASSWORD = re.compile(r"^[a-z][a-z0-9+.-]*://[^/@\s]*:[^/@\s]*@")


def looks_secret(name: str, value: str) -> bool:
    """Return whether a variable is a secret by its name, or holds an address with a password."""
    return bool(_SECRET.search(name.upper()) or _WITH_PASSWORD.match(value))


class Effect(StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Toleration(Section):
    """A taint that pods may run beside; without a value any value of the key."""

    key: str = Field(min_length=1)
    value: str | None = None
    effect: Effect | None = None


class Claim(Section):
    """A volume claim of the namespace and the folder that it is mounted at."""

    name: DnsName
    path: PodPath
    read_only: bool = True

    @field_validator("path")
    @classmethod
    def _is_absolute(cls, path: PurePosixPath) -> PurePosixPath:
        if not path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{path}: give an absolute path without '..'")
        return path


class SecretVariable(Section):
    """A variable whose value is the key of a secret; the value itself is never read here."""

    variable: VariableName
    secret: DnsName
    key: Annotated[str, Field(pattern=r"^[-._A-Za-z0-9]+$")]


class StepResources(Section):
    """What the pod of a step gets; requests are limits, so that no pod is the first to be evicted.

    ``shared_memory`` is that of /dev/shm and counts towards ``memory``. ``retries`` are pods after
    the first one; a pod that is preempted or drained is none of them. ``deadline_s`` counts from
    the job's creation, so it also ends the wait for a node or a quota.
    """

    cpu: Cores
    memory: Quantity
    gpus: int = Field(default=0, ge=0, le=16)
    shared_memory: Quantity = "64Mi"
    retries: int = Field(default=2, ge=0, le=20)
    deadline_s: int = Field(ge=60)


class ClusterSteps(Section):
    """What pods get, by what they do; ``other`` is every step without a GPU."""

    extract: StepResources = StepResources(
        cpu="8", memory="32Gi", gpus=1, shared_memory="8Gi", retries=6, deadline_s=7 * 86_400
    )
    train: StepResources = StepResources(
        cpu="4", memory="32Gi", gpus=1, shared_memory="2Gi", retries=3, deadline_s=2 * 86_400
    )
    distill: StepResources = StepResources(
        cpu="4", memory="32Gi", gpus=1, shared_memory="2Gi", retries=3, deadline_s=2 * 86_400
    )
    other: StepResources = StepResources(
        cpu="2", memory="8Gi", shared_memory="1Gi", retries=3, deadline_s=86_400
    )
    orchestrator: StepResources = StepResources(
        cpu="500m", memory="2Gi", retries=3, deadline_s=14 * 86_400
    )


class ClusterConfig(Section):
    """How a run is brought to a cluster; nothing of it changes a result.

    The workspace's claim is mounted in every pod at the path that the workspace has where the run
    is submitted. ``stack`` is the ZenML stack that `shazam stack register` made. ``slim_image``, an
    image without torch, is used by steps that need none. ``settings`` is a ConfigMap that pods take
    as environment, such as the addresses of servers; ``env`` goes before it. A container runtime
    that makes the root read-only before the GPU's driver is linked into it, as crun does, needs
    ``gpu_read_only_root`` to be false.
    """

    stack: DnsName = "shazam"
    image: ImageByDigest
    slim_image: ImageByDigest | None = None
    image_pull_secrets: tuple[DnsName, ...] = ()
    orchestrator_account: DnsName = "shazam-orchestrator"
    step_account: DnsName = "shazam-step"
    submit_account: DnsName = "shazam-submit"
    workspace_claim: DnsName = "shazam-workspace"
    claims: tuple[Claim, ...] = ()
    settings: DnsName | None = None
    env: Mapping[VariableName, str] = {}
    secrets: tuple[SecretVariable, ...] = ()
    gpu_resource: Annotated[str, Field(pattern=r"^[a-z0-9.-]+/[A-Za-z0-9._-]+$")] = "nvidia.com/gpu"
    gpu_node_selector: Mapping[str, str] = {}
    gpu_tolerations: tuple[Toleration, ...] = ()
    gpu_runtime_class: DnsName | None = None
    gpu_read_only_root: bool = True
    node_selector: Mapping[str, str] = {}
    tolerations: tuple[Toleration, ...] = ()
    priority_class: DnsName | None = None
    max_parallel_steps: int | None = Field(default=None, ge=1)
    grace_period_s: int = Field(default=120, ge=1)
    keep_finished_s: int = Field(default=7 * 86_400, ge=0)
    user_id: int = Field(default=10_001, ge=1)
    steps: ClusterSteps = ClusterSteps()

    @field_validator("env")
    @classmethod
    def _holds_no_secret(cls, env: Mapping[str, str]) -> Mapping[str, str]:
        for name, value in env.items():
            if looks_secret(name, value):
                raise ValueError(
                    f"{name}: looks like a secret, and everyone who may look at pods would read "
                    "it; keep it in a Secret and name that under cluster.secrets"
                )
        return env

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [*self.env, *(one.variable for one in self.secrets)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"cluster.env and cluster.secrets set {', '.join(twice)} twice")
        paths = [claim.path for claim in self.claims]
        if len(set(paths)) != len(paths):
            raise ValueError("cluster.claims: two claims have one path")
        return self


def is_placeholder(image: str) -> bool:
    """Tell whether an image is the one that stands in the shipped config for yours."""
    return image.endswith(_PLACEHOLDER)
