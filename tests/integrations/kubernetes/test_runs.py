"""What ZenML is told of each step of a run on a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from shazam.config import Config, load_config
from shazam.stages import SOURCE_ROOT

IMAGE = "registry.example/shazam@sha256:" + "a" * 64
WORKSPACE = Path("/data/ws")
ON_GPU = {"extract", "train_baseline", "train_joint", "distill"}


def config(*overrides: str) -> Config:
    path = SOURCE_ROOT / "configs" / "k8s.demo.yaml"
    cohort = ["cohort.table=/slides/cohort.csv", "cohort.slides_dir=/slides"]
    asked = [f"cluster.image={IMAGE}", *cohort, *overrides]
    return load_config(path, overrides=asked, environment={}).config


@pytest.fixture(scope="module")
def steps(embedded_stores):
    """Name of the step's function and configuration, by invocation, and the pipeline's settings."""
    from pipelines.training import training
    from shazam.integrations.kubernetes.runs import on_cluster

    selector = "cluster.gpu_node_selector={accelerator: a100}"
    asked = config(selector, "cluster.priority_class=low")
    arguments = (asked, "digest", dict.fromkeys(asked.extracted().encoders(), ""))
    placed = on_cluster(training, asked.cluster, *arguments, workspace=WORKSPACE)
    planned = training.copy()
    planned.prepare(*arguments)
    names = {key: one.step.name for key, one in planned.invocations.items()}
    return names, placed._run_args["step_configurations"], placed.configuration.settings


def settings_of(steps, invocation):
    return steps[1][invocation]["settings"]["orchestrator.kubernetes"]


def test_every_step_has_its_pod(steps):
    names, configured, _ = steps
    assert configured.keys() == names.keys()
    assert {"extract", "evaluate", "register", "distill"} <= set(names.values())


def test_a_gpu_is_asked_for_by_extraction_training_and_distillation_alone(steps):
    names, _, _ = steps
    asking = set()
    for invocation, name in names.items():
        pod = settings_of(steps, invocation).pod_settings
        limits, requests = pod.resources["limits"], pod.resources["requests"]
        assert limits == requests
        if "nvidia.com/gpu" in limits:
            assert limits["nvidia.com/gpu"] == "1"
            assert pod.node_selectors == {"accelerator": "a100"}
            assert [one["key"] for one in pod.tolerations] == ["nvidia.com/gpu"]
            asking.add(name)
        else:
            assert not pod.node_selectors
            assert not pod.tolerations
    assert asking == ON_GPU


def test_a_runtime_class_is_that_of_gpu_pods_alone(steps):
    from shazam.integrations.kubernetes.pods import orchestrator_pod, step_pod

    def classes(asked):
        pods = [
            step_pod(asked, asked.steps.extract, workspace=WORKSPACE),
            step_pod(asked, asked.steps.other, workspace=WORKSPACE),
            orchestrator_pod(asked, workspace=WORKSPACE),
        ]
        return [pod.additional_pod_spec_args.get("runtime_class_name") for pod in pods]

    assert classes(config("cluster.gpu_runtime_class=nvidia").cluster) == ["nvidia", None, None]
    assert classes(config().cluster) == [None] * 3


def test_pods_are_restricted_and_steps_hold_no_token(steps):
    for invocation in steps[0]:
        settings = settings_of(steps, invocation)
        assert settings.step_pod_service_account_name == "shazam-step"
        for pod, token in (
            (settings.pod_settings, False),
            (settings.orchestrator_pod_settings, True),
        ):
            container, spec = pod.container_security_context, pod.additional_pod_spec_args
            assert container["readOnlyRootFilesystem"]
            assert container["runAsNonRoot"]
            assert container["allowPrivilegeEscalation"] is False
            assert container["capabilities"] == {"drop": ["ALL"]}
            assert container["seccompProfile"] == {"type": "RuntimeDefault"}
            assert spec["automount_service_account_token"] is token
            assert spec["security_context"]["runAsUser"] == 10001
            assert spec["priority_class_name"] == "low"
            assert {next(k for k in v if k != "name") for v in pod.volumes} <= {
                "emptyDir",
                "persistentVolumeClaim",
            }
            writable = {"/app", "/tmp", "/home/shazam", "/home/zenml", "/dev/shm"}
            assert writable <= {mount["mountPath"] for mount in pod.volume_mounts}


def test_the_workspace_lies_where_it_lies_here_and_slides_cannot_be_written(steps):
    pod = settings_of(steps, "ingest").pod_settings
    mounts = {mount["mountPath"]: mount["readOnly"] for mount in pod.volume_mounts[:3]}
    assert mounts == {"/data/ws": False, "/slides": True, "/weights": True}
    assert {"name": "SHAZAM_WORKSPACE", "value": "/data/ws"} in pod.env
    # else a node may give all files of the archive another group
    claims = [volume["persistentVolumeClaim"] for volume in pod.volumes[:3]]
    assert claims == [
        {"claimName": "shazam-workspace"},
        {"claimName": "shazam-slides", "readOnly": True},
        {"claimName": "shazam-weights", "readOnly": True},
    ]


def test_a_root_that_can_be_written_is_that_of_gpu_pods_alone(steps):
    from shazam.integrations.kubernetes.pods import step_pod

    asked = config("cluster.gpu_read_only_root=false").cluster
    read_only = [
        step_pod(asked, one, workspace=WORKSPACE).container_security_context[
            "readOnlyRootFilesystem"
        ]
        for one in (asked.steps.extract, asked.steps.other)
    ]
    assert read_only == [False, True]


NO_SECRET = "CreateContainerConfigError"


def test_an_image_that_cannot_be_pulled_now_costs_no_step(steps):
    of_run = steps[2]["orchestrator.kubernetes"].fail_on_container_waiting_reasons
    assert of_run == ["InvalidImageName", "ErrImagePull", "ImagePullBackOff", NO_SECRET]
    for invocation in steps[0]:
        found = settings_of(steps, invocation).fail_on_container_waiting_reasons
        assert found == ["InvalidImageName"]


def test_all_pods_take_the_settings_of_the_overlay(steps):
    taken = [{"configMapRef": {"name": "shazam-settings"}}]
    for invocation in steps[0]:
        settings = settings_of(steps, invocation)
        for pod in (settings.pod_settings, settings.orchestrator_pod_settings):
            assert pod.env_from == taken
            # what stands in the environment itself would hide the address of the settings
            assert "MLFLOW_TRACKING_URI" not in {one["name"] for one in pod.env}


def test_without_settings_pods_take_what_the_config_says(steps):
    from shazam.integrations.kubernetes.pods import orchestrator_pod

    asked = config("cluster.settings=null").cluster
    assert orchestrator_pod(asked, workspace=WORKSPACE).env_from == []


def test_the_orchestrator_has_an_empty_folder_where_zenml_makes_that_of_its_store(steps):
    for invocation in steps[0]:
        pod = settings_of(steps, invocation).orchestrator_pod_settings
        (name,) = [one["name"] for one in pod.volume_mounts if one["mountPath"] == str(WORKSPACE)]
        (volume,) = [one for one in pod.volumes if one["name"] == name]
        assert volume == {"name": name, "emptyDir": {"sizeLimit": "16Mi"}}
        assert not [one for one in pod.volumes if "persistentVolumeClaim" in one]


def test_secrets_are_named_and_their_values_are_nowhere(steps):
    pod = settings_of(steps, "register").pod_settings
    named = [one for one in pod.env if "valueFrom" in one]
    assert [one["name"] for one in named] == [
        "MLFLOW_TRACKING_USERNAME",
        "MLFLOW_TRACKING_PASSWORD",
    ]
    assert all(one["valueFrom"]["secretKeyRef"]["name"] == "shazam-mlflow" for one in named)
    assert not any("TOKEN" in one["name"] for one in pod.env)


def test_disruptions_are_ignored_first_and_a_wrong_configuration_fails_at_once(steps):
    for invocation in steps[0]:
        rules = settings_of(steps, invocation).pod_failure_policy["rules"]
        assert [rule["action"] for rule in rules] == ["Ignore", "FailJob", "Count"]
        assert rules[0]["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
        assert rules[1]["onExitCodes"]["values"] == [45]


def test_steps_are_tried_again_and_end_in_time(steps):
    expected = {"extract": (6, 604_800), "distill": (3, 172_800), "evaluate": (3, 86_400)}
    for invocation, name in steps[0].items():
        if name in expected:
            retries, deadline_s = expected[name]
            assert steps[1][invocation]["retry"].max_retries == retries
            assert settings_of(steps, invocation).active_deadline_seconds == deadline_s


def test_the_image_is_taken_as_it_is(steps):
    docker = steps[2]["docker"]
    assert docker.parent_image == IMAGE
    assert docker.skip_build
    assert not docker.allow_including_files_in_images
    assert not docker.allow_download_from_artifact_store
    assert not docker.allow_download_from_code_repository


def test_steps_without_torch_may_have_an_image_of_their_own(steps):
    from pipelines.training import training
    from shazam.integrations.kubernetes.runs import WITHOUT_TORCH, on_cluster

    slim = IMAGE.replace("/shazam@", "/shazam-slim@")
    asked = config(f"cluster.slim_image={slim}")
    arguments = (asked, "digest", dict.fromkeys(asked.extracted().encoders(), ""))
    placed = on_cluster(training, asked.cluster, *arguments, workspace=WORKSPACE)
    images = {
        steps[0][invocation]: one["settings"]["docker"].parent_image
        for invocation, one in placed._run_args["step_configurations"].items()
        if "docker" in one["settings"]
    }
    assert images == dict.fromkeys(WITHOUT_TORCH, slim)


@pytest.mark.parametrize(
    ("asked", "is_told"),
    [
        ("cluster.env={}", False),
        ("cluster.env={SHAZAM_ALERT_URL: 'https://alerts.example'}", True),
        ("cluster.secrets=[{variable: SHAZAM_ALERT_URL, secret: alerts, key: url}]", True),
    ],
)
def test_a_failed_step_is_told_where_an_address_is_given(asked, is_told):
    from shazam.integrations.alerts import tell_run_id, tell_wrong_configuration
    from shazam.integrations.kubernetes.runs import alert_hooks

    told = (tell_run_id, tell_wrong_configuration) if is_told else (None, None)
    assert alert_hooks(config(asked).cluster) == told


@pytest.mark.parametrize("place", ["kubernetes", "kubeflow"])
def test_the_hooks_are_those_of_the_pipeline(steps, monkeypatch, place):
    from pipelines.retraining import retraining
    from shazam.integrations.kubeflow import runs as on_kubeflow
    from shazam.integrations.kubernetes import runs as on_kubernetes

    given = {}
    monkeypatch.setattr(
        type(retraining), "with_options", lambda _, **options: given.update(options)
    )
    cluster = config("cluster.env={SHAZAM_ALERT_URL: 'https://alerts.example'}").cluster
    placing = on_kubernetes.on_cluster if place == "kubernetes" else on_kubeflow.on_kubeflow
    placing(retraining, cluster, "configs/k8s.yaml", [], workspace=WORKSPACE)
    hooks = on_kubernetes.alert_hooks(cluster)
    assert (given["on_failure"], given["on_end"]) == hooks != (None, None)


def test_the_step_that_starts_runs_has_an_account_of_its_own_and_one_try(steps):
    from pipelines.retraining import retraining
    from shazam.integrations.kubernetes.runs import on_cluster

    arguments = ("configs/k8s.yaml", ["retraining.min_new_cases=5"])
    placed = on_cluster(retraining, config().cluster, *arguments, workspace=WORKSPACE)
    configured = placed._run_args["step_configurations"]["retrain"]
    settings = configured["settings"]["orchestrator.kubernetes"]
    assert configured["retry"] is None
    assert settings.step_pod_service_account_name == "shazam-submit"
    assert settings.pod_settings.additional_pod_spec_args["automount_service_account_token"]
    assert settings.pod_settings.labels["app.kubernetes.io/component"] == "schedule"
    assert settings.concurrency_policy == "Forbid"


@pytest.mark.parametrize("slim", [None, IMAGE.replace("/shazam@", "/shazam-slim@")])
def test_the_step_that_starts_runs_gives_them_its_own_images(steps, slim):
    from shazam.integrations.kubernetes.pods import step_pod

    asked = config(f"cluster.slim_image={slim or 'null'}").cluster
    pods = [
        step_pod(asked, asked.steps.other, workspace=WORKSPACE, submits=submits)
        for submits in (True, False)
    ]
    told, others = ({one["name"]: one.get("value") for one in pod.env} for pod in pods)
    variables = {name: value for name, value in told.items() if name.startswith("SHAZAM__")}
    path = SOURCE_ROOT / "configs" / "k8s.yaml"
    nested = load_config(path, environment=variables).config
    assert (nested.cluster.image, nested.cluster.slim_image) == (IMAGE, slim)
    assert not [name for name in others if name.startswith("SHAZAM__")]
