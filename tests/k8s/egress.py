"""Whether NetworkPolicies let a pod reach a place: a small reading of the published rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from tests.k8s.manifests import Manifest, of_kind

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """A port of a pod (with its namespace's labels), or of an address outside."""

    port: int
    protocol: str = "TCP"
    address: str | None = None
    namespace: Labels = field(default_factory=dict)
    pod: Labels = field(default_factory=dict)


def may_reach(policies: Sequence[Manifest], pod: Labels, place: Place, *, inside: Labels) -> bool:
    """Say whether a pod may send to a place.

    Args:
        policies: objects of the pod's namespace; others than NetworkPolicies are passed over.
        pod: the pod's labels.
        place: where it sends to.
        inside: labels of the pod's own namespace.
    """
    chosen = [
        one["spec"]
        for one in of_kind(policies, "NetworkPolicy")
        if "Egress" in one["spec"]["policyTypes"] and _selects(one["spec"]["podSelector"], pod)
    ]
    if not chosen:
        return True  # a pod that no policy selects is not isolated
    rules = [rule for spec in chosen for rule in spec.get("egress", [])]
    return any(_allows(rule, place, inside=inside) for rule in rules)


def _allows(rule: Manifest, place: Place, *, inside: Labels) -> bool:
    ports = rule.get("ports")
    if ports and not any(
        (one.get("protocol", "TCP"), one["port"]) == (place.protocol, place.port) for one in ports
    ):
        return False
    peers = rule.get("to")
    return not peers or any(_is_peer(peer, place, inside=inside) for peer in peers)


def _is_peer(peer: Manifest, place: Place, *, inside: Labels) -> bool:
    if "ipBlock" in peer:
        return place.address is not None and _in_block(peer["ipBlock"], place.address)
    if place.address is not None:
        return False
    if "namespaceSelector" in peer:
        if not _selects(peer["namespaceSelector"], place.namespace):
            return False
    elif dict(place.namespace) != dict(inside):
        return False
    return "podSelector" not in peer or _selects(peer["podSelector"], place.pod)


def _in_block(block: Manifest, address: str) -> bool:
    found = ip_address(address)
    if found not in ip_network(block["cidr"]):
        return False
    return not any(found in ip_network(one) for one in block.get("except", []))


def _selects(selector: Manifest, labels: Labels) -> bool:
    wanted = selector.get("matchLabels", {})
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_meets(one, labels) for one in selector.get("matchExpressions", []))


def _meets(expression: Manifest, labels: Labels) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case other:
            raise ValueError(f"no such operator: {other}")
