"""The page's commands name what is there."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import yaml
from typer.testing import CliRunner

from shazam.cli.main import app
from shazam.integrations.kubernetes.cron import check_cron
from tests.k8s.manifests import FOLDERS, K8S, ROOT, needs_kubectl, rendered
from tests.k8s.page import PAGE, blocks, calls, run_blocks

_ZEROS = "0" * 64


def test_folders_and_files_that_the_page_names_exist() -> None:
    named = {one.rstrip("/.,") for one in re.findall(r"k8s/[a-z0-9/.-]+", PAGE)}
    assert len(named) >= 12
    for one in named:
        assert (ROOT / one).exists(), one


def test_every_folder_is_applied_and_deleted_by_a_command() -> None:
    for verb in ("apply", "delete"):
        told = set(re.findall(rf"kubectl {verb} -k k8s/([a-z/]+)", PAGE))
        assert told <= set(FOLDERS)
        assert {"copy", "fetch", "schedule", "overlays/gpu", "overlays/services"} <= told


def test_the_page_tells_how_to_look_up_every_image_that_is_not_ours() -> None:
    images = yaml.safe_load((K8S / "overlays/services/kustomization.yaml").read_text())["images"]
    assert len(images) == 3
    (block,) = blocks("imagetools inspect")
    for one in images:
        assert one["newName"] in block
    assert "`sha256:` and 64 zeros" in " ".join(PAGE.split())


def test_digests_that_name_no_image_have_their_reason_beside_them() -> None:
    files = [path for path in K8S.rglob("*.yaml") if _ZEROS in path.read_text()]
    assert files
    for path in files:
        assert "zeros" in path.read_text(), path


def test_extras_that_the_page_names_are_listed_in_the_overlay() -> None:
    listed = set(
        re.findall(r"components/([a-z-]+)", (K8S / "overlays/gpu/kustomization.yaml").read_text())
    )
    there = {path.name for path in (K8S / "components").iterdir()} - {"image", "namespace"}
    assert listed == there
    for one in there:
        assert f"`{one}`" in PAGE


def test_configs_that_the_page_names_exist() -> None:
    named = set(re.findall(r"configs/[a-z0-9.]+yaml", PAGE))
    assert {"configs/k8s.demo.yaml", "configs/k8s.local.yaml"} <= named
    for one in named:
        assert (ROOT / one).is_file(), one


def test_commands_that_read_a_cluster_of_a_config_are_given_the_image() -> None:
    told = re.findall(r"^\.venv/bin/shazam .*-c configs/.*$", PAGE, re.MULTILINE)
    assert told
    for line in told:
        assert '--set "cluster.image=$IMAGE"' in line, line
    assert PAGE.index("\nIMAGE=") < PAGE.index("$IMAGE")


def test_a_schedule_is_made_where_the_workspace_is() -> None:
    assert "shazam schedule create" not in "".join(blocks("shazam"))
    (text,) = re.findall(r"^args: (\[.*schedule.*\])$", PAGE, re.MULTILINE)
    program, *words = yaml.safe_load(text)
    assert program == "shazam"
    shown = CliRunner().invoke(app, [*words[:2], "--help"], env={"COLUMNS": "200"}).output
    for option in (one for one in words if one.startswith("-")):
        assert option in shown
    assert words[words.index("-w") + 1] == "/workspace"
    check_cron(words[words.index("--cron") + 1], now=datetime.now(UTC))


@needs_kubectl
def test_objects_of_the_page_are_those_that_are_made() -> None:
    made = {
        one["metadata"]["name"]
        for folder in ("overlays/gpu", "copy", "fetch", "run", "schedule")
        for one in rendered(folder)
    }
    part = PAGE.partition("## What each object is for")[2].partition("\n## ")[0]
    told = set(re.findall(r"`((?:shazam|default|egress)[a-z-]*)`", part)) - {"egress-", "shazam"}
    assert len(told) >= 10
    of_kubernetes = {"default"}
    assert told - {"egress-..."} <= made | {"shazam retrain"} | of_kubernetes


def test_secrets_are_made_as_the_page_says(tmp_path: Path) -> None:
    given = {"secrets/zenml-api-key": "ZENKEY_made_up", "secrets/hf-token": "hf-made-up"}
    out = run_blocks("create secret generic", folder=tmp_path, files=given)
    for path in (path for path in out.glob("shazam*/*/*") if path.name != "auth.ini"):
        text = path.read_text()
        assert text, path
        assert text == text.strip(), path
    keys = out / "shazam-services" / "zenml-server"
    assert len({path.read_text() for path in keys.iterdir()}) == 3
    assert (tmp_path / "secrets" / "postgres").stat().st_mode & 0o077 == 0
    told = " ".join(word for one in calls(out) for word in one)
    values = {path.read_text() for path in out.glob("shazam*/*/*")} - {"admin"}
    assert len(values) >= 12
    assert not [one for one in values if one in told]
