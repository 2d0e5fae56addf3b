"""Objects that a run needs: the namespace's label, accounts, claims, Secrets, a priority class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from shazam.config.cluster import ClusterConfig
from shazam.integrations.kubernetes.check_api import METADATA_ONLY, Answer, Cluster
from shazam.integrations.kubernetes.check_rows import Row, State

_LABEL = "pod-security.kubernetes.io/enforce"
_APPLY = "kubectl apply -k k8s/overlays/OVERLAY"
_SHARED, _READ_SHARED, _ONE_NODE = "ReadWriteMany", "ReadOnlyMany", "ReadWriteOnce"


def pod_security(cluster: Cluster) -> Row:
    """Return whether the namespace keeps pods restricted."""
    what = f"Pod Security of the namespace {cluster.namespace}"
    answer = cluster.get(f"/api/v1/namespaces/{cluster.namespace}")
    if not answer.is_found:
        return _not_seen(what, answer, fix=_APPLY)
    level = (answer.value["metadata"].get("labels") or {}).get(_LABEL)
    if level == "restricted":
        return Row(what, State.OK, "restricted is enforced")
    found = f"{level} is enforced" if level else "nothing is enforced"
    fix = f"kubectl label --overwrite namespace {cluster.namespace} {_LABEL}=restricted"
    return Row(what, State.MISSING, found, fix)


def accounts(cluster: Cluster, config: ClusterConfig) -> Iterator[Row]:
    """Yield whether the accounts of a run's pods are there."""
    for key, name in (
        ("orchestrator_account", config.orchestrator_account),
        ("step_account", config.step_account),
    ):
        what, answer = f"service account {name}", cluster.named("serviceaccounts", name)
        if answer.is_found:
            yield Row(what, State.OK, "it is there")
        else:
            yield _not_seen(what, answer, fix=f"{_APPLY}, or set cluster.{key} to one that exists")


def claims(cluster: Cluster, config: ClusterConfig) -> Iterator[Row]:
    """Yield whether the volumes are there, bound, and can be mounted on every node."""
    yield _claim(cluster, config.workspace_claim, key="workspace_claim", writes=True)
    for one in config.claims:
        yield _claim(cluster, one.name, key="claims", writes=not one.read_only)


def _claim(cluster: Cluster, name: str, *, key: str, writes: bool) -> Row:
    what, answer = f"claim {name}", cluster.named("persistentvolumeclaims", name)
    if not answer.is_found:
        return _not_seen(what, answer, fix=f"{_APPLY}, or set cluster.{key} to one that exists")
    spec, status = answer.value.get("spec") or {}, answer.value.get("status") or {}
    phase = status.get("phase")
    if phase is None:
        fix = f"kubectl -n {cluster.namespace} get pvc {name}"
        return Row(what, State.UNASKED, "it is there; whether it is bound is not told", fix)
    if phase != "Bound":
        return Row(
            what,
            State.MISSING,
            str(phase),
            f"kubectl -n {cluster.namespace} describe pvc {name} says why; name a class that "
            "exists in the overlay's storage.yaml. A class that waits for the first pod binds "
            "with `kubectl apply -k k8s/copy`",
        )
    modes = list(status.get("accessModes") or spec.get("accessModes") or [])
    enough = {_SHARED} if writes else {_SHARED, _READ_SHARED}
    if enough & set(modes):
        return Row(what, State.OK, f"Bound, {', '.join(modes)}")
    nodes = cluster.get("/api/v1/nodes")
    if _ONE_NODE in modes and nodes.is_found and len(nodes.items) == 1:
        return Row(what, State.OK, f"Bound, {', '.join(modes)}: the cluster has one node")
    return Row(
        what,
        State.MISSING,
        f"Bound, {', '.join(modes) or 'no access mode'}: pods of other nodes cannot mount it",
        f"make it again as {' or '.join(sorted(enough))}, of a class that can (storage.yaml of the "
        "overlay); a claim cannot be changed",
    )


def settings(cluster: Cluster, config: ClusterConfig) -> tuple[Sequence[Row], Mapping[str, str]]:
    """Return whether the settings of pods are there, and what they hold."""
    if config.settings is None:
        return (), {}
    what, answer = f"settings {config.settings}", cluster.named("configmaps", config.settings)
    if not answer.is_found:
        fix = f"{_APPLY}, or set cluster.settings to one that exists, or to null"
        return (_not_seen(what, answer, fix=fix),), {}
    return (Row(what, State.OK, "it is there"),), answer.value.get("data") or {}


def secrets(cluster: Cluster, config: ClusterConfig) -> Iterator[Row]:
    """Yield whether the Secrets are there; what they hold is neither asked for nor told."""
    keys: dict[str, list[str]] = {name: [] for name in config.image_pull_secrets}
    for one in config.secrets:
        keys.setdefault(one.secret, []).append(one.key)
    for name, named in keys.items():
        what = f"secret {name}"
        answer = cluster.named("secrets", name, accept=METADATA_ONLY)
        if answer.is_found:
            yield Row(what, State.OK, "it is there; its keys are not looked at")
            continue
        files = " ".join(f"--from-file={key}=FILE" for key in named)
        made = f"generic {name} {files}" if named else f"docker-registry {name} ..."
        fix = f"kubectl -n {cluster.namespace} create secret {made}"
        yield _not_seen(what, answer, fix=fix)


def priority_class(cluster: Cluster, config: ClusterConfig) -> Iterator[Row]:
    """Yield whether the priority class is there, if one is asked for."""
    name = config.priority_class
    if name is None:
        return
    what = f"priority class {name}"
    answer = cluster.get(f"/apis/scheduling.k8s.io/v1/priorityclasses/{name}")
    if answer.is_found:
        yield Row(what, State.OK, f"value {answer.value.get('value')}")
        return
    fix = (
        "switch the component `priority` on in the overlay and apply it, or set "
        "cluster.priority_class to null"
    )
    yield _not_seen(what, answer, fix=fix)


def _not_seen(what: str, answer: Answer, *, fix: str) -> Row:
    if answer.is_absent:
        return Row(what, State.MISSING, "there is none", fix)
    return Row(what, State.UNASKED, answer.why, f"if it is not there: {fix}")
