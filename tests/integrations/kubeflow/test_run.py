"""A run on Kubeflow: each compiled command as a process, in order, with a ZenML server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from shazam.stages import SOURCE_ROOT
from tests.command import Outcome, as_in_image, settings, shazam
from tests.imported import QUICK, make
from tests.integrations.kubeflow.compiling import STACK
from tests.integrations.kubeflow.fake_client import FOLDER, RUNS
from tests.integrations.kubeflow.tasks import read_tasks
from tests.test_plan import FEW_STEPS
from tests.zenml_server import ZenmlServer, zenml_server

pytest.importorskip("kfp", reason="kfp is not installed; pip install 'shazam[kubeflow]'")
pytestmark = pytest.mark.integration

IMAGE = "registry.example/shazam@sha256:" + "a" * 64
PSEUDONYMS = "secrets/pseudonym.key"
KEY = {"variable": "ZENML_STORE_API_KEY", "secret": "shazam-zenml", "key": "ZENML_STORE_API_KEY"}


@dataclass(frozen=True)
class Site:
    """A config, a server that its runs are kept by, and the folder of the fake Kubeflow."""

    config: Path
    server: ZenmlServer
    kept: Path

    @property
    def workspace(self) -> Path:
        return self.config.parent / "kubeflow"

    def register(self) -> Outcome:
        overlay = self.config.parent / "overlay"
        overlay.mkdir(exist_ok=True)
        stack = {**STACK, "artifact_store": str(self.workspace / "zenml-artifacts")}
        (overlay / "stack.yaml").write_text(yaml.safe_dump(stack))
        words = ("stack", "register", "--overlay", overlay, "-w", self.workspace)
        return shazam(*words, environment=self.server.environment())

    def run(self, *more: str) -> Outcome:
        """Run as a client would, with a fake Kubeflow behind it."""
        env = {"MLFLOW_TRACKING_URI": f"sqlite:///{self.workspace / 'mlflow.db'}"}
        section = {"stack": STACK["name"], "image": IMAGE, "env": env, "secrets": [KEY]}
        of_cluster = settings([f"cluster.{k}={json.dumps(v)}" for k, v in section.items()])
        words = ("run", "-c", self.config, "-w", self.workspace, *QUICK, *FEW_STEPS)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ZENML_", "SHAZAM"))}
        fake = {FOLDER: str(self.kept), RUNS: "1", "PYTHONPATH": as_in_image(*sys.path)}
        command = [sys.executable, "-m", "tests.integrations.kubeflow.submitting"]
        done = subprocess.run(
            [*command, *map(str, words), *of_cluster, *more],
            env={**kept, **self.server.environment(), **fake},
            cwd=SOURCE_ROOT,
            capture_output=True,
            text=True,
            timeout=550,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def pipelines(self) -> list[Path]:
        return sorted(self.kept.glob("*.yaml"))


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    if not (os.access("/app", os.W_OK) or os.access("/", os.W_OK)):
        pytest.skip("ZenML's command makes and enters /app, which this user may not")
    folder = tmp_path_factory.mktemp("kubeflow")
    with zenml_server(folder / "server") as server:
        secret = folder / "kept" / "secrets" / KEY["secret"]
        secret.mkdir(parents=True)
        (secret / KEY["key"]).write_text(server.api_key)
        made = Site(make(folder / "my"), server, folder / "kept")
        outcome = made.register()
        assert outcome.code == 0, outcome.text
        yield made


@pytest.fixture(scope="module")
def green(site) -> Outcome:
    outcome = site.run()
    assert outcome.code == 0, outcome.text
    return outcome


def bundle(outcome: Outcome) -> str:
    registration = json.loads((Path(outcome.last_line).parent / "registration.json").read_bytes())
    return str(registration["bundle_sha256"])


def test_the_compiled_commands_give_what_a_local_run_gives(site, green):
    there, workspace = site.workspace / PSEUDONYMS, site.config.parent / "here"
    (workspace / PSEUDONYMS).parent.mkdir(parents=True)
    shutil.copy(there, workspace / PSEUDONYMS)  # the names in a bundle are each workspace's own
    here = shazam("run", "-c", site.config, "-w", workspace, *QUICK, *FEW_STEPS)
    assert here.code == 0, here.text
    assert Path(green.last_line).parent.name == Path(here.last_line).parent.name
    assert bundle(here) == bundle(green)


def test_each_task_ran_and_no_secret_is_in_the_pipeline_or_a_log(site, green):
    (path,) = site.pipelines()
    logs = {file.name: file.read_text() for file in (site.kept / "logs").iterdir()}
    assert set(logs) == set(read_tasks(path.read_text()))
    for text in (path.read_text(), green.text, *logs.values()):
        assert site.server.api_key not in text
        assert "ZENML_STORE_API_TOKEN" not in text


def test_without_its_key_in_a_secret_a_run_is_refused_before_it_is_submitted(site, green):
    outcome = site.run("--set", "cluster.secrets=[]", "--set", "training.seeds=[7]")
    assert outcome.code == 45, outcome.text
    assert "cluster.secrets: lacks ZENML_STORE_API_KEY" in outcome.text
    assert len(site.pipelines()) == 1


def test_registering_the_stack_again_changes_nothing(site, green):
    again = site.register()
    assert again.code == 0, again.text
    assert {line.rpartition(": ")[2] for line in again.out.splitlines()} == {"unchanged"}
    assert "flavor shazam_kubeflow: unchanged" in again.out
