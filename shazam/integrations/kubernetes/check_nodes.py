"""The nodes: are there some that pods of the config may go to, and that are large enough?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity

from shazam.config.cluster import ClusterConfig, Toleration
from shazam.integrations.kubernetes.check_api import Answer, Cluster, Object
from shazam.integrations.kubernetes.check_room import Amounts, resources_of, steps_of
from shazam.integrations.kubernetes.check_rows import Row, State

_REPELS = {"NoSchedule", "NoExecute"}
_SEE = "switch the component `see-nodes` on in the overlay and apply it; or kubectl get nodes"


@dataclass(frozen=True, slots=True)
class _Pods:
    """Pods that may go to the same nodes: what each asks for, by the key of its step."""

    asked: Mapping[str, Amounts]
    selector: Mapping[str, str]
    tolerations: Sequence[Toleration]
    keys: str  # of the config, that say where they may go


def capacity(cluster: Cluster, config: ClusterConfig) -> Iterator[Row]:
    """Yield whether all steps fit on nodes that their pods may go to: on GPUs, and without."""
    gpu, steps = config.gpu_resource, steps_of(config)
    on_gpus = {name: resources_of(step, gpu=gpu) for name, step in steps.items() if step.gpus}
    others = {name: resources_of(step, gpu=gpu) for name, step in steps.items() if not step.gpus}
    answer = cluster.get("/api/v1/nodes")
    yield _on_gpus(
        _Pods(
            on_gpus,
            config.gpu_node_selector,
            config.gpu_tolerations,
            "cluster.gpu_node_selector and cluster.gpu_tolerations",
        ),
        answer,
        gpu=gpu,
    )
    pods = _Pods(
        others,
        config.node_selector,
        config.tolerations,
        "cluster.node_selector and cluster.tolerations",
    )
    yield _fitting("nodes for steps without a GPU", pods, answer, nodes=answer.items)


def _on_gpus(pods: _Pods, answer: Answer, *, gpu: str) -> Row:
    what = f"nodes with {gpu}"
    if not pods.asked:
        return Row(what, State.OK, "no step asks for a GPU")
    with_gpus = [node for node in answer.items if _allocatable(node).get(gpu, Decimal(0)) > 0]
    if answer.is_found and not with_gpus:
        fix = "install the GPU's device plugin, or set cluster.gpu_resource to what nodes offer"
        return Row(what, State.MISSING, f"none of {len(answer.items)} nodes offers it", fix)
    row = _fitting(what, pods, answer, nodes=with_gpus)
    if row.state is not State.OK:
        return row
    usable = [node for node in with_gpus if not _repels(node, pods)]
    total = sum(_allocatable(node)[gpu] for node in usable)
    return Row(what, State.OK, f"{total} on {row.found}")


def _fitting(what: str, pods: _Pods, answer: Answer, *, nodes: Sequence[Object]) -> Row:
    if not answer.is_found:
        return Row(what, State.UNASKED, answer.why, _SEE)
    reasons = {node["metadata"]["name"]: _repels(node, pods) for node in nodes}
    usable = [node for node in nodes if not reasons[node["metadata"]["name"]]]
    if not usable:
        told = "; ".join(f"{name}: {reason}" for name, reason in sorted(reasons.items())[:5])
        fix = f"set {pods.keys} to fit these nodes"
        return Row(what, State.MISSING, told or "none is listed", fix)
    if unfit := _too_large(pods.asked, usable):
        fix = f"lower cluster.steps.{unfit[0]}, or add larger nodes"
        return Row(what, State.MISSING, f"no node is large enough for {', '.join(unfit)}", fix)
    return Row(what, State.OK, f"{len(usable)} nodes that pods may go to")


def _too_large(asked: Mapping[str, Amounts], nodes: Sequence[Object]) -> list[str]:
    def fits(own: Amounts, node: Object) -> bool:
        room = _allocatable(node)
        return all(amount <= room.get(key, Decimal(0)) for key, amount in own.items())

    return [name for name, own in asked.items() if not any(fits(own, node) for node in nodes)]


def _allocatable(node: Object) -> Amounts:
    found = (node.get("status") or {}).get("allocatable") or {}
    return {key: parse_quantity(text) for key, text in found.items()}


def _repels(node: Object, pods: _Pods) -> str:
    """Return why pods do not go to a node, or nothing."""
    labels = node["metadata"].get("labels") or {}
    for key, value in pods.selector.items():
        if labels.get(key) != value:
            return f"label {key} is {labels.get(key, 'absent')}, not {value}"
    spec = node.get("spec") or {}
    for taint in spec.get("taints") or []:
        if taint["effect"] in _REPELS and not _tolerated(taint, pods.tolerations):
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
