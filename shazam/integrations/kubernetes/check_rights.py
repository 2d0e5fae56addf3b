"""Rights on the cluster: of who asks, and of the account that starts the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shazam.integrations.kubernetes.check_api import Answer, Cluster, Object
from shazam.integrations.kubernetes.check_rows import Row, State

_REVIEWS = "/apis/authorization.k8s.io/v1"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Right:
    """A verb on a resource of the namespace; ``resource`` may hold a part, as in ``pods/log``."""

    group: str
    resource: str
    verb: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}"


def _of(group: str, resource: str, verbs: str) -> tuple[Right, ...]:
    return tuple(Right(group, resource, verb) for verb in verbs.split())


# what ZenML 0.98 calls for one run; k8s/base/*role*.yaml say what for
SUBMIT = (
    *_of("batch", "jobs", "create get list delete"),
    *_of("", "pods", "list"),
    *_of("", "pods/log", "get"),
)
SUBMIT_TOKEN = _of("", "secrets", "create delete")
ORCHESTRATE = (*_of("batch", "jobs", "create get list patch delete"), *_of("", "pods", "get list"))
ORCHESTRATE_TOKEN = _of("", "secrets", "delete")


def own_rights(cluster: Cluster, *, rights: Sequence[Right]) -> Row:
    """Return whether who asks may submit and follow runs."""
    return _judged(
        "rights of who asks",
        _reviewed(rights, lambda right: _self_review(cluster, right)),
        fix=(
            "submit as the account shazam-submit (docs/kubernetes.md), or bind its roles to "
            f"yourself: kubectl -n {cluster.namespace} create rolebinding shazam-me "
            "--role=shazam-submit --user=NAME, and the same with --role=shazam-submit-token"
        ),
    )


def account_rights(cluster: Cluster, account: str, *, rights: Sequence[Right]) -> Row:
    """Return whether an account may start and follow the steps of a run.

    The server is asked, if who asks may do that; else the roles are read that are bound to it in
    the namespace.
    """
    found = _reviewed(rights, lambda right: _account_review(cluster, account, right))
    if isinstance(found, str):
        read = _bound(cluster, account, rights=rights)
        found = f"{found}; {read}" if isinstance(read, str) else read
    fix = (
        "kubectl apply -k k8s/overlays/OVERLAY makes its Roles, or let who may apply "
        "k8s/base/orchestrator-role.yaml and k8s/base/token-secret-roles.yaml"
    )
    return _judged(f"rights of the account {account}", found, fix=fix)


Denied = tuple[Right, ...] | str
"""Rights that are missing, or why that could not be asked."""


def _judged(what: str, denied: Denied, *, fix: str) -> Row:
    match denied:
        case str():
            return Row(what, State.UNASKED, denied, "kubectl auth can-i --list shows your own")
        case ():
            return Row(what, State.OK, "all that a run needs")
        case _:
            return Row(what, State.MISSING, f"may not: {', '.join(map(str, denied))}", fix)


def _reviewed(rights: Iterable[Right], ask: Callable[[Right], Answer]) -> Denied:
    denied = []
    for right in rights:
        answer = ask(right)
        status = answer.value.get("status")
        if not answer.is_found or not isinstance(status, dict):
            return answer.why or "the server does not review access"
        if not status.get("allowed"):
            denied.append(right)
    return tuple(denied)


def _attributes(cluster: Cluster, right: Right) -> dict[str, str]:
    resource, _, part = right.resource.partition("/")
    found = {"namespace": cluster.namespace, "verb": right.verb, "group": right.group}
    return found | {"resource": resource} | ({"subresource": part} if part else {})


def _self_review(cluster: Cluster, right: Right) -> Answer:
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": _attributes(cluster, right)},
    }
    return cluster.post(f"{_REVIEWS}/selfsubjectaccessreviews", body)


def _account_review(cluster: Cluster, account: str, right: Right) -> Answer:
    namespace = cluster.namespace
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "LocalSubjectAccessReview",
        "metadata": {"namespace": namespace},
        "spec": {
            "resourceAttributes": _attributes(cluster, right),
            "user": f"system:serviceaccount:{namespace}:{account}",
            "groups": [*groups, "system:authenticated"],
        },
    }
    return cluster.post(f"{_REVIEWS}/namespaces/{namespace}/localsubjectaccessreviews", body)


def _bound(cluster: Cluster, account: str, *, rights: Sequence[Right]) -> Denied:
    base = f"{_RBAC}/namespaces/{cluster.namespace}"
    bindings = cluster.get(f"{base}/rolebindings")
    if not bindings.is_found:
        return bindings.why
    rules: list[Object] = []
    for binding in bindings.items:
        if not any(_names(cluster, one, account) for one in binding.get("subjects") or []):
            continue
        role = binding["roleRef"]
        where = base if role["kind"] == "Role" else _RBAC
        found = cluster.get(f"{where}/{role['kind'].lower()}s/{role['name']}")
        if not found.is_found and not found.is_absent:
            return found.why
        rules += found.value.get("rules") or []
    return tuple(right for right in rights if not any(_allows(rule, right) for rule in rules))


def _names(cluster: Cluster, subject: Object, account: str) -> bool:
    own = subject.get("namespace") in {None, cluster.namespace}
    return own and subject["kind"] == "ServiceAccount" and subject["name"] == account


def _allows(rule: Object, right: Right) -> bool:
    asked = (("apiGroups", right.group), ("resources", right.resource), ("verbs", right.verb))
    return not rule.get("resourceNames") and all(
        {value, "*"} & set(rule.get(key) or []) for key, value in asked
    )
