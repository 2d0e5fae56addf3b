"""`shazam doctor` tells what is wrong with a machine, in words, and shows no secret."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from typer.testing import CliRunner

from shazam.cli import checkup, main, torch_checkup
from shazam.cli.checkup import State
from shazam.cli.installed_bill import installed_bill
from tests.command import shazam_here

SECRET = "do-not-tell"
SERVERS = {
    "ZENML_STORE_URL": f"https://me:{SECRET}@zenml.example:8443/?key={SECRET}",
    "ZENML_STORE_API_KEY": SECRET,
    "MLFLOW_TRACKING_URI": f"postgresql://me:{SECRET}@mlflow.example/runs",
    "MLFLOW_TRACKING_USERNAME": SECRET,
    "MLFLOW_TRACKING_PASSWORD": SECRET,
    "HF_TOKEN": SECRET,
}


@pytest.fixture
def absent(monkeypatch):
    """Return a function that takes packages away."""

    def take(*names):
        versions = {**checkup.installed_versions(), **dict.fromkeys(names, "absent")}
        for module in (checkup, torch_checkup):
            monkeypatch.setattr(module, "installed_versions", lambda: versions)

    return take


def doctor(*arguments, workspace):
    return shazam_here("doctor", "--quick", "--json", "--workspace", workspace, *arguments)


def by_name(outcome):
    return {one["what"]: one for one in json.loads(outcome.out)["findings"]}


def test_a_machine_that_can_do_the_work_is_healthy(tmp_path):
    outcome = doctor(workspace=tmp_path / "ws")
    assert outcome.code == 0, outcome.text
    assert json.loads(outcome.out)["healthy"] is True
    found = by_name(outcome)
    assert "torch 2." in found["torch"]["told"]
    assert "efficientnet_lite0" in found["teachers"]["told"]
    assert not (tmp_path / "ws").exists()  # nothing was written


def test_the_text_ends_with_the_verdict(tmp_path):
    outcome = shazam_here("doctor", "--quick", "--workspace", tmp_path)
    assert outcome.last_line == "healthy"


def test_torch_is_not_loaded_when_it_is_to_be_quick(tmp_path):
    code = """
import sys
from shazam.cli.main import app
app(["doctor", "--quick"], standalone_mode=False)
"""
    loaded = "import atexit, sys; atexit.register(lambda: print('torch' in sys.modules))"
    told = subprocess.run(
        [sys.executable, "-c", loaded + code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.splitlines()[-2:] == ["healthy", "False"], told.stderr


def test_without_torch_it_is_healthy_and_says_what_cannot_be_done(tmp_path, absent):
    absent("torch", "torchvision", "timm", "transformers")
    outcome = doctor(workspace=tmp_path)
    assert outcome.code == 0
    assert by_name(outcome)["torch"]["state"] == "note"
    assert "nothing is extracted or trained here" in by_name(outcome)["torch"]["told"]


def test_without_a_package_that_every_step_needs_it_is_not(tmp_path, absent):
    absent("pandas")
    outcome = doctor(workspace=tmp_path)
    assert outcome.code == 1
    assert by_name(outcome)["packages"]["told"].startswith("pandas: not installed; pip install")


def test_torch_that_cannot_be_loaded_is_wrong(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    (torch,) = torch_checkup.torch_findings(load=True)
    assert torch.state is State.WRONG
    assert "cannot be loaded" in torch.told


@pytest.mark.parametrize(
    ("gpus", "nodes", "state", "told"),
    [
        ([], 0, State.NOTE, "no GPUs: the CPU computes"),
        (["H100"], 1, State.OK, "1 GPU: H100"),
        ([], 2, State.WRONG, "2 GPUs, but torch cannot use any"),
    ],
)
def test_gpus_that_torch_cannot_use_are_wrong(monkeypatch, tmp_path, gpus, nodes, state, told):
    for name in ("nvidiactl", *(f"nvidia{number}" for number in range(nodes))):
        (tmp_path / name).touch()
    monkeypatch.setattr(torch_checkup, "_seen", lambda: (gpus, ["driver too old"]))
    *_, gpu = torch_checkup.torch_findings(load=True, devices=tmp_path)
    assert gpu.state is state
    assert gpu.told.startswith(told)
    assert ("driver too old" in gpu.told) is (state is State.WRONG)


def test_a_folder_that_cannot_be_written_is_wrong_and_named(tmp_path, monkeypatch):
    monkeypatch.setattr(checkup.os, "access", lambda path, _: path != tmp_path)
    found = {one.what: one for one in checkup.place_findings(tmp_path / "a/b", environment={})}
    assert found["workspace"].state is State.WRONG
    assert f"{tmp_path}/a/b cannot be written by user" in found["workspace"].told
    assert found["temporary files"].state is State.OK


def test_a_file_in_place_of_a_folder_is_wrong(tmp_path):
    (tmp_path / "ws").touch()
    workspace, *_ = checkup.place_findings(tmp_path / "ws", environment={})
    assert workspace.state is State.WRONG


def test_servers_are_told_by_their_hosts_and_no_secret_is(tmp_path):
    arguments = ["doctor", "--quick", "--workspace", str(tmp_path)]
    told = CliRunner().invoke(main.app, arguments, env=SERVERS)
    assert told.exit_code == 0, told.output
    assert SECRET not in told.output
    assert "ZenML: https://zenml.example:8443 (ZENML_STORE_URL)\n" in told.output
    assert "MLflow: postgresql://mlflow.example (MLFLOW_TRACKING_URI)\n" in told.output


def test_a_store_on_this_machine_is_told_without_its_path():
    found = checkup.setting_findings({"MLFLOW_TRACKING_URI": "sqlite:////home/me/mlflow.db"})
    assert [one.told for one in found][1] == "sqlite: of this machine (MLFLOW_TRACKING_URI)"


@pytest.mark.parametrize("missing", ["ZENML_STORE_URL", "MLFLOW_TRACKING_PASSWORD"])
def test_settings_that_are_half_there_are_wrong(missing):
    settings = {name: value for name, value in SERVERS.items() if name != missing}
    wrong = [one for one in checkup.setting_findings(settings) if one.state is State.WRONG]
    assert [missing in one.told and SECRET not in one.told for one in wrong] == [True]


@pytest.mark.parametrize("value", [SECRET, f"https://[{SECRET}", f"http://host:{SECRET}"])
def test_what_is_no_url_is_wrong_and_not_shown(value):
    server, *_ = checkup.setting_findings({"ZENML_STORE_URL": value})
    assert server.state is State.WRONG
    assert SECRET not in server.told


def test_versions_that_the_lock_does_not_have_are_noted(tmp_path):
    (tmp_path / "requirements.lock").write_text("numpy==0.1\n")
    (lock,) = checkup.lock_findings(root=tmp_path)
    assert lock.state is State.NOTE
    assert "not 0.1" in lock.told


def test_code_without_its_lock_is_noted(tmp_path):
    (lock,) = checkup.lock_findings(root=tmp_path)
    assert lock.state is State.NOTE


def test_the_bill_lists_packages_of_python_and_of_debian_that_are_there(tmp_path):
    status = tmp_path / "status"
    status.write_text(
        "Package: tini\nStatus: install ok installed\nArchitecture: amd64\n"
        "Version: 0.19.0-1+b3\nDescription: init\n Version: not this\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n"
    )
    bill = installed_bill(dpkg_status=status)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    purls = {part["purl"] for part in bill["components"]}
    assert "pkg:deb/debian/tini@0.19.0-1%2Bb3?arch=amd64" in purls
    assert any(purl.startswith("pkg:pypi/numpy@") for purl in purls)
    assert not any("gone" in purl for purl in purls)


def test_the_bill_is_printed_alone():
    outcome = shazam_here("doctor", "--sbom")
    assert json.loads(outcome.out)["bomFormat"] == "CycloneDX"


@pytest.mark.parametrize("name", ["torch", "timm.layers", "psycopg"])
def test_a_command_that_lacks_a_package_of_an_extra_says_which(name, monkeypatch, capsys):
    def refuse(*_, **__):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(main.commands, "config_show", refuse)
    monkeypatch.setattr(sys, "argv", ["shazam", "config", "show", "-c", "some.yaml"])
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert caught.value.code == 45
    package = name.split(".")[0]
    assert f"error: {package} is not installed; pip install" in capsys.readouterr().err


def test_any_other_module_that_is_missing_is_a_defect_and_stays_one(monkeypatch):
    def refuse(*_, **__):
        raise ModuleNotFoundError(name="shazam.nowhere")

    monkeypatch.setattr(main.commands, "config_show", refuse)
    monkeypatch.setattr(sys, "argv", ["shazam", "config", "show", "-c", "some.yaml"])
    with pytest.raises(ModuleNotFoundError):
        main.main()
