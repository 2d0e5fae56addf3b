"""`shazam stack check`: each row is ok, missing, or says that it could not be asked."""

from __future__ import annotations

import time

import pytest

from shazam.config.cluster import ClusterConfig
from shazam.integrations.kubernetes.check import cluster_rows
from shazam.integrations.kubernetes.check_api import Cluster
from shazam.integrations.kubernetes.check_objects import settings
from shazam.integrations.kubernetes.check_rights import (
    ORCHESTRATE,
    ORCHESTRATE_TOKEN,
    SUBMIT,
    SUBMIT_TOKEN,
)
from shazam.integrations.kubernetes.check_rows import Row, State, TooSlowError, within
from tests.integrations.kubernetes.conftest import claim, node, quota
from tests.integrations.kubernetes.fake_api import BROKEN_OFF, CORE, RBAC
from tests.k8s import test_roles

NODES = "/api/v1/nodes"
CLASS = "/apis/scheduling.k8s.io/v1/priorityclasses/shazam-training"
WORKSPACE, SLIDES = (f"{CORE}/persistentvolumeclaims/shazam-{n}" for n in ("workspace", "slides"))
SETTINGS = f"{CORE}/configmaps/shazam-settings"
GPUS = "nodes with nvidia.com/gpu"
OTHERS = "nodes for steps without a GPU"
ACCOUNT, OWN = "rights of the account shazam-orchestrator", "rights of who asks"


def rows(cluster: Cluster, config: ClusterConfig, *, hides_token: bool = True) -> dict[str, Row]:
    return {row.what: row for row in cluster_rows(cluster, config, hides_token=hides_token)}


def test_a_cluster_that_has_all_lacks_nothing(cluster, config):
    found = rows(cluster, config)
    assert {row.state for row in found.values()} == {State.OK}
    assert {row.fix for row in found.values()} == {""}
    assert found["quota shazam"].found == (
        "every step fits; extract 8 at once (requests.nvidia.com/gpu), "
        "train 8 at once (requests.nvidia.com/gpu), distill 8 at once (requests.nvidia.com/gpu)"
    )
    assert found[GPUS].found == "8 on 2 nodes that pods may go to"


@pytest.mark.parametrize(
    ("path", "what"),
    [
        (CORE, "Pod Security of the namespace shazam"),
        (f"{CORE}/serviceaccounts/shazam-orchestrator", "service account shazam-orchestrator"),
        (f"{CORE}/serviceaccounts/shazam-step", "service account shazam-step"),
        (WORKSPACE, "claim shazam-workspace"),
        (SLIDES, "claim shazam-slides"),
        (f"{CORE}/secrets/shazam-mlflow", "secret shazam-mlflow"),
        (CLASS, "priority class shazam-training"),
    ],
)
def test_an_object_is_missing_or_could_not_be_asked(fake, cluster, config, path, what):
    del fake.objects[path]
    missing = rows(cluster, config)[what]
    assert missing.state is State.MISSING
    assert missing.fix
    fake.hide(path)
    unasked = rows(cluster, config)[what]
    assert unasked.state is State.UNASKED
    assert f"HTTP 403 on {path}" in unasked.found
    assert missing.fix in unasked.fix


@pytest.mark.parametrize(
    ("path", "what"),
    [
        (f"{CORE}/resourcequotas", "quota"),
        (f"{CORE}/limitranges", "limit ranges"),
        (NODES, GPUS),
    ],
)
def test_a_list_that_may_not_be_read_could_not_be_asked(fake, cluster, config, path, what):
    fake.hide(path)
    row = rows(cluster, config)[what]
    assert row.state is State.UNASKED
    assert "HTTP 403" in row.found
    assert row.fix


def test_rights_are_those_of_the_shipped_roles():
    def plain(rights):
        return {(right.group, right.resource, right.verb) for right in rights}

    assert plain(ORCHESTRATE + ORCHESTRATE_TOKEN) == test_roles.ORCHESTRATOR
    not_for_a_run = {"cronjobs", *("persistentvolumeclaims", "resourcequotas")}
    not_for_a_run |= {"serviceaccounts", "configmaps", "namespaces", "limitranges"}
    not_for_a_run |= {"localsubjectaccessreviews"}
    asked = {right for right in test_roles.SUBMIT if right[1] not in not_for_a_run}
    assert plain(SUBMIT + SUBMIT_TOKEN) == asked


def test_what_is_looked_at_may_be_looked_at_by_who_submits(fake, cluster, config):
    rows(cluster, config)
    settings(cluster, config)
    asked = {_right(verb, path) for verb, path, _ in fake.asked}
    everyone = ("authorization.k8s.io", "selfsubjectaccessreviews", "create")
    cluster_wide = {("", "nodes", "list"), ("scheduling.k8s.io", "priorityclasses", "get")}
    assert asked - test_roles.SUBMIT == {everyone, ("", "secrets", "get"), *cluster_wide}


def _right(verb: str, path: str) -> tuple[str, str, str]:
    """Return group, resource and verb of a request, as a role names them."""
    parts = path.strip("/").split("/")
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
    if rest[0] == "namespaces" and len(rest) > 2:
        rest = rest[2:]
    asks = "create" if verb == "POST" else "get" if len(rest) > 1 else "list"
    return group, rest[0], asks


def test_the_settings_are_read_missing_or_could_not_be_asked(fake, cluster, config):
    ((row,), given) = settings(cluster, config)
    assert (row.state, given["MLFLOW_TRACKING_URI"]) == (State.OK, "http://mlflow.invalid:5000")
    fake.hide(SETTINGS)
    ((row,), given) = settings(cluster, config)
    assert (row.state, given) == (State.UNASKED, {})
    del fake.objects[SETTINGS]
    ((row,), given) = settings(cluster, config)
    assert (row.state, given) == (State.MISSING, {})
    assert "cluster.settings" in row.fix
    assert settings(cluster, config.model_copy(update={"settings": None})) == ((), {})


def test_rights_that_are_denied_are_named(fake, cluster, config):
    fake.allowed -= {"get pods/log", "delete secrets"}
    row = rows(cluster, config)[OWN]
    assert (row.state, row.found) == (State.MISSING, "may not: get pods/log, delete secrets")
    assert "--role=shazam-submit" in row.fix
    without = rows(cluster, config, hides_token=False)[OWN]
    assert without.found == "may not: get pods/log"
    account = rows(cluster, config)[ACCOUNT]
    assert (account.state, account.found) == (State.MISSING, "may not: delete secrets")


@pytest.mark.parametrize("status", [403, 404, 405, 501, BROKEN_OFF])
def test_a_server_without_reviews_could_not_be_asked(fake, cluster, config, status, monkeypatch):
    monkeypatch.setattr(fake, "_reviewed", lambda body: (status, {"message": "no"}))
    fake.hide(f"{RBAC}/rolebindings")
    found = rows(cluster, config)
    assert {found[OWN].state, found[ACCOUNT].state} == {State.UNASKED}
    others = {row.state for what, row in found.items() if what not in {OWN, ACCOUNT}}
    assert others == {State.OK}


def test_an_account_that_may_not_be_reviewed_is_read_from_its_roles(fake, cluster, config):
    fake.allowed = None
    subject = {"kind": "ServiceAccount", "name": "shazam-orchestrator", "namespace": "shazam"}
    other = {**subject, "name": "other"}
    ref = {"kind": "Role", "name": "shazam-orchestrator"}
    fake.objects[f"{RBAC}/rolebindings"] = {
        "items": [
            {"roleRef": ref, "subjects": [subject]},
            {"roleRef": {"kind": "Role", "name": "all"}, "subjects": [other]},
        ]
    }
    jobs = {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["*"]}
    named = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["delete"]}
    pods = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}
    fake.objects[f"{RBAC}/roles/shazam-orchestrator"] = {"rules": [jobs, named, pods]}
    assert rows(cluster, config)[ACCOUNT].state is State.OK
    fake.objects[f"{RBAC}/roles/shazam-orchestrator"] = {
        "rules": [jobs, {**named, "resourceNames": ["one"]}, pods]
    }
    row = rows(cluster, config)[ACCOUNT]
    assert (row.state, row.found) == (State.MISSING, "may not: delete secrets")
    fake.hide(f"{RBAC}/roles/shazam-orchestrator")
    assert rows(cluster, config)[ACCOUNT].state is State.UNASKED


def test_a_namespace_that_enforces_less_is_told(fake, cluster, config):
    fake.objects[CORE] = {
        "metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}}
    }
    row = rows(cluster, config)["Pod Security of the namespace shazam"]
    assert (row.state, row.found) == (State.MISSING, "baseline is enforced")
    assert row.fix.startswith("kubectl label --overwrite namespace shazam")


def test_claims_are_bound_and_shared(fake, cluster, config):
    fake.objects[WORKSPACE] = claim("ReadWriteMany", phase="Pending")
    pending = rows(cluster, config)["claim shazam-workspace"]
    assert (pending.state, pending.found) == (State.MISSING, "Pending")
    fake.objects[WORKSPACE] = {"spec": {"accessModes": ["ReadWriteMany"]}}
    assert rows(cluster, config)["claim shazam-workspace"].state is State.UNASKED
    fake.objects[WORKSPACE] = claim("ReadOnlyMany")
    fake.objects[SLIDES] = claim("ReadWriteMany")
    found = rows(cluster, config)
    assert found["claim shazam-workspace"].state is State.MISSING
    assert found["claim shazam-slides"].state is State.OK
    fake.objects[WORKSPACE] = claim("ReadWriteOnce")
    assert rows(cluster, config)["claim shazam-workspace"].state is State.MISSING
    fake.objects[NODES] = {"items": [node("only")]}
    assert rows(cluster, config)["claim shazam-workspace"].state is State.OK


def test_the_values_of_secrets_are_neither_asked_for_nor_told(fake, cluster, config):
    found = rows(cluster, config)
    (headers,) = [own for _, path, own in fake.asked if path == f"{CORE}/secrets/shazam-mlflow"]
    assert "as=PartialObjectMetadata" in headers["accept"]
    assert "aHVudGVyMg" not in repr(found)


def test_a_quota_is_too_small_used_up_or_says_how_many_at_once(fake, cluster, config):
    def row_of(hard, used=None):
        fake.objects[f"{CORE}/resourcequotas"] = {"items": [quota(hard, used)]}
        return rows(cluster, config)["quota shazam"]

    never = row_of({"requests.nvidia.com/gpu": "0", "limits.memory": "16Gi"})
    assert never.state is State.MISSING
    assert "extract (requests.nvidia.com/gpu 1 of 0)" in never.found
    assert "train (limits.memory 32Gi of 16Gi)" in never.found
    assert "other" not in never.found
    now = row_of({"requests.nvidia.com/gpu": "8"}, {"requests.nvidia.com/gpu": "8"})
    assert now.state is State.MISSING
    assert now.found.startswith("no room now for extract (requests.nvidia.com/gpu 1 of 0)")
    room = {"requests.nvidia.com/gpu": "8", "requests.cpu": "33", "requests.memory": "512Gi"}
    fits = row_of(room, {"requests.nvidia.com/gpu": "1"})
    assert fits.state is State.OK
    # 33 cores, half a core for the pod that starts them, 8 for each; 4 for a step that trains
    assert "extract 4 at once (requests.cpu)" in fits.found
    assert "train 7 at once (requests.nvidia.com/gpu)" in fits.found
    scoped = quota({"pods": "0"})
    scoped["spec"] = {"hard": {"pods": "0"}, "scopes": ["BestEffort"]}
    fake.objects[f"{CORE}/resourcequotas"] = {"items": [scoped]}
    assert rows(cluster, config)["quota shazam"].state is State.UNASKED
    fake.objects[f"{CORE}/resourcequotas"] = {"items": []}
    assert rows(cluster, config)["quota"].state is State.OK


def test_a_limit_range_that_refuses_a_step_is_told(fake, cluster, config):
    limit = {"type": "Container", "max": {"memory": "16Gi"}, "min": {"cpu": "1"}}
    one = {"metadata": {"name": "small"}, "spec": {"limits": [limit]}}
    fake.objects[f"{CORE}/limitranges"] = {"items": [one]}
    row = rows(cluster, config)["limit ranges"]
    assert row.state is State.MISSING
    assert "small: extract asks memory 32Gi, at most 16Gi" in row.found
    assert "small: orchestrator asks cpu 0.5, at least 1" in row.found
    one["spec"]["limits"] = [{"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}]
    assert rows(cluster, config)["limit ranges"].state is State.OK


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (node("a", gpus=""), "none of 1 nodes offers it"),
        (node("a", taints=[{"key": "ward", "effect": "NoSchedule"}]), "a: taint ward=:NoSchedule"),
        (node("a", unschedulable=True), "a: cordoned or not ready"),
    ],
)
def test_nodes_that_pods_may_not_go_to_do_not_count(fake, cluster, config, one, told):
    fake.objects[NODES] = {"items": [one]}
    row = rows(cluster, config)[GPUS]
    assert (row.state, row.found) == (State.MISSING, told)
    assert row.fix


def test_selectors_tolerations_and_sizes_decide_about_nodes(fake, cluster, config):
    tainted = node("a", taints=[{"key": "nvidia.com/gpu", "value": "1", "effect": "NoSchedule"}])
    fake.objects[NODES] = {"items": [tainted]}
    assert rows(cluster, config)[GPUS].found == "4 on 1 nodes that pods may go to"
    elsewhere = config.model_copy(update={"gpu_node_selector": {"accelerator": "h100"}})
    assert rows(cluster, elsewhere)[GPUS].found == "a: label accelerator is a100, not h100"
    steps = config.steps
    large = steps.model_copy(update={"train": steps.train.model_copy(update={"gpus": 8})})
    row = rows(cluster, config.model_copy(update={"steps": large}))[GPUS]
    assert (row.state, row.found) == (State.MISSING, "no node is large enough for train")


def test_steps_without_a_gpu_need_a_node_that_is_large_enough_too(fake, cluster, config):
    tainted = node("a", gpus="", taints=[{"key": "ward", "effect": "NoSchedule"}])
    fake.objects[NODES] = {"items": [tainted, node("b")]}
    assert rows(cluster, config)[OTHERS].found == "1 nodes that pods may go to"
    other = config.steps.other.model_copy(update={"cpu": "65"})
    large = config.model_copy(update={"steps": config.steps.model_copy(update={"other": other})})
    row = rows(cluster, large)[OTHERS]
    assert (row.state, row.found) == (State.MISSING, "no node is large enough for other")
    assert row.fix == "lower cluster.steps.other, or add larger nodes"
    fake.objects[NODES] = {"items": [tainted]}
    row = rows(cluster, config)[OTHERS]
    assert (row.state, row.found) == (State.MISSING, "a: taint ward=:NoSchedule")
    assert row.fix == "set cluster.node_selector and cluster.tolerations to fit these nodes"


def test_without_gpus_and_without_a_class_neither_is_looked_at(fake, cluster, config):
    none = {
        name: getattr(config.steps, name).model_copy(update={"gpus": 0})
        for name in ("extract", "train", "distill")
    }
    plain = config.model_copy(
        update={"steps": config.steps.model_copy(update=none), "priority_class": None}
    )
    fake.hide(NODES)
    found = rows(cluster, plain)
    assert found[GPUS].state is State.OK
    assert not [what for what in found if what.startswith("priority")]


def test_a_server_that_falls_silent_is_not_asked_again(fake, cluster, config, monkeypatch):
    monkeypatch.setattr("shazam.integrations.kubernetes.check_api.READ_S", 0.2)
    monkeypatch.setattr(fake, "answer", lambda path, body: time.sleep(0.5) or (BROKEN_OFF, {}))
    started = time.monotonic()
    found = rows(cluster, config)
    assert time.monotonic() - started < 2
    assert {row.state for row in found.values()} == {State.UNASKED}
    assert len(fake.asked) == 1


def test_work_that_takes_too_long_is_left_alone():
    with pytest.raises(TooSlowError, match=r"within 0\.05 s"):
        within(0.05, lambda: time.sleep(0.5))
    with pytest.raises(KeyError):
        within(1, lambda: {}["absent"])
    assert within(1, lambda: 7) == 7
