"""`shazam teachers`: list, show, fetch and verify, with the documented exit codes."""

import json
from pathlib import Path

import pytest
import yaml

from shazam.stages import SOURCE_ROOT
from tests.command import Outcome, shazam
from tests.teachers.fake_hub import FIRST, HUB_ID, SECOND, TOKEN, FakeHub, serving

WEIGHTS = b"the weights" * 1000
OWN = f"""
teachers:
  small:
    source: {{kind: hub, hub_id: {HUB_ID}, weights: [model.safetensors]}}
    network: {{architecture: vit_tiny_patch16_224, pooling: cls}}
    transform: {{mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]}}
    dims: {{low: 192, mid: 192, high: 192}}
    licence: MIT
    gated: true
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "own.yaml").write_text(OWN)
    return tmp_path


def teachers(folder: Path, *arguments: str, **environment: str) -> Outcome:
    no_hub = {"HF_HOME": str(folder / "hf"), "HF_ENDPOINT": "http://127.0.0.1:9", "HF_TOKEN": ""}
    command = ("teachers", *arguments)
    if "--config" not in arguments:
        command = (*command, "--teachers-file", "own.yaml")
    return shazam(*command, cwd=folder, environment={**no_hub, **environment})


def mirror(folder: Path) -> str:
    (folder / "mirror" / HUB_ID).mkdir(parents=True)
    (folder / "mirror" / HUB_ID / "model.safetensors").write_bytes(WEIGHTS)
    return str(folder / "mirror")


def locked(folder: Path) -> dict:
    return yaml.safe_load((folder / "teachers.lock.yaml").read_text())["teachers"]


def test_listing_and_showing(folder):
    rows = json.loads(teachers(folder, "list", "--json").out)
    by_name = {row["name"]: row for row in rows}
    assert by_name["uni_v2"]["state"] == "not locked"
    assert by_name["small"]["licence"] == "MIT"
    assert [name for name, row in by_name.items() if row["remote_code"]] == ["hibou_l"]
    assert "efficientnet_lite0" in teachers(folder, "list").out
    shown = json.loads(teachers(folder, "show", "efficientnet_lite0", "--json").out)
    assert shown["identity"]["weights_sha256"] == shown["source"]["sha256"]
    unknown = teachers(folder, "show", "nobody")
    assert (unknown.code, "nobody" in unknown.err) == (45, True)


def test_fetching_from_the_hub_locks_and_a_later_fetch_keeps_to_it(folder):
    newer = {"model.safetensors": WEIGHTS + b"!"}
    hub = FakeHub({FIRST: {"model.safetensors": WEIGHTS}, SECOND: newer}, gated=True)
    with serving(hub):
        online = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": TOKEN}
        missing = teachers(folder, "fetch", "small", **{**online, "HF_TOKEN": ""})
        assert missing.code == 45
        assert "set HF_TOKEN" in missing.err
        refused = teachers(folder, "fetch", "small", **{**online, "HF_TOKEN": "hf_secret"})
        assert refused.code == 45
        assert "hf_secret" not in refused.text
        assert not (folder / "teachers.lock.yaml").exists()
        done = teachers(folder, "fetch", "small", **online)
        assert (done.code, done.err) == (0, "")
        assert "licence MIT" in done.out
        assert TOKEN not in done.text
        first = (folder / "teachers.lock.yaml").read_bytes()
        assert locked(folder)["small"]["revision"] == FIRST
        hub.newest = SECOND
        assert "unchanged" in teachers(folder, "fetch", "small", **online).out
        assert (folder / "teachers.lock.yaml").read_bytes() == first
        updated = teachers(folder, "fetch", "--update", "small", **online)
        assert f"changed revision: {FIRST} -> {SECOND}" in updated.out
    assert locked(folder)["small"]["revision"] == SECOND
    assert teachers(folder, "verify").out == "small: ok\n"


def test_a_mirror_serves_without_a_hub_and_an_altered_byte_is_found(folder):
    weights = {"SHAZAM_WEIGHTS": mirror(folder)}
    assert teachers(folder, "fetch", "small", **weights).code == 0
    before = (folder / "teachers.lock.yaml").read_bytes()
    assert locked(folder)["small"]["origin"] == "mirror"
    assert teachers(folder, "verify", "small", **weights).code == 0
    (folder / "mirror" / HUB_ID / "model.safetensors").write_bytes(WEIGHTS[:-1] + b"x")
    found = teachers(folder, "verify", "--json", **weights)
    assert found.code == 1
    assert "altered" in json.loads(found.out)[0]["problem"]
    again = teachers(folder, "fetch", "small", **weights)
    assert again.code == 1
    assert "differs from the lock" in again.err
    assert (folder / "teachers.lock.yaml").read_bytes() == before


def test_failures_leave_no_lock_and_have_the_documented_exit_codes(folder):
    offline = teachers(folder, "fetch", "small", HF_TOKEN=TOKEN)
    assert (offline.code, "connection failed" in offline.err) == (1, True)
    assert teachers(folder, "verify", "small").code == 45
    assert teachers(folder, "verify", "small", "--lock", "absent.yaml").code == 45
    assert teachers(folder, "fetch", "efficientnet_lite0").code == 45
    assert teachers(folder, "fetch").code == 2
    assert teachers(folder, "verify", SHAZAM_WEIGHTS="/no/such/folder").code == 45
    assert not (folder / "teachers.lock.yaml").exists()


def test_a_config_names_the_teachers_file_and_its_lock_lies_beside_it(folder):
    tree = yaml.safe_load((SOURCE_ROOT / "configs" / "survival.yaml").read_text())
    tree["extraction"] |= {"teachers_file": "own.yaml", "teachers": ["small"]}
    (folder / "project").mkdir()
    (folder / "own.yaml").rename(folder / "project" / "own.yaml")
    config = folder / "project" / "mine.yaml"
    config.write_text(yaml.safe_dump(tree))
    weights = {"SHAZAM_WEIGHTS": mirror(folder)}
    assert teachers(folder, "fetch", "small", "--config", "project/mine.yaml", **weights).code == 0
    assert "small" in locked(folder / "project")
    verified = teachers(folder, "verify", "--config", "project/mine.yaml", **weights)
    assert (verified.code, verified.out) == (0, "small: ok\n")
    shown = shazam("config", "show", "-c", config).out
    assert "teachers.lock.yaml  # beside mine.yaml" in shown
