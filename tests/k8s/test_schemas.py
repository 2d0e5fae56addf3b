"""Every object is what the API server of 1.33 and of 1.35 takes, no field unknown to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.k8s.manifests import FOLDERS, K8S, PARTS, needs_kubectl, rendered, title, with_components

kubernetes_validate = pytest.importorskip(
    "kubernetes_validate", reason="kubernetes-validate is not installed"
)
pytestmark = needs_kubectl

VERSIONS = ("1.33", "1.35")
EXTRAS = tuple(
    sorted(
        path.name
        for path in (K8S / "components").iterdir()
        if path.name not in {"image", "namespace"}  # the base has them
    )
)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", FOLDERS)
def test_objects_are_valid(folder: str, version: str) -> None:
    objects = rendered(folder)
    assert objects
    for one in objects:
        kubernetes_validate.validate(dict(one), version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_objects_with_the_extras_are_valid(tmp_path: Path, version: str) -> None:
    objects = with_components(tmp_path, *EXTRAS)
    ours = [one for one in objects if one["apiVersion"] != "cilium.io/v2"]  # not of Kubernetes
    assert len(objects) - len(ours) == 1
    for one in ours:
        kubernetes_validate.validate(dict(one), version, strict=True)


def test_a_field_that_the_server_does_not_know_is_found() -> None:
    (cronjob,) = rendered("schedule")
    wrong = {**cronjob, "spec": {**cronjob["spec"], "historyLimit": 3}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.33", strict=True)


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_object_stands_twice(folder: str) -> None:
    titles = [title(one) for one in rendered(folder)]
    assert len(titles) == len(set(titles))


def test_every_kustomization_is_tested() -> None:
    found = {
        str(path.parent.relative_to(K8S))
        for path in K8S.rglob("kustomization.yaml")
        if "kind: Kustomization" in path.read_text()
    }
    assert found == {*FOLDERS, *PARTS}
