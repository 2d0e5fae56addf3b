"""The graph of the training pipeline as ZenML compiles it, and what its pods ask for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from shazam.config import Config, load_config
from shazam.config.cluster import ClusterConfig
from shazam.integrations.kubernetes.runs import resources_of
from shazam.stages import SOURCE_ROOT

_SUFFIXES = {"m": 1e-3, "": 1.0, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}


def cluster_config(
    folder: Path, *, teachers: Sequence[str], n_shards: int, values: Sequence[str] = ()
) -> Config:
    """Return the shipped config for a cluster with other teachers and shards.

    Args:
        folder: where its cohort would lie; nothing is read there.
        teachers: their names.
        n_shards: parts of each teacher's slides.
        values: further ``a.b=value`` texts.
    """
    overrides = [
        f"extraction.teachers=[{','.join(teachers)}]",
        f"extraction.shards={n_shards}",
        f"cohort.table={folder / 'cohort.csv'}",
        f"cohort.slides_dir={folder}",
        *values,
    ]
    path = SOURCE_ROOT / "configs" / "k8s.yaml"
    return load_config(path, overrides=overrides, environment={}).config


@dataclass(frozen=True, slots=True)
class Wired:
    """A step of the graph: the name of its function, and the steps before it."""

    function: str
    before: tuple[str, ...]


def compiled_graph(config: Config) -> dict[str, Wired]:
    """Return the steps of the training pipeline.

    The environment must be prepared: ZenML compiles against a store.
    """
    pipeline = importlib.import_module("pipelines.training").training.copy()
    names = config.extracted().encoders()
    pipeline.prepare(config, "", dict.fromkeys(names, ""))
    snapshot, _, _ = pipeline._compile()  # as a run does first
    functions = {name: found.step.name for name, found in pipeline.invocations.items()}
    return {
        name: Wired(functions[name], tuple(sorted(step.spec.upstream_steps)))
        for name, step in snapshot.step_configurations.items()
    }


def asked_of_quota(cluster: ClusterConfig, function: str) -> dict[str, float]:
    """Return what the pod of a step takes of a quota, by the name of the step's function."""
    resources = resources_of(cluster, name=function)
    own = {
        "cpu": amount(resources.cpu),
        "memory": amount(resources.memory),
        cluster.gpu_resource: float(resources.gpus),
    }
    named = {f"{kind}.{key}": own[key] for kind in ("requests", "limits") for key in own}
    return {**named, "pods": 1.0}


def shipped_quota(n_gpus: int, *, cluster: ClusterConfig) -> dict[str, float]:
    """Return the quota of the overlay for GPUs, scaled to a number of them.

    The pod that starts the others is taken off.
    """
    hard: dict[str, str] = {}
    for folder in ("base", "overlays/gpu"):
        text = (SOURCE_ROOT / "k8s" / folder / "quota.yaml").read_text(encoding="utf-8")
        hard |= yaml.safe_load(text)["spec"]["hard"]
    gpu = f"requests.{cluster.gpu_resource}"
    factor = n_gpus / amount(hard[gpu])
    kept = {"pods", "requests.cpu", "requests.memory", "limits.memory", gpu}
    scaled = {key: amount(text) * factor for key, text in hard.items() if key in kept}
    starts = cluster.steps.orchestrator
    taken: Mapping[str, float] = {
        "requests.cpu": amount(starts.cpu),
        "requests.memory": amount(starts.memory),
        "limits.memory": amount(starts.memory),
        "pods": 1.0,
    }
    return {key: value - taken.get(key, 0.0) for key, value in scaled.items()}


def amount(text: str) -> float:
    """Return a quantity of Kubernetes as a number."""
    digits = text.rstrip("mkKMGTi")
    return float(digits) * _SUFFIXES[text[len(digits) :]]
