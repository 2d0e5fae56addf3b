"""Who may reach what: nothing but the places that policies name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.k8s.egress import Place, may_reach
from tests.k8s.manifests import (
    K8S,
    RUNS,
    Manifest,
    build,
    named,
    needs_kubectl,
    of_kind,
    pod_templates,
    rendered,
    with_components,
)

pytestmark = needs_kubectl

COMPONENT = "app.kubernetes.io/component"
NAMESPACE = "kubernetes.io/metadata.name"
RUN = {NAMESPACE: "shazam"}
SERVICES = {NAMESPACE: "shazam-services"}
EVERYBODY = ("orchestrator", "step", "schedule", "fetch", "copy", "something-else")

INTERNET = Place(443, address="203.0.113.7")
PLACES = {
    "internet": INTERNET,
    "internet, http": Place(80, address="203.0.113.7"),
    "internet, IPv6": Place(443, address="2606:4700::1"),
    "metadata server": Place(80, address="169.254.169.254"),
    "metadata server, https": Place(443, address="169.254.169.254"),
    "Kubernetes API": Place(6443, address="10.0.0.1"),
    "node": Place(10250, address="10.0.0.1"),
    "DNS": Place(53, "UDP", namespace={NAMESPACE: "kube-system"}, pod={"k8s-app": "kube-dns"}),
    "DNS outside": Place(53, "UDP", address="203.0.113.53"),
    "ZenML": Place(8080, namespace=SERVICES, pod={COMPONENT: "zenml"}),
    "MLflow": Place(5000, namespace=SERVICES, pod={COMPONENT: "mlflow"}),
    "object store": Place(7070, namespace=SERVICES, pod={COMPONENT: "object-store"}),
    "Postgres": Place(5432, namespace=SERVICES, pod={COMPONENT: "postgres"}),
    "a step": Place(8080, namespace=RUN, pod={COMPONENT: "step"}),
    "others' ZenML": Place(8080, namespace={NAMESPACE: "x"}, pod={COMPONENT: "zenml"}),
}
REACHED = {
    "orchestrator": {"DNS", "Kubernetes API", "ZenML", "object store"},
    "step": {"DNS", "ZenML", "MLflow", "object store", "Postgres"},
    "schedule": {"DNS", "Kubernetes API", "ZenML", "MLflow", "object store", "Postgres"},
    "fetch": {"DNS", "internet", "internet, IPv6"},
    "copy": set(),
    "something-else": set(),
}


def _reached(policies: tuple[Manifest, ...], component: str) -> set[str]:
    return {
        name
        for name, place in PLACES.items()
        if may_reach(policies, {COMPONENT: component}, place, inside=RUN)
    }


@pytest.mark.parametrize("folder", RUNS)
@pytest.mark.parametrize("component", EVERYBODY)
def test_pods_reach_these_places_and_no_others(folder: str, component: str) -> None:
    policies = (*rendered(folder), *rendered("fetch"))
    assert _reached(policies, component) == REACHED[component]


@pytest.mark.parametrize("folder", RUNS)
@pytest.mark.parametrize("component", EVERYBODY)
def test_without_the_fetch_nobody_reaches_the_outside(folder: str, component: str) -> None:
    outside = {"internet", "internet, http", "internet, IPv6", "DNS outside"}
    assert not _reached(rendered(folder), component) & outside


def test_without_the_default_a_pod_of_no_policy_reaches_everything() -> None:
    policies = tuple(one for one in rendered("base") if one["metadata"]["name"] != "default-deny")
    assert may_reach(policies, {COMPONENT: "something-else"}, INTERNET, inside=RUN)


@pytest.mark.parametrize("folder", [*RUNS, "overlays/services"])
def test_the_default_is_that_nothing_comes_in_or_goes_out(folder: str) -> None:
    spec = named(rendered(folder), "NetworkPolicy", "default-deny")["spec"]
    assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("folder", RUNS)
def test_nothing_comes_in_where_runs_are(folder: str) -> None:
    for one in of_kind(rendered(folder), "NetworkPolicy"):
        assert not one["spec"].get("ingress"), one["metadata"]["name"]


@pytest.mark.parametrize(
    ("component", "reached"),
    [
        ("zenml", {"DNS", "object store"}),
        ("mlflow", {"DNS", "object store", "Postgres"}),
        ("object-store", set()),
        ("postgres", set()),
    ],
)
def test_services_reach_each_other_only(component: str, reached: set[str]) -> None:
    policies = rendered("overlays/services")
    found = {
        name
        for name, place in PLACES.items()
        if may_reach(policies, {COMPONENT: component}, place, inside=SERVICES)
    }
    assert found == reached


def test_services_let_in_whom_the_runs_policies_let_out() -> None:
    for service, port in (("zenml", 8080), ("mlflow", 5000), ("object-store", 7070)):
        egress = named(rendered("base"), "NetworkPolicy", f"egress-{service}")["spec"]
        spec = named(rendered("overlays/services"), "NetworkPolicy", f"ingress-{service}")["spec"]
        (rule,) = spec["ingress"]
        let_in = rule["from"][0]
        assert let_in["namespaceSelector"]["matchLabels"] == RUN
        assert let_in["podSelector"] == egress["podSelector"]
        assert rule["ports"] == egress["egress"][0]["ports"] == [{"protocol": "TCP", "port": port}]


def test_the_labels_of_pods_are_those_that_policies_select() -> None:
    for folder in ("copy", "fetch", "schedule"):
        ((_, template),) = pod_templates(rendered(folder))
        assert template["metadata"]["labels"][COMPONENT] == folder


def test_the_addresses_of_the_settings_are_ports_that_policies_open() -> None:
    settings = named(rendered("base"), "ConfigMap", "shazam-settings")["data"]
    services = {
        f"http://{one['metadata']['name']}.shazam-services.svc:{one['spec']['ports'][0]['port']}"
        for one in of_kind(rendered("overlays/services"), "Service")
    }
    for name in ("ZENML_STORE_URL", "MLFLOW_TRACKING_URI", "AWS_ENDPOINT_URL"):
        assert settings[name] in services


def test_parts_of_the_network_are_all_in_the_base() -> None:
    names = {one["metadata"]["name"] for one in build(K8S / "base" / "network")}
    there = {one["metadata"]["name"] for one in of_kind(rendered("base"), "NetworkPolicy")}
    assert names == there


def test_ciliums_own_policy_is_for_the_pods_of_the_one_it_stands_beside(tmp_path: Path) -> None:
    objects = with_components(tmp_path, "cilium")
    theirs = named(objects, "CiliumNetworkPolicy", "egress-kubernetes-api")["spec"]
    ours = named(objects, "NetworkPolicy", "egress-kubernetes-api")["spec"]
    assert theirs["endpointSelector"] == ours["podSelector"]
    assert [one["toEntities"] for one in theirs["egress"]] == [["kube-apiserver"]]
