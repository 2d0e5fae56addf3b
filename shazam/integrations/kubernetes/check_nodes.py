"""GPUs of the nodes: are there some that pods of the config may go to?"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity

from shazam.config.cluster import ClusterConfig, Toleration
from shazam.integrations.kubernetes.check_api import Cluster, Object
from shazam.integrations.kubernetes.check_room import Amounts, resources_of, steps_of
from shazam.integrations.kubernetes.check_rows import Row, State

_REPELS = {"NoSchedule", "NoExecute"}


def gpu_capacity(cluster: Cluster, config: ClusterConfig) -> Row:
    """Return whether every GPU step fits on a node that its pods may go to, and how many GPUs."""
    what, gpu = f"nodes with {config.gpu_resource}", config.gpu_resource
    wanted = {name: step for name, step in steps_of(config).items() if step.gpus}
    if not wanted:
        return Row(what, State.OK, "no step asks for a GPU")
    answer = cluster.get("/api/v1/nodes")
    if not answer.is_found:
        fix = (
            "switch the component `see-nodes` on in the overlay and apply it; or kubectl get nodes"
        )
        return Row(what, State.UNASKED, answer.why, fix)
    with_gpus = [node for node in answer.items if _allocatable(node).get(gpu, Decimal(0)) > 0]
    if not with_gpus:
        fix = "install the GPU's device plugin, or set cluster.gpu_resource to what nodes offer"
        return Row(what, State.MISSING, f"none of {len(answer.items)} nodes offers it", fix)
    reasons = {node["metadata"]["name"]: _repels(node, config) for node in with_gpus}
    usable = [node for node in with_gpus if not reasons[node["metadata"]["name"]]]
    if not usable:
        told = "; ".join(f"{name}: {reason}" for name, reason in sorted(reasons.items())[:5])
        fix = "set cluster.gpu_node_selector and cluster.gpu_tolerations to fit these nodes"
        return Row(what, State.MISSING, told, fix)
    asked = {name: resources_of(step, gpu=gpu) for name, step in wanted.items()}
    if unfit := _too_large(asked, usable):
        fix = f"lower cluster.steps.{unfit[0]}, or add larger nodes"
        return Row(what, State.MISSING, f"no node is large enough for {', '.join(unfit)}", fix)
    total = sum(_allocatable(node)[gpu] for node in usable)
    return Row(what, State.OK, f"{total} on {len(usable)} nodes that pods may go to")


def _too_large(asked: dict[str, Amounts], nodes: Sequence[Object]) -> list[str]:
    def fits(own: Amounts, node: Object) -> bool:
        room = _allocatable(node)
        return all(amount <= room.get(key, Decimal(0)) for key, amount in own.items())

    return [name for name, own in asked.items() if not any(fits(own, node) for node in nodes)]


def _allocatable(node: Object) -> Amounts:
    found = (node.get("status") or {}).get("allocatable") or {}
    return {key: parse_quantity(text) for key, text in found.items()}


def _repels(node: Object, config: ClusterConfig) -> str:
    """Return why pods of the config do not go to a node, or nothing."""
    labels = node["metadata"].get("labels") or {}
    for key, value in config.gpu_node_selector.items():
        if labels.get(key) != value:
            return f"label {key} is {labels.get(key, 'absent')}, not {value}"
    spec = node.get("spec") or {}
    for taint in spec.get("taints") or []:
        if taint["effect"] in _REPELS and not _tolerated(taint, config.gpu_tolerations):
            return f"taint {taint['key']}={taint.get('value', '')}:{taint['effect']}"
    conditions = (node.get("status") or {}).get("conditions") or []
    ready = [one["status"] for one in conditions if one["type"] == "Ready"]
    if spec.get("unschedulable") or set(ready) & {"False", "Unknown"}:
        return "cordoned or not ready"
    return ""


def _tolerated(taint: Object, tolerations: Sequence[Toleration]) -> bool:
    return any(
        one.key == taint["key"]
        and one.value in {None, taint.get("value", "")}
        and (one.effect is None or one.effect.value == taint["effect"])
        for one in tolerations
    )
