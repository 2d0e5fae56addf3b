"""Each account may do what ZenML's orchestrator needs of it, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.k8s.manifests import (
    K8S,
    RUNS,
    Manifest,
    named,
    needs_kubectl,
    of_kind,
    rendered,
    with_components,
)
from tests.k8s.zenml_calls import api_calls

pytestmark = needs_kubectl

SUBMIT = {
    *(("batch", "jobs", verb) for verb in ("create", "get", "list", "delete")),
    *(("batch", "cronjobs", verb) for verb in ("create", "get", "list", "patch", "delete")),
    ("", "pods", "list"),
    ("", "pods/log", "get"),
    ("", "secrets", "create"),
    ("", "secrets", "delete"),
    *(("", "persistentvolumeclaims", verb) for verb in ("get", "list")),
    *(("", "resourcequotas", verb) for verb in ("get", "list")),
    *(("", "limitranges", verb) for verb in ("get", "list")),
    ("", "serviceaccounts", "get"),
    ("", "configmaps", "get"),
    ("", "namespaces", "get"),
    ("authorization.k8s.io", "localsubjectaccessreviews", "create"),
}
ORCHESTRATOR = {
    *(("batch", "jobs", verb) for verb in ("create", "get", "list", "patch", "delete")),
    ("", "pods", "get"),
    ("", "pods", "list"),
    ("", "secrets", "delete"),
}


def rights(objects: tuple[Manifest, ...], account: str) -> set[tuple[str, str, str]]:
    """Return group, resource and verb of all that an account may do in its namespace."""
    found = set()
    for binding in of_kind(objects, "RoleBinding"):
        if any(one["name"] == account for one in binding["subjects"]):
            assert binding["roleRef"]["kind"] == "Role"
            for rule in named(objects, "Role", binding["roleRef"]["name"])["rules"]:
                found |= {
                    (group, resource, verb)
                    for group in rule["apiGroups"]
                    for resource in rule["resources"]
                    for verb in rule["verbs"]
                }
    return found


@pytest.mark.parametrize("folder", RUNS)
def test_accounts_have_these_rights_and_no_others(folder: str) -> None:
    objects = rendered(folder)
    assert rights(objects, "shazam-submit") == SUBMIT
    assert rights(objects, "shazam-orchestrator") == ORCHESTRATOR
    assert rights(objects, "shazam-step") == set()
    assert not of_kind(objects, "ClusterRoleBinding")


def test_services_have_no_rights() -> None:
    objects = rendered("overlays/services")
    assert not [one for one in objects if "Role" in one["kind"]]


@pytest.mark.parametrize("folder", RUNS)
def test_bindings_name_accounts_that_exist(folder: str) -> None:
    objects = rendered(folder)
    accounts = {
        (one["metadata"]["namespace"], one["metadata"]["name"])
        for one in of_kind(objects, "ServiceAccount")
    }
    for binding in of_kind(objects, "RoleBinding"):
        for subject in binding["subjects"]:
            assert (subject["namespace"], subject["name"]) in accounts


def test_every_right_has_its_reason_beside_it() -> None:
    for path in [*(K8S / "base").glob("*role*.yaml"), K8S / "components/see-nodes/role.yaml"]:
        lines = [line.strip() for line in path.read_text().splitlines()]
        for number, line in enumerate(lines):
            if line.startswith("- apiGroups:"):
                assert lines[number - 1].startswith("#"), f"{path}:{number + 1}"


def test_the_orchestrator_pod_may_do_what_its_source_does() -> None:
    needed = api_calls("orchestrators/kubernetes_orchestrator_entrypoint.py")
    granted = {(verb, resource) for _, resource, verb in ORCHESTRATOR}
    assert needed == granted


def test_who_submits_may_do_what_zenmls_client_does() -> None:
    needed = api_calls("orchestrators/kubernetes_orchestrator.py")
    granted = {(verb, resource) for _, resource, verb in SUBMIT}
    assert needed - granted == {
        # it makes an account of its own where the settings name none; ours do
        ("create", "serviceaccounts"),
        ("create", "rolebindings"),
        # a snapshot that is submitted twice; its answer would hold the token
        ("patch", "secrets"),
        # of dynamic pipelines, in the orchestrator's pod
        ("get", "pods"),
    }
    assert granted - needed == {
        # `shazam stack check`, and lists of schedules
        ("get", "cronjobs"),
        ("list", "cronjobs"),
        ("get", "persistentvolumeclaims"),
        ("list", "persistentvolumeclaims"),
        ("get", "resourcequotas"),
        ("list", "resourcequotas"),
        ("get", "limitranges"),
        ("list", "limitranges"),
        ("get", "serviceaccounts"),
        ("get", "configmaps"),
        ("get", "namespaces"),
        ("create", "localsubjectaccessreviews"),
    }


def test_without_token_secrets_no_account_may_touch_secrets(tmp_path: Path) -> None:
    objects = with_components(tmp_path, "plain-token")
    for account, full in (("shazam-submit", SUBMIT), ("shazam-orchestrator", ORCHESTRATOR)):
        assert rights(objects, account) == {one for one in full if one[1] != "secrets"}


def test_the_right_that_owner_references_need_is_an_extra(tmp_path: Path) -> None:
    objects = with_components(tmp_path, "owner-references")
    extra = rights(objects, "shazam-orchestrator") - ORCHESTRATOR
    assert extra == {("batch", "jobs/finalizers", "update")}


def test_nodes_are_seen_by_an_extra_only(tmp_path: Path) -> None:
    objects = with_components(tmp_path, "see-nodes")
    (binding,) = of_kind(objects, "ClusterRoleBinding")
    assert [one["name"] for one in binding["subjects"]] == ["shazam-submit"]
    (role,) = of_kind(objects, "ClusterRole")
    assert role["rules"] == [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}]
