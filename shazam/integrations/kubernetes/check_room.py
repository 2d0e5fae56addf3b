"""Room in the namespace: do quota and limits let the largest step in, and how many on GPUs?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity

from shazam.config.cluster import ClusterConfig, StepResources
from shazam.integrations.kubernetes.check_api import Cluster, Object
from shazam.integrations.kubernetes.check_rows import Row, State

_STEPS = ("extract", "train", "distill", "other", "orchestrator")
Amounts = Mapping[str, Decimal]


def steps_of(config: ClusterConfig) -> Mapping[str, StepResources]:
    """Return what pods get, by the name of the key."""
    return {name: getattr(config.steps, name) for name in _STEPS}


def resources_of(step: StepResources, *, gpu: str) -> Amounts:
    """Return what the container of a step asks for, and may take."""
    found = {"cpu": parse_quantity(step.cpu), "memory": parse_quantity(step.memory)}
    return found | ({gpu: Decimal(step.gpus)} if step.gpus else {})


def quota(cluster: Cluster, config: ClusterConfig) -> Iterator[Row]:
    """Yield, for each quota, whether every step fits beside what is used; how many on GPUs."""
    answer = cluster.every("resourcequotas")
    if not answer.is_found:
        fix = f"kubectl -n {cluster.namespace} describe quota"
        yield Row("quota", State.UNASKED, answer.why, fix)
    elif not answer.items:
        yield Row("quota", State.OK, "none: nothing limits the namespace")
    for one in answer.items:
        yield _quota(one, config)


def _quota(one: Object, config: ClusterConfig) -> Row:
    name = one["metadata"]["name"]
    status = one.get("status") or {}
    hard = _amounts(status.get("hard") or one["spec"].get("hard") or {})
    used = _amounts(status.get("used") or {})
    left = {key: amount - used.get(key, Decimal(0)) for key, amount in hard.items()}
    what, asked = f"quota {name}", _asked_of_quota(config)
    if one["spec"].get("scopes") or one["spec"].get("scopeSelector"):
        fix = f"kubectl describe quota {name} says which pods it counts"
        return Row(what, State.UNASKED, "it counts the pods of its scopes alone", fix)
    if never := _beyond(asked, hard):
        fix = f"raise it (quota.yaml of the overlay), or lower cluster.steps: {never}"
        return Row(what, State.MISSING, f"no room ever for {never}", fix)
    if now := _beyond(asked, left):
        fix = f"wait until other pods have ended (finished jobs count, too), or raise it: {now}"
        return Row(what, State.MISSING, f"no room now for {now}", fix)
    return Row(what, State.OK, f"every step fits; {_at_once(config, asked, left)}")


def _asked_of_quota(config: ClusterConfig) -> dict[str, Amounts]:
    found: dict[str, Amounts] = {}
    for name, step in steps_of(config).items():
        own = resources_of(step, gpu=config.gpu_resource)
        asked = {f"{kind}.{key}": own[key] for kind in ("requests", "limits") for key in own}
        one = {"pods": Decimal(1), "count/jobs.batch": Decimal(1)}
        found[name] = {**asked, **own, **one}  # a quota may say `cpu` for `requests.cpu`
    return found


def _beyond(asked: Mapping[str, Amounts], room: Amounts) -> str:
    """Return the steps that want more than there is, and of what."""
    return "; ".join(
        f"{name} ({key} {_text(amount)} of {_text(room[key])})"
        for name, amounts in asked.items()
        for key, amount in amounts.items()
        if key in room and amount > room[key]
    )


def _at_once(config: ClusterConfig, asked: Mapping[str, Amounts], left: Amounts) -> str:
    """Return how many of the GPU steps fit beside the pod that starts them."""
    steps = steps_of(config)
    told = []
    for name in (name for name, step in steps.items() if step.gpus):
        rooms = {
            key: int((left[key] - _orchestrator(asked, key)) // amount)
            for key, amount in asked[name].items()
            if key in left and amount
        }
        if rooms:
            least = min(rooms, key=lambda key: rooms[key])
            told.append(f"{name} {max(0, rooms[least])} at once ({least})")
    return ", ".join(told) or "it does not limit steps on GPUs"


def _orchestrator(asked: Mapping[str, Amounts], key: str) -> Decimal:
    return asked["orchestrator"].get(key, Decimal(0))


def limit_ranges(cluster: Cluster, config: ClusterConfig) -> Row:
    """Return whether a LimitRange of the namespace refuses a step."""
    what, answer = "limit ranges", cluster.every("limitranges")
    if not answer.is_found:
        fix = f"kubectl -n {cluster.namespace} get limitrange -o yaml"
        return Row(what, State.UNASKED, answer.why, fix)
    told = [
        conflict
        for one in answer.items
        for limit in one["spec"].get("limits") or []
        if limit.get("type") in {"Container", "Pod"}
        for conflict in _conflicts(one["metadata"]["name"], limit, config)
    ]
    if told:
        fix = "change cluster.steps to lie within it, or have the LimitRange changed"
        return Row(what, State.MISSING, "; ".join(told), fix)
    return Row(what, State.OK, f"{len(answer.items)}, none refuses a step")


def _conflicts(name: str, limit: Object, config: ClusterConfig) -> Iterator[str]:
    most, least = _amounts(limit.get("max") or {}), _amounts(limit.get("min") or {})
    for step, own in steps_of(config).items():
        for key, amount in resources_of(own, gpu=config.gpu_resource).items():
            if key in most and amount > most[key]:
                yield f"{name}: {step} asks {key} {_text(amount)}, at most {_text(most[key])}"
            if key in least and amount < least[key]:
                yield f"{name}: {step} asks {key} {_text(amount)}, at least {_text(least[key])}"


def _amounts(texts: Mapping[str, str]) -> Amounts:
    return {key: parse_quantity(text) for key, text in texts.items()}


def _text(amount: Decimal) -> str:
    if amount >= 2**30:
        return f"{float(amount / 2**30):g}Gi"
    return f"{float(amount):g}"
