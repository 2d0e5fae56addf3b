"""The demo on a cluster: our manifests, ZenML's own orchestrator, a server, pods as processes."""

from __future__ import annotations

import base64
import copy
import json
import os
import re
import shutil
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from shazam.stages import SOURCE_ROOT
from tests.command import Outcome, Running, as_in_image, settings, shazam
from tests.fake_cluster import FakeCluster, Manifest, fake_cluster
from tests.k8s.manifests import needs_kubectl, rendered
from tests.zenml_server import ZenmlServer, zenml_server

# each pod starts a Python of its own, one after the other
pytestmark = [needs_kubectl, pytest.mark.integration, pytest.mark.timeout(1500)]

DEMO = SOURCE_ROOT / "configs" / "k8s.demo.yaml"
_LONGEST_S = 1200
IMAGE = "registry.example/shazam@sha256:" + "a" * 64
JOBS = "/apis/batch/v1/namespaces/shazam/jobs"
# of the page, beside the key of the server
SECRETS = {
    "shazam-mlflow": {
        "MLFLOW_TRACKING_USERNAME": "hunter2-n",
        "MLFLOW_TRACKING_PASSWORD": "hunter2-m",
    },
    "shazam-object-store": {"AWS_ACCESS_KEY_ID": "hunter2-k", "AWS_SECRET_ACCESS_KEY": "hunter2-s"},
}
SETTINGS = SOURCE_ROOT / "k8s" / "base" / "settings.yaml"
CLIENT = str(yaml.safe_load(SETTINGS.read_text())["data"]["ZENML_USER_ID"])
ASKED = [
    "demo.n_cases=24",
    "demo.n_extra_slides=3",
    "demo.n_sites=6",
    "demo.signal=2",
    "tiling.tile_um=112",
    "training.max_epochs=2",
    "arms.baselines=[mean_pool]",
    "arms.joint=[]",
    "arms.students=[]",
    "arms.canary_permutations=10",
    "evaluation.bootstrap=100",
    "acceptance.candidate=mean_pool.efficientnet_lite0",
    "acceptance.compared_to=mean_pool.efficientnet_lite1",
    "acceptance.candidate_canary=left_out",
    "acceptance.margin=0.9",
    "acceptance.min_events=1",
    "acceptance.canary_max_standard_errors=5",
]
QUICK = settings(ASKED)


@dataclass(frozen=True, slots=True)
class Site:
    """A cluster with a ZenML server, and what a client of it sets."""

    cluster: FakeCluster
    server: ZenmlServer

    @property
    def workspace(self) -> Path:
        return self.cluster.workspace

    def settings(self) -> list[str]:
        """Return what stands in the image of a real pod, and one process at a time."""
        env = {
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.workspace / 'mlflow.db'}",
            "PYTHONPATH": as_in_image(SOURCE_ROOT),
            "ZENML_CUSTOM_SOURCE_ROOT": str(SOURCE_ROOT),
        }
        one = [f"cluster.image={IMAGE}", "cluster.claims=[]", "cluster.secrets=[]"]
        one += [f"cluster.env={json.dumps(env)}", "cluster.max_parallel_steps=1"]
        return settings([*one, "extraction.shards=1", "extraction.grouping=together"])

    def start(self, *arguments: str | Path, account: str = "shazam-submit") -> Running:
        environment = {
            **self.server.environment(),
            "KUBECONFIG": str(self.cluster.kubeconfig(account)),
            # each command begins with an empty home, as each pod of k8s/run does
            "ZENML_CONFIG_PATH": tempfile.mkdtemp(prefix="home-", dir=self.cluster.folder),
            "ZENML_USER_ID": CLIENT,
        }
        words = (*arguments, "-w", self.workspace)
        return Running(words, folder=None, environment=environment)

    def shazam(self, *arguments: str | Path, account: str = "shazam-submit") -> Outcome:
        return self.start(*arguments, account=account).wait(within_s=_LONGEST_S)

    def demo(self) -> Outcome:
        return self.shazam(*self.words())

    def words(self) -> list[str | Path]:
        return ["demo", "-c", DEMO, *QUICK, *self.settings()]

    def register(self, folder: Path) -> Outcome:
        """Register the stack that a file of this site describes."""
        folder.mkdir(exist_ok=True)
        stack = {
            "name": "shazam",
            "context": "c",
            "registry": "registry.example",
            "artifact_store": str(self.workspace / "zenml-artifacts"),
        }
        (folder / "stack.yaml").write_text(yaml.safe_dump(stack))
        return self.shazam("stack", "register", "--overlay", folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[ZenmlServer]:
    with zenml_server(tmp_path_factory.mktemp("zenml") / "server") as server:
        yield server


@pytest.fixture(scope="module")
def site(server, tmp_path_factory) -> Iterator[Site]:
    with fake_cluster(rendered("overlays/gpu")) as cluster:
        made = Site(cluster, server)
        outcome = made.register(tmp_path_factory.mktemp("overlay"))
        assert outcome.code == 0, outcome.text
        yield made


@dataclass
class Killed:
    """The first pod of the extraction, ended in the midst of its work; files that it had made."""

    pod: str = ""
    files: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Green:
    """How the demo ended; what happened on its way; the steps for which jobs were made."""

    outcome: Outcome
    lost_code: int
    killed: Killed
    steps: tuple[str, ...]


@pytest.fixture(scope="module")
def green(site) -> Green:
    """The demo, submitted again after a loss.

    The first pod of the extraction is ended by SIGTERM, and with it goes who submitted the run.
    """
    killed = Killed()
    submitter = site.start(*site.words())
    watch = threading.Thread(
        target=end_extraction, args=(site.cluster, killed, submitter), daemon=True
    )
    watch.start()
    lost = submitter.wait(within_s=_LONGEST_S)
    outcome = site.demo()
    watch.join(timeout=1)
    return Green(outcome, lost.code, killed, tuple(map(step_of, site.cluster.made("jobs"))))


def end_extraction(cluster: FakeCluster, killed: Killed, submitter: Running) -> None:
    deadline = time.monotonic() + _LONGEST_S
    while time.monotonic() < deadline:
        files = feature_files(cluster.workspace)
        pods = cluster.pods("extract")
        if len(files) >= 4 and pods and (pid := cluster.process_of(pods[0])):
            killed.pod, killed.files = pods[0], files
            submitter.stop(signal.SIGKILL)
            os.kill(pid, signal.SIGTERM)
            return
        time.sleep(0.05)


def feature_files(workspace: Path) -> tuple[tuple[str, int], ...]:
    return tuple(
        sorted(
            (path.relative_to(workspace).as_posix(), path.stat().st_ino)
            for path in workspace.glob("features/*/*/[!.]*.h5")  # whole ones
        )
    )


def test_the_run_is_green_and_gives_what_a_laptop_gives(site, green, tmp_path):
    outcome = green.outcome
    # each workspace makes the key of its pseudonyms, which stand in bundles, itself
    shutil.copytree(site.workspace / "secrets", tmp_path / "ws" / "secrets")
    together = settings(["extraction.grouping=together"])
    here = shazam("demo", "-w", tmp_path / "ws", *QUICK, *together)
    assert outcome.code == here.code == 0, outcome.text + here.text
    assert Path(outcome.last_line).parent.name == Path(here.last_line).parent.name
    assert bundle(outcome) == bundle(here)


def bundle(outcome: Outcome) -> str:
    registration = json.loads((Path(outcome.last_line).parent / "registration.json").read_bytes())
    return str(registration["bundle_sha256"])


def test_a_pod_that_is_ended_goes_on_in_its_successor(site, green):
    killed = green.killed
    pods = site.cluster.pods("extract")  # by name, which says nothing of their order
    assert killed.pod in pods
    assert len(pods) == 2
    assert len(killed.files) >= 4
    assert set(killed.files) <= set(feature_files(site.workspace))  # none was made again


def test_a_run_whose_submitter_is_lost_is_followed(green):
    assert green.lost_code == -signal.SIGKILL
    assert "the same is under way, and is followed" in green.outcome.err
    assert len(green.steps) == len(set(green.steps))  # each was started once
    assert {"orchestrator", "extract_all", "register"} <= set(green.steps)


def jobs(site: Site) -> dict[str, Manifest]:
    """Return the pod of each step by its name, and that of the orchestrator."""
    return {step_of(job): job for job in site.cluster.made("jobs")}


def step_of(job: Manifest) -> str:
    annotations = job["metadata"].get("annotations") or {}
    return next((v for k, v in annotations.items() if "step" in k), "orchestrator")


def test_the_api_took_restricted_pods_with_gpus_where_they_are_needed(site, green):
    found = jobs(site)
    assert {"ingest", "validate", "tile", "extract_all", "evaluate", "register"} <= found.keys()
    asking = set()
    for name, job in found.items():
        pod = job["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert container["image"] == IMAGE
        account = "shazam-orchestrator" if name == "orchestrator" else "shazam-step"
        assert pod["serviceAccountName"] == account
        assert pod["automountServiceAccountToken"] is (name == "orchestrator")
        assert container["securityContext"]["readOnlyRootFilesystem"]
        if "nvidia.com/gpu" in container["resources"]["limits"]:
            asking.add(name)
    assert asking == {"extract_all", "train_mean_pool_efficientnet_lite0"} | {
        "train_mean_pool_efficientnet_lite1"
    }


def test_no_secret_stands_in_a_manifest_or_a_log(site, green):
    secrets = [
        base64.b64decode(value).decode()
        for one in site.cluster.made("secrets")
        for value in one["data"].values()
    ]
    assert secrets
    manifests = json.dumps(site.cluster.made("jobs") + site.cluster.made("cronjobs"))
    for secret in (*secrets, site.server.api_key):
        assert secret not in manifests
        assert secret not in site.cluster.logs()
        assert secret not in green.outcome.text


def test_the_job_of_k8s_run_starts_no_pod_for_steps_that_have_not_changed(site, green):
    secrets = {**SECRETS, "shazam-zenml": {"ZENML_STORE_API_KEY": site.server.api_key}}
    for name, values in secrets.items():
        secret = {"metadata": {"name": name, "namespace": "shazam"}}
        data = {key: base64.b64encode(text.encode()).decode() for key, text in values.items()}
        site.cluster.create("/api/v1/namespaces/shazam/secrets", {**secret, "data": data})
    before = len(site.cluster.made("jobs"))
    (job,) = [one for one in rendered("run") if one["kind"] == "Job"]
    site.cluster.create(JOBS, in_process(job, site))
    wait_for(lambda: "conditions" in status_of_run(site), within_s=240)
    (pod,) = site.cluster.pods("shazam-run-")
    told = site.cluster.log(pod)
    assert status_of_run(site).get("succeeded") == 1, told
    assert told.splitlines()[-1] == green.outcome.last_line
    assert not [text for one in secrets.values() for text in one.values() if text in told]
    started = [step_of(job) for job in site.cluster.made("jobs")[before + 1 :]]
    assert sorted(started) == ["orchestrator", "register", "validate"]


def status_of_run(site: Site) -> Manifest:
    return dict(site.cluster.answered(f"{JOBS}/shazam-run")["status"])


def in_process(job: Manifest, site: Site) -> Manifest:
    """Return the job of k8s/run with what an image and a kubelet add, and this site's settings.

    The settings are those of the ConfigMap, and the config's as a ConfigMap could hold them, too.
    """
    data = yaml.safe_load(SETTINGS.read_text())["data"]
    asked = [text for text in (*QUICK, *site.settings()) if text != "--set"]
    settings_of_config = {
        f"SHAZAM__{key.upper().replace('.', '__')}": value
        for key, _, value in (text.partition("=") for text in asked)
    }
    environment = {
        **data,
        **settings_of_config,
        "ZENML_STORE_URL": site.server.url,
        "MLFLOW_TRACKING_URI": f"sqlite:///{site.workspace / 'mlflow.db'}",
        "SHAZAM_RUN_CONFIG": str(DEMO),
        "HOME": "/home/shazam",
        "PYTHONPATH": as_in_image(SOURCE_ROOT),
        "ZENML_CUSTOM_SOURCE_ROOT": str(SOURCE_ROOT),
    }
    made = copy.deepcopy(dict(job))
    made["spec"]["backoffLimit"] = 0  # told at once
    pod = made["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    del container["envFrom"]
    container["image"] = IMAGE
    own = [one for one in container["env"] if one["name"] not in environment]
    there = [one for one in own if not reads(one).get("optional")]
    container["env"] = [{"name": name, "value": text} for name, text in environment.items()]
    container["env"] += there
    for mount in container["volumeMounts"]:
        mount["mountPath"] = mount["mountPath"].replace("/workspace", str(site.workspace))
    container["args"] = [
        re.sub(r"\$\((\w+)\)", lambda found: environment[found[1]], word).replace(
            "/workspace", str(site.workspace)
        )
        for word in container["args"]
    ]
    return made


def reads(variable: Manifest) -> Manifest:
    """Return which key of which Secret a variable has its value from."""
    found: Manifest = variable.get("valueFrom", {}).get("secretKeyRef", {})
    return found


@pytest.mark.parametrize("harm", ["key", "address"])
def test_a_server_that_refuses_or_is_nowhere_is_told(site, green, tmp_path, harm):
    key = f"{site.server.api_key[:-8]}AAAAAAAA"
    server = (
        ZenmlServer(site.server.url, key)
        if harm == "key"
        else ZenmlServer("http://127.0.0.1:9", site.server.api_key)
    )
    outcome = Site(site.cluster, server).register(tmp_path)
    assert outcome.code == 1, outcome.text
    assert "look at ZENML_STORE_URL and ZENML_STORE_API_KEY" in outcome.err
    assert "Traceback" not in outcome.err


def test_registering_the_stack_again_changes_nothing(site, green, tmp_path):
    outcome = site.register(tmp_path)
    assert outcome.code == 0, outcome.text
    assert len(outcome.out.splitlines()) == 5
    assert all(line.endswith(": unchanged") for line in outcome.out.splitlines())


def test_a_schedule_that_finds_nothing_new_ends_well_and_registers_nothing(site, green):
    asked = (*settings([text for text in ASKED if not text.startswith("demo.")]), *site.settings())
    config = site.workspace / "scheduled.yaml"
    config.write_text(scheduled_config(site))
    create = ("schedule", "create", "weekly", "-c", config, "--cron", "15 2 * * 1", *asked)
    made = site.shazam(*create)
    assert made.code == 0, made.text
    assert made.out.startswith("weekly: 15 2 * * 1, next at ")
    again = site.shazam(
        "schedule", "create", "weekly", "-c", config, "--cron", "15 2 * * 1", *asked
    )
    assert again.code == 45
    assert "'weekly': is there" in again.err
    (cron_job,) = site.cluster.made("cronjobs")
    spec = cron_job["spec"]
    assert (spec["schedule"], spec["concurrencyPolicy"]) == ("15 2 * * 1", "Forbid")
    assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (3, 3)

    before = versions(site)
    start_now(site, cron_job)
    wait_for(lambda: "Step `retrain` has finished" in site.cluster.logs(), within_s=240)
    (pod,) = site.cluster.pods("-retrain-")
    assert '"retrain": false' in site.cluster.log(pod)
    assert '"nothing is new"' in site.cluster.log(pod)
    assert versions(site) == before

    assert site.shazam("schedule", "pause", "weekly").code == 0
    assert "weekly: 15 2 * * 1, paused" in site.shazam("schedule", "list").out
    assert site.shazam("schedule", "resume", "weekly").code == 0
    assert "next at" in site.shazam("schedule", "list").out
    assert site.shazam("schedule", "delete", "weekly").code == 0
    assert site.shazam("schedule", "list").out == ""
    assert site.shazam("schedule", "pause", "weekly").code == 45


def scheduled_config(site: Site) -> str:
    """Return the config of the demo as one of a cohort that is there."""
    tree = yaml.safe_load(DEMO.read_text())
    del tree["demo"]
    for section in ("acceptance", "cluster"):
        tree[section] = yaml.safe_load((DEMO.parent / tree[section]).read_text())
    (folder,) = (site.workspace / "demo").iterdir()
    sources = {"table": str(folder / "cohort.csv"), "slides_dir": str(folder / "slides")}
    return yaml.safe_dump({**tree, "cohort": {**tree["cohort"], **sources}})


def start_now(site: Site, cron_job: Manifest) -> None:
    """Do what the clock of a cluster does."""
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "weekly-1", "namespace": "shazam"},
        "spec": cron_job["spec"]["jobTemplate"]["spec"],
    }
    site.cluster.create(JOBS, job)


def versions(site: Site) -> int:
    with closing(sqlite3.connect(site.workspace / "mlflow.db")) as database:
        return int(database.execute("select count(*) from model_versions").fetchone()[0])


def wait_for(reached: Callable[[], bool], *, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.5)


@pytest.mark.parametrize(
    ("role", "resource", "verb"),
    [("shazam-submit", "jobs", "create"), ("shazam-orchestrator", "jobs", "create")],
)
def test_without_a_right_the_run_is_refused(server, site, green, tmp_path, role, resource, verb):
    with fake_cluster(without(rendered("overlays/gpu"), role, resource, verb)) as cluster:
        poor = Site(cluster, server)
        poor.register(tmp_path)
        outcome = poor.demo()
    assert outcome.code == 1, outcome.text
    if role == "shazam-submit":
        assert "forbidden" in outcome.err
    assert "Traceback" not in outcome.err


def without(
    manifests: tuple[Manifest, ...], role: str, resource: str, verb: str
) -> tuple[Manifest, ...]:
    found = copy.deepcopy(manifests)
    (own,) = (one for one in found if one["kind"] == "Role" and one["metadata"]["name"] == role)
    (rule,) = (rule for rule in own["rules"] if resource in rule["resources"])
    rule["verbs"].remove(verb)
    return found
