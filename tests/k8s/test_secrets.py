"""No secret stands in the manifests; those they name are documented and made from files."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.k8s.manifests import (
    FOLDERS,
    K8S,
    ROOT,
    containers,
    named,
    needs_kubectl,
    pod_templates,
    rendered,
)

PAGE = (ROOT / "docs" / "kubernetes.md").read_text()
SECRETIVE = re.compile(r"TOKEN|PASSWORD|SECRET|KEY|CREDENTIAL", re.IGNORECASE)
NO_VALUES = {"POSTGRES_PASSWORD_FILE", "ZENML_SECRETS_STORE_TYPE", "HF_TOKEN_PATH"}
LOOKS_SECRET = re.compile(
    r"hf_[A-Za-z0-9]{16,}|AKIA[0-9A-Z]{12,}|-----BEGIN|eyJ[A-Za-z0-9_-]{20,}|://[^/\s:]+:[^@\s{]+@"
)


def _used() -> Iterator[tuple[str, str, str]]:
    """Return namespace, name and key of the Secrets that pods name."""
    for folder in FOLDERS:
        place = "shazam-services" if folder == "overlays/services" else "shazam"
        for _, template in pod_templates(rendered(folder)):
            for container in containers(template):
                for one in container.get("env", []):
                    found = one.get("valueFrom", {}).get("secretKeyRef")
                    if found:
                        yield place, found["name"], found["key"]
            for volume in template["spec"].get("volumes", []):
                for item in volume.get("secret", {}).get("items", []):
                    yield place, volume["secret"]["secretName"], item["key"]


@needs_kubectl
def test_no_secret_is_among_the_objects() -> None:
    for folder in FOLDERS:
        assert "Secret" not in {one["kind"] for one in rendered(folder)}, folder


@needs_kubectl
def test_variables_that_sound_secret_have_no_value() -> None:
    named = set()
    for folder in FOLDERS:
        for name, template in pod_templates(rendered(folder)):
            for container in containers(template):
                for one in container.get("env", []):
                    if SECRETIVE.search(one["name"]) and one["name"] not in NO_VALUES:
                        named.add(one["name"])
                        assert "value" not in one, (name, one["name"])
    assert {"ZENML_STORE_API_KEY", "AWS_SECRET_ACCESS_KEY"} <= named


@needs_kubectl
def test_settings_hold_nothing_that_sounds_secret() -> None:
    for folder in FOLDERS:
        for one in rendered(folder):
            if one["kind"] == "ConfigMap":
                assert not [key for key in one["data"] if SECRETIVE.search(key)]


def test_no_file_holds_what_looks_like_a_secret() -> None:
    for path in (path for path in K8S.rglob("*") if path.is_file()):
        assert not LOOKS_SECRET.search(path.read_text()), path
    assert LOOKS_SECRET.search("postgresql://mlflow:hunter2@postgres/mlflow")


@needs_kubectl
def test_the_hubs_token_is_a_file_of_the_fetching_container_only() -> None:
    holders = set()
    for folder in FOLDERS:
        for name, template in pod_templates(rendered(folder)):
            volumes = {one["name"]: one for one in template["spec"].get("volumes", [])}
            for container in containers(template):
                assert "HF_TOKEN" not in {one["name"] for one in container.get("env", [])}
                for mount in container.get("volumeMounts", []):
                    secret = volumes.get(mount["name"], {}).get("secret", {}).get("secretName")
                    if secret == "shazam-huggingface":
                        holders.add((name, container["name"]))
    assert holders == {("Job/shazam-fetch", "fetch")}


@needs_kubectl
def test_the_fetch_finds_the_token_where_it_is_mounted(tmp_path: Path) -> None:
    spec = named(rendered("fetch"), "Job", "shazam-fetch")["spec"]["template"]["spec"]
    (fetch,) = spec["initContainers"]
    (path,) = [one["value"] for one in fetch["env"] if one["name"] == "HF_TOKEN_PATH"]
    (mount,) = [one for one in fetch["volumeMounts"] if one["name"] == "token"]
    (volume,) = [one for one in spec["volumes"] if one["name"] == "token"]
    assert path == f"{mount['mountPath']}/{volume['secret']['items'][0]['path']}"
    script = "from huggingface_hub import get_token; print(get_token())"
    (tmp_path / "token").write_text("a-token")
    environment = {"HF_TOKEN_PATH": str(tmp_path / "token"), "HOME": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "a-token"


@needs_kubectl
def test_the_page_makes_every_secret_that_pods_name() -> None:
    used = set(_used())
    assert len(used) >= 12
    for place, name, key in used:
        (command,) = re.findall(
            rf"kubectl -n {place} create secret generic {name} ((?:.*\\\n)*.*)\n", PAGE
        )
        assert f"--from-file={key}=" in command, (name, key)


def test_secrets_are_made_from_files() -> None:
    assert "--from-literal" not in PAGE
    assert PAGE.count("create secret generic") >= 8
