"""Names and labels that the image, the run config and `shazam stack` count on."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest

from tests.k8s.manifests import (
    FOLDERS,
    K8S,
    KUSTOMIZATION,
    RUNS,
    containers,
    named,
    needs_kubectl,
    of_kind,
    pod_templates,
    rendered,
    title,
    with_components,
)

pytestmark = needs_kubectl

PLACES = {"fetch": "shazam", "schedule": "shazam", "overlays/services": "shazam-services"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_objects_are_in_one_namespace_and_part_of_shazam(folder: str) -> None:
    place = PLACES.get(folder, "shazam")
    for one in rendered(folder):
        meta = one["metadata"]
        if one["kind"] == "Namespace":
            assert meta["name"] == place
        else:
            assert meta["namespace"] == place
        assert meta["labels"]["app.kubernetes.io/part-of"] == "shazam"


@pytest.mark.parametrize("folder", [*RUNS, "overlays/services"])
def test_namespaces_enforce_restricted(folder: str) -> None:
    (one,) = of_kind(rendered(folder), "Namespace")
    labels = one["metadata"]["labels"]
    for mode in ("enforce", "audit", "warn"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"
        assert labels[f"pod-security.kubernetes.io/{mode}-version"] == "v1.33"


@pytest.mark.parametrize("folder", RUNS)
def test_accounts_claims_and_settings_have_the_names_agreed_on(folder: str) -> None:
    names = {
        kind: {one["metadata"]["name"] for one in of_kind(rendered(folder), kind)}
        for kind in ("ServiceAccount", "PersistentVolumeClaim", "ConfigMap", "ResourceQuota")
    }
    assert names == {
        "ServiceAccount": {"shazam-submit", "shazam-orchestrator", "shazam-step"},
        "PersistentVolumeClaim": {"shazam-workspace", "shazam-slides", "shazam-weights"},
        "ConfigMap": {"shazam-settings"},
        "ResourceQuota": {"shazam"},
    }


@pytest.mark.parametrize("folder", RUNS)
def test_only_the_orchestrators_pods_get_a_token_unasked(folder: str) -> None:
    with_token = {
        one["metadata"]["name"]
        for one in of_kind(rendered(folder), "ServiceAccount")
        if one["automountServiceAccountToken"]
    }
    assert with_token == {"shazam-orchestrator"}


@pytest.mark.parametrize(
    ("folder", "workspace", "slides", "weights"),
    [
        ("base", "ReadWriteMany", "ReadOnlyMany", "ReadWriteMany"),
        ("overlays/gpu", "ReadWriteMany", "ReadOnlyMany", "ReadWriteMany"),
        ("overlays/local", "ReadWriteOnce", "ReadWriteOnce", "ReadWriteOnce"),
        ("overlays/airgapped", "ReadWriteMany", "ReadOnlyMany", "ReadOnlyMany"),
    ],
)
def test_claims_say_how_they_are_mounted(
    folder: str, workspace: str, slides: str, weights: str
) -> None:
    for name, mode in (("workspace", workspace), ("slides", slides), ("weights", weights)):
        claim = named(rendered(folder), "PersistentVolumeClaim", f"shazam-{name}")
        assert claim["spec"]["accessModes"] == [mode]


@pytest.mark.parametrize(
    ("folder", "gpus"), [("overlays/gpu", 8), ("overlays/airgapped", 8), ("overlays/local", 0)]
)
def test_the_quota_counts_gpus_pods_and_jobs(folder: str, gpus: int) -> None:
    hard = named(rendered(folder), "ResourceQuota", "shazam")["spec"]["hard"]
    assert int(hard["requests.nvidia.com/gpu"]) == gpus
    assert int(hard["pods"]) > 0
    assert int(hard["count/jobs.batch"]) > int(hard["pods"])
    assert {"requests.cpu", "requests.memory", "limits.memory"} <= set(hard)


def test_pods_use_accounts_claims_settings_and_secrets_that_exist() -> None:
    gpu, services = rendered("overlays/gpu"), rendered("overlays/services")
    for folder, there in (
        ("copy", gpu),
        ("fetch", gpu),
        ("schedule", gpu),
        ("overlays/services", services),
    ):
        for name, template in pod_templates(rendered(folder)):
            spec = template["spec"]
            named(there, "ServiceAccount", spec["serviceAccountName"])
            for volume in spec["volumes"]:
                if "persistentVolumeClaim" in volume:
                    claim = volume["persistentVolumeClaim"]["claimName"]
                    assert named(there, "PersistentVolumeClaim", claim), name
                if "configMap" in volume:
                    assert named(there, "ConfigMap", volume["configMap"]["name"]), name
            for container in containers(template):
                for source in container.get("envFrom", []):
                    assert named(there, "ConfigMap", source["configMapRef"]["name"]), name


def test_all_pods_that_submit_are_one_client_to_zenmls_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zenml.artifact_stores import LocalArtifactStore
    from zenml.config.global_config import GlobalConfiguration

    value = named(rendered("base"), "ConfigMap", "shazam-settings")["data"]["ZENML_USER_ID"]
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path))
    before = GlobalConfiguration().user_id
    monkeypatch.setenv("ZENML_USER_ID", value)
    assert GlobalConfiguration().user_id == UUID(value) != before
    key = LocalArtifactStore.custom_cache_key.fget
    assert key is not None
    assert key(SimpleNamespace()) == UUID(value).bytes


def test_variables_of_services_are_not_made_up_from_service_names() -> None:
    # a Service named mlflow or zenml would set MLFLOW_PORT and ZENML_..., which both read
    for _, template in pod_templates(rendered("overlays/services")):
        assert template["spec"]["enableServiceLinks"] is False


@pytest.mark.parametrize("overlay", ["gpu", "local", "services"])
def test_every_account_pulls_with_the_secret_where_a_registry_asks_for_a_login(
    tmp_path: Path, overlay: str
) -> None:
    assert "components/pull-secret" in (K8S / "overlays" / overlay / KUSTOMIZATION).read_text()
    accounts = of_kind(with_components(tmp_path, "pull-secret", overlay=overlay), "ServiceAccount")
    assert accounts
    for one in accounts:
        assert one["imagePullSecrets"] == [{"name": "shazam-registry"}]


def test_weights_of_an_airgapped_cluster_are_a_mirror_that_nobody_writes() -> None:
    objects = rendered("overlays/airgapped")
    claim = named(objects, "PersistentVolumeClaim", "shazam-weights")["spec"]
    assert claim["storageClassName"] == ""
    assert claim["volumeName"] == "shazam-weights"
    settings = named(objects, "ConfigMap", "shazam-settings")["data"]
    assert settings["SHAZAM_WEIGHTS"] == "/weights"
    assert settings["HF_HUB_OFFLINE"] == "1"
    assert "HF_HUB_CACHE" not in settings
    for one in of_kind(objects, "ServiceAccount"):
        assert one["imagePullSecrets"] == [{"name": "shazam-registry"}]


@pytest.mark.parametrize("overlay", ["gpu", "local", "airgapped"])
def test_a_given_namespace_and_its_quota_are_left_alone(tmp_path: Path, overlay: str) -> None:
    objects = with_components(tmp_path, "given-namespace", overlay=overlay)
    assert not [one for one in objects if one["kind"] in {"Namespace", "ResourceQuota"}]


def test_all_goes_to_a_namespace_of_another_name(tmp_path: Path) -> None:
    extras = ("see-nodes", "cilium", "owner-references", "priority")
    objects = with_components(tmp_path, *extras, namespace="team-a")
    cluster_wide = {"Namespace", "ClusterRole", "ClusterRoleBinding", "PriorityClass"}
    for one in objects:
        expected = None if one["kind"] in cluster_wide else "team-a"
        assert one["metadata"].get("namespace") == expected, title(one)
        for subject in one.get("subjects", []):
            assert subject["namespace"] == "team-a", title(one)
    assert [one["metadata"]["name"] for one in of_kind(objects, "Namespace")] == ["team-a"]
