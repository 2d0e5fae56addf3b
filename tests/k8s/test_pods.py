"""Pods keep the `restricted` rules, and some stricter ones of ours."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.k8s.manifests import (
    FOLDERS,
    Manifest,
    containers,
    needs_kubectl,
    pod_templates,
    rendered,
)
from tests.k8s.restricted import broken_rules

pytestmark = needs_kubectl

PODS = ("copy", "fetch", "run", "schedule", "overlays/services")
BY_DIGEST = re.compile(r"[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}")


def _pods() -> list[tuple[str, Manifest]]:
    return [pod for folder in FOLDERS for pod in pod_templates(rendered(folder))]


def test_every_folder_with_pods_is_looked_at() -> None:
    assert {folder for folder in FOLDERS if [*pod_templates(rendered(folder))]} == set(PODS)


def test_pods_are_restricted() -> None:
    for name, template in _pods():
        assert broken_rules(template) == [], name


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (lambda pod: pod["spec"].update(hostNetwork=True), "hostNetwork"),
        (
            lambda pod: pod["spec"]["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
            "volume x: hostPath",
        ),
        (lambda pod: pod["spec"]["securityContext"].pop("runAsNonRoot"), "main: runs as root"),
        (lambda pod: pod["spec"]["securityContext"].update(runAsUser=0), "main: runs as root"),
        (lambda pod: pod["spec"]["securityContext"].pop("seccompProfile"), "main: seccompProfile"),
        (lambda pod: _main(pod).pop("allowPrivilegeEscalation"), "main: allowPrivilegeEscalation"),
        (lambda pod: _main(pod).update(capabilities={"drop": ["NET_RAW"]}), "main: capabilities"),
        (lambda pod: _main(pod)["capabilities"].update(add=["SYS_ADMIN"]), "main: capabilities"),
        (lambda pod: _main(pod).update(privileged=True), "main: privileged"),
    ],
)
def test_a_pod_that_is_not_restricted_is_found(
    spoil: Callable[[dict[str, Any]], object], rule: str
) -> None:
    ((_, template),) = pod_templates(rendered("schedule"))
    spoilt = copy.deepcopy(dict(template))
    spoil(spoilt)
    assert broken_rules(spoilt) == [rule]


def _main(pod: dict[str, Any]) -> Any:
    return pod["spec"]["containers"][0]["securityContext"]


def test_roots_are_read_only() -> None:
    for name, template in _pods():
        for container in containers(template):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name


def test_images_are_named_by_digest() -> None:
    for name, template in _pods():
        for container in containers(template):
            assert BY_DIGEST.fullmatch(container["image"]), (name, container["image"])


def test_containers_say_what_they_ask_for_and_may_take() -> None:
    for name, template in _pods():
        for container in containers(template):
            for part in ("requests", "limits"):
                assert {"cpu", "memory"} <= set(container["resources"][part]), name


def test_empty_directories_are_bounded() -> None:
    for name, template in _pods():
        for volume in template["spec"].get("volumes", []):
            if "emptyDir" in volume:
                assert volume["emptyDir"].get("sizeLimit"), (name, volume["name"])


def test_only_pods_that_submit_runs_get_a_token() -> None:
    with_token = {
        name for name, pod in _pods() if pod["spec"]["automountServiceAccountToken"] is not False
    }
    assert with_token == {"CronJob/shazam-retrain", "Job/shazam-run"}


def test_the_schedule_has_the_writable_places_that_zenml_needs() -> None:
    ((_, template),) = pod_templates(rendered("schedule"))
    empty = {one["name"] for one in template["spec"]["volumes"] if "emptyDir" in one}
    (main,) = template["spec"]["containers"]
    mounts = {one["mountPath"]: one["name"] for one in main["volumeMounts"]}
    for path in ("/app", "/tmp", "/home/shazam", "/home/zenml"):
        assert mounts[path] in empty
    environment = {one["name"]: one.get("value") for one in main["env"]}
    assert environment["ZENML_CONFIG_PATH"] == "/home/zenml"


def test_slides_are_written_by_the_copy_and_weights_by_the_fetch_only() -> None:
    writers = set()
    for folder in ("copy", "fetch", "schedule"):
        for name, template in pod_templates(rendered(folder)):
            for container in containers(template):
                for mount in container["volumeMounts"]:
                    if mount["name"] in {"slides", "weights"} and not mount.get("readOnly"):
                        writers.add((name, container["name"], mount["name"]))
    assert writers == {
        ("Job/shazam-fetch", "fetch", "weights"),
        ("Pod/shazam-copy", "main", "slides"),
    }
