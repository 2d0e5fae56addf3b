"""`shazam teachers`: list, show, fetch and verify, with the documented exit codes."""

import json
import sys
from pathlib import Path

import huggingface_hub.constants
import pytest
import yaml

from shazam.cli.main import main
from shazam.stages import SOURCE_ROOT
from tests.command import Outcome, shazam_here
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
def folder(tmp_path, monkeypatch) -> Path:
    (tmp_path / "own.yaml").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    return tmp_path


@pytest.fixture
def teachers(monkeypatch, capsys):
    """Run the command in this process, which saves the imports of a new one."""

    def run(*arguments: str, **environment: str) -> Outcome:
        own = () if "--config" in arguments else ("--teachers-file", "own.yaml")
        offline = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_TOKEN": "", "SHAZAM_WEIGHTS": ""}
        with monkeypatch.context() as patch:
            for name, value in {**offline, **environment}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["shazam", "teachers", *arguments, *own])
            with pytest.raises(SystemExit) as stopped:
                main()
        captured = capsys.readouterr()
        return Outcome(int(stopped.value.code or 0), captured.out, captured.err)

    return run


def mirror(folder: Path) -> str:
    (folder / "mirror" / HUB_ID).mkdir(parents=True)
    (folder / "mirror" / HUB_ID / "model.safetensors").write_bytes(WEIGHTS)
    return str(folder / "mirror")


def locked(folder: Path) -> dict:
    return yaml.safe_load((folder / "teachers.lock.yaml").read_text())["teachers"]


def test_listing_and_showing(folder, teachers):
    rows = json.loads(teachers("list", "--json").out)
    by_name = {row["name"]: row for row in rows}
    assert by_name["uni_v2"]["state"] == "not locked"
    assert by_name["small"]["licence"] == "MIT"
    assert [name for name, row in by_name.items() if row["remote_code"]] == ["hibou_l"]
    assert "efficientnet_lite0" in teachers("list").out
    shown = json.loads(teachers("show", "efficientnet_lite0", "--json").out)
    assert shown["identity"]["weights_sha256"] == shown["source"]["sha256"]
    unknown = teachers("show", "nobody")
    assert (unknown.code, "nobody" in unknown.err) == (45, True)


def test_fetching_from_the_hub_locks_and_a_later_fetch_keeps_to_it(folder, teachers):
    newer = {"model.safetensors": WEIGHTS + b"!"}
    hub = FakeHub({FIRST: {"model.safetensors": WEIGHTS}, SECOND: newer}, gated=True)
    with serving(hub):
        online = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": TOKEN}
        missing = teachers("fetch", "small", **{**online, "HF_TOKEN": ""})
        assert missing.code == 45
        assert "set HF_TOKEN" in missing.err
        refused = teachers("fetch", "small", **{**online, "HF_TOKEN": "hf_secret"})
        assert refused.code == 45
        assert "hf_secret" not in refused.text
        assert not (folder / "teachers.lock.yaml").exists()
        done = teachers("fetch", "small", **online)
        assert (done.code, done.err) == (0, "")
        assert "licence MIT" in done.out
        assert TOKEN not in done.text
        first = (folder / "teachers.lock.yaml").read_bytes()
        assert locked(folder)["small"]["revision"] == FIRST
        hub.newest = SECOND
        assert "unchanged" in teachers("fetch", "small", **online).out
        assert (folder / "teachers.lock.yaml").read_bytes() == first
        other = teachers("fetch", "--revision", SECOND, "small", **online)
        assert (other.code, "--revision needs --update" in other.err) == (45, True)
        updated = teachers("fetch", "--update", "small", **online)
        assert f"changed revision: {FIRST} -> {SECOND}" in updated.out
    assert locked(folder)["small"]["revision"] == SECOND
    assert teachers("verify").out == "small: ok\n"


def test_a_mirror_serves_without_a_hub_and_an_altered_byte_is_found(folder, teachers):
    weights = {"SHAZAM_WEIGHTS": mirror(folder)}
    assert teachers("fetch", "small", **weights).code == 0
    before = (folder / "teachers.lock.yaml").read_bytes()
    assert locked(folder)["small"]["origin"] == "mirror"
    assert teachers("verify", "small", **weights).code == 0
    (folder / "mirror" / HUB_ID / "model.safetensors").write_bytes(WEIGHTS[:-1] + b"x")
    found = teachers("verify", "--json", **weights)
    assert found.code == 1
    assert "altered" in json.loads(found.out)[0]["problem"]
    again = teachers("fetch", "small", **weights)
    assert again.code == 1
    assert "differs from the lock" in again.err
    assert (folder / "teachers.lock.yaml").read_bytes() == before


def test_failures_leave_no_lock_and_have_the_documented_exit_codes(folder, teachers):
    offline = teachers("fetch", "small", HF_TOKEN=TOKEN)
    assert (offline.code, "connection failed" in offline.err) == (1, True)
    assert teachers("verify", "small").code == 45
    assert teachers("verify", "small", "--lock", "absent.yaml").code == 45
    assert teachers("fetch", "efficientnet_lite0").code == 45
    assert teachers("fetch").code == 2
    assert teachers("verify", SHAZAM_WEIGHTS="/no/such/folder").code == 45
    assert not (folder / "teachers.lock.yaml").exists()


def test_a_config_names_the_teachers_file_and_its_lock_lies_beside_it(folder, teachers):
    tree = yaml.safe_load((SOURCE_ROOT / "configs" / "survival.yaml").read_text())
    tree["extraction"] |= {"teachers_file": "own.yaml", "teachers": ["small"]}
    (folder / "project").mkdir()
    (folder / "own.yaml").rename(folder / "project" / "own.yaml")
    config = folder / "project" / "mine.yaml"
    config.write_text(yaml.safe_dump(tree))
    weights = {"SHAZAM_WEIGHTS": mirror(folder)}
    assert teachers("fetch", "small", "--config", "project/mine.yaml", **weights).code == 0
    assert "small" in locked(folder / "project")
    verified = teachers("verify", "--config", "project/mine.yaml", **weights)
    assert (verified.code, verified.out) == (0, "small: ok\n")
    shown = shazam_here("config", "show", "-c", config).out
    assert "teachers.lock.yaml  # beside mine.yaml" in shown
