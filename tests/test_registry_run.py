"""From a run to a champion that an outsider can check: the commands that people type."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from unittest.mock import patch

import pytest
import yaml

from shazam.digest import digest_of_file
from shazam.errors import ArtifactError, LedgerError, RefusedError, SignatureError
from shazam.integrations.mlflow import load_champion
from shazam.workspace import Workspace
from tests.command import Outcome, shazam, shazam_here
from tests.test_champion_run import OLD, SMALL, TEST, Home, cohort

pytestmark = pytest.mark.integration  # a whole run, and a server of models

PASSPHRASE = "four words are enough"
WHY = ("--reason", "as the procedure asks")
MODEL = "my_features"
PEOPLE = {"ann": ["clinical", "quality"], "ben": ["quality"], "cem": ["engineering"]}


def known_cohort(folder: Path, names: list[str]) -> Path:
    """A cohort whose imported features say which weights made them."""
    file = cohort(folder, names)
    config = yaml.safe_load(file.read_text())
    claims = {"revision": "1" * 40, "weights_sha256": "2" * 64}
    config["imports"]["teachers"][0].update(claims)
    file.write_text(yaml.safe_dump(config))
    return file


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    root = tmp_path_factory.mktemp("registry")
    outcome = shazam("run", "-c", known_cohort(root / "old", OLD), "-w", root / "ws", *SMALL)
    assert outcome.code == 0, outcome.text
    run = Path(outcome.last_line).parent
    registration = json.loads((run / "registration.json").read_text())
    return Home(root, run, registration["bundle_sha256"])


class Lab:
    """Keys, a policy, and commands with them."""

    def __init__(self, home: Home) -> None:
        self.home, self.keys = home, home.root / "keys"
        self.trust = home.root / "trust.json"
        self.roots: list[str] = []

    def registry(self, *arguments: str | Path) -> Outcome:
        with patch("typer.prompt", return_value=PASSPHRASE):
            return shazam_here("registry", *arguments, *self.where)

    @property
    def where(self) -> tuple[str | Path, ...]:
        return ("-w", self.home.workspace, "--trust", self.trust)

    def key(self, name: str, *more: str) -> str:
        with patch("typer.prompt", return_value=PASSPHRASE):
            made = shazam_here("registry", "key", self.keys / name, *more)
        assert made.code == 0, made.text
        self.roots += [made.err.split()[-1]] if name.startswith("root") else []
        return made.out

    def signed(self, name: str, *arguments: str | Path) -> Outcome:
        return self.registry(*arguments, "--key", self.keys / name, *WHY)

    def begin(self) -> Lab:
        self.keys.mkdir()
        policy = {
            "name": "lab",
            "kind": "production",
            "roots": [
                {"id": name, "name": name, "keys": [self.key(name)]}
                for name in ("root-a", "root-b", "root-c")
            ],
            "people": [
                {"id": name, "name": name.title(), "keys": [self.key(name)], "roles": roles}
                for name, roles in PEOPLE.items()
            ],
            "services": [
                {"id": name, "name": name, "keys": [self.key(name, "--service")], "role": name}
                for name in ("training", "evaluation")
            ],
        }
        file = self.home.root / "policy.yaml"
        file.write_text(yaml.safe_dump(policy))
        both = ("--key", self.keys / "root-a", "--key", self.keys / "root-b")
        begun = self.registry("init", file, *both, *WHY)
        assert begun.code == 0, begun.text
        return self

    def proposal(self, made: Outcome) -> str:
        assert made.code == 0, made.text
        return made.out.splitlines()[0].split()[-1]


@pytest.fixture(scope="module")
def lab(home) -> Lab:
    return Lab(home).begin()


@pytest.fixture(scope="module")
def proposal(lab) -> str:
    return lab.proposal(lab.signed("training", "propose", lab.home.run.name[:12]))


@pytest.fixture(scope="module")
def measured(lab, proposal) -> Outcome:
    config = known_cohort(lab.home.root / "test", TEST)
    added = shazam_here("locked", "add", "external", "-c", config, "-w", lab.home.workspace)
    assert added.code == 0, added.text
    asked = ("--release", "1.0", "--bundle", lab.home.bundle)
    outcome = lab.home.measure(config, "external", *asked)
    assert outcome.code == 0, outcome.text
    return outcome


@pytest.fixture(scope="module")
def champion(lab, proposal, measured) -> Outcome:
    recorded = lab.signed("evaluation", "gates", proposal[:12])
    assert recorded.code == 0, recorded.text
    early = lab.signed("ben", "promote", proposal[:12])
    assert early.code == 5, early.text
    assert "no verdict on a locked cohort" in early.err
    locked = lab.signed("evaluation", "gates", proposal[:12], "--locked", "external")
    assert locked.code == 0, locked.text
    for person in ("ann", "ben"):
        role = ("--role", "clinical") if person == "ann" else ()
        approved = lab.signed(person, "approve", proposal[:12], *role)
        assert approved.code == 0, approved.text
        assert "2 verdict(s) made again here: as recorded" in approved.out
    outcome = lab.signed("ben", "promote", proposal[:12])
    assert outcome.code == 0, outcome.text
    return outcome


def opened(lab: Lab):
    return load_champion(
        MODEL, workspace=Workspace(lab.home.workspace), trust=lab.trust, ledger=None
    )


def test_a_persons_key_without_passphrase_signs_nothing(lab, proposal, tmp_path):
    from shazam.promotion.signing.key_files import read_private_key, write_private_key

    bare = tmp_path / "bare"
    own = read_private_key(lab.keys / "ann", passphrase=PASSPHRASE)
    write_private_key(bare, own, passphrase=None)
    for what in ("approve", "reject", "promote"):
        refused = lab.registry(what, proposal[:12], "--key", bare, "--role", "clinical", *WHY)
        assert refused.code == 45, refused.text
        assert "a person's key is protected by a passphrase" in refused.err


def test_a_champion_is_promoted_and_loaded(lab, champion):
    found = opened(lab)
    assert found.bundle.sha256 == lab.home.bundle
    assert f"entry {found.seq} (commit) by Ben" in champion.out


def test_promoting_again_changes_nothing(lab, proposal, champion):
    assert lab.signed("ben", "promote", proposal[:12]).out == champion.out


def test_what_the_registry_says(lab, proposal, champion):
    listed = json.loads(lab.registry("list", "--json").out)
    assert listed["models"][MODEL]["champion"]["bundle"] == lab.home.bundle
    shown = lab.registry("show", proposal[:12]).out
    assert "approved by Ann (clinical)" in shown
    assert "verdict locked: all gates passed" in shown
    log = lab.registry("log").out.splitlines()
    assert [line.split()[3] for line in log] == [
        *("policy", "propose", "gates", "gates", "approve", "approve", "intent", "commit")
    ]


def test_verification_finds_nothing_and_an_alias_that_moved(lab, champion):
    sound = lab.registry("verify")
    assert sound.code == 0, sound.text
    assert "the model store is as the ledger says" in sound.out
    from shazam.integrations.mlflow import MlflowModelStore

    store = MlflowModelStore.of(Workspace(lab.home.workspace))
    store.point(MODEL, alias="champion", version=None)
    moved = lab.registry("verify", "--json")
    assert moved.code == 5
    assert "'champion' points at nothing" in json.loads(moved.out)["findings"][0]["what"]
    with pytest.raises(RefusedError, match="points at nothing"):
        opened(lab)
    right = lab.registry("reconcile", "--key", lab.keys / "ben", *WHY)
    assert "put right: my_features: champion -> 1" in right.out, right.text
    assert lab.registry("verify").code == 0


def test_the_trace_has_no_gap(lab, champion):
    traced = lab.registry("trace", MODEL)
    assert traced.code == 0, traced.text
    for what in ("run: ", "git commit: ", "cohort: ", "teacher uni_v2: ", "approval, entry "):
        assert what in traced.out


def test_a_dossier_is_the_same_each_time_and_checks_itself(lab, champion, tmp_path):
    first, second = tmp_path / "one.zip", tmp_path / "two.zip"
    for target in (first, second):
        written = lab.registry("export", MODEL, target)
        assert written.code == 0, written.text
    assert digest_of_file(first) == digest_of_file(second)
    with zipfile.ZipFile(first) as archive:
        archive.extractall(tmp_path / "dossier")
        names = archive.namelist()
    text = b"".join((tmp_path / "dossier" / name).read_bytes() for name in names)
    assert not [case for case in OLD if f'"{case}"'.encode() in text]
    checked = outside(tmp_path / "dossier", *lab.roots)
    assert checked.returncode == 0, checked.stderr
    assert "8 entries hold" in checked.stdout
    assert "Ann (clinical)" in checked.stdout


def outside(folder: Path, *roots: str) -> subprocess.CompletedProcess[str]:
    """Run the verifier as an outsider does: without this project, and with sockets blocked."""
    blocked = (
        "import runpy, socket, sys\n"
        "def refuse(*_, **__): raise OSError('blocked')\n"
        "socket.socket = socket.create_connection = refuse\n"
        f"sys.argv = ['verify', {str(folder)!r}, *{list(roots)!r}]\n"
        f"runpy.run_path({str(folder / 'verify_dossier.py')!r}, run_name='__main__')\n"
    )
    arguments = [sys.executable, "-I", "-c", blocked]
    return subprocess.run(arguments, capture_output=True, text=True, cwd=folder, check=False)


@pytest.fixture
def dossier(lab, champion, tmp_path) -> Path:
    lab.registry("export", MODEL, tmp_path / "d.zip")
    with zipfile.ZipFile(tmp_path / "d.zip") as archive:
        archive.extractall(tmp_path / "d")
    return tmp_path / "d"


def test_an_outsider_refuses_other_roots_and_altered_files(lab, dossier):
    assert "other roots than you trust" in outside(dossier, "0" * 64, "1" * 64).stderr
    ledger = dossier / "ledger.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join([*lines[:4], *lines[5:]]))
    assert "entry 5: does not follow" in outside(dossier, *lab.roots).stderr
    ledger.write_bytes(b"".join(lines[:-1]))
    assert "is not the champion" in outside(dossier, *lab.roots).stderr
    ledger.write_bytes(b"".join(lines))
    (dossier / "bundle/metrics.json").write_bytes(b"{}")
    assert "metrics.json was altered" in outside(dossier, *lab.roots).stderr
    (dossier / "bundle/.git").mkdir()
    (dossier / "bundle/.git/config").write_bytes(b"")
    assert ".git/config" in outside(dossier, *lab.roots).stderr


def test_a_restored_ledger_and_a_missing_trust_file_are_refused(lab, champion, tmp_path):
    trust = tmp_path / "absent.json"
    with pytest.raises(LedgerError, match="no trust file"):
        load_champion(MODEL, workspace=Workspace(lab.home.workspace), trust=trust, ledger=None)
    database = lab.home.workspace / "ledger.db"
    kept = database.read_bytes()
    try:
        database.unlink()
        shutil.copy(lab.trust, tmp_path / "trust.json")
        fresh = Lab.__new__(Lab)
        fresh.home, fresh.keys, fresh.trust = lab.home, lab.keys, tmp_path / "new-trust.json"
        fresh.roots = []
        both = ("--key", lab.keys / "root-a", "--key", lab.keys / "root-b")
        assert fresh.registry("init", lab.home.root / "policy.yaml", *both, *WHY).code == 0
        with pytest.raises(LedgerError, match="another ledger"):
            opened(lab)
    finally:
        database.write_bytes(kept)
    assert opened(lab).bundle.sha256 == lab.home.bundle


def test_a_changed_byte_anywhere_in_the_champion_is_refused(lab, champion):
    folder = lab.home.workspace / "bundles" / lab.home.bundle
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        content = path.read_bytes()
        changed = bytearray(content)
        changed[len(changed) // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(changed)
        try:
            with pytest.raises((ArtifactError, SignatureError)):
                opened(lab)
        finally:
            path.write_bytes(content)


def test_a_bundle_is_verified_by_its_signature_alone(lab, champion, tmp_path):
    from shazam.promotion.signing.key_files import read_private_key

    folder = lab.home.workspace / "bundles" / lab.home.bundle
    keys = {}
    for name in ("training", "evaluation"):
        public = read_private_key(lab.keys / name, passphrase=None).public
        keys[name] = tmp_path / f"{name}.pub"
        keys[name].write_text(public.pem)
    good = shazam_here("registry", "verify-bundle", folder, "--public-key", keys["training"])
    assert good.code == 0, good.text
    assert lab.home.bundle in good.out
    other = shazam_here("registry", "verify-bundle", folder, "--public-key", keys["evaluation"])
    assert other.code == 5
    assert "not among those given" in other.err


def test_a_champion_is_fetched_with_its_signature(lab, champion, tmp_path):
    elsewhere = Workspace(tmp_path / "ws")
    store = f"sqlite:///{lab.home.workspace / 'mlflow.db'}"
    ledger = f"sqlite:///{lab.home.workspace.resolve() / 'ledger.db'}"
    with patch.dict("os.environ", {"MLFLOW_TRACKING_URI": store}):
        found = load_champion(MODEL, workspace=elsewhere, trust=lab.trust, ledger=ledger)
    assert (found.bundle.folder / "bundle.sig").is_file()
    assert found.bundle.folder.is_relative_to(tmp_path / "ws")


def test_false_numbers_are_not_approved(lab, champion, tmp_path):
    """A bundle whose metrics are better than its predictions is refused by every approver."""
    from shazam.promotion.evidence import recompute

    folder = tmp_path / "bundle"
    shutil.copytree(lab.home.workspace / "bundles" / lab.home.bundle, folder)
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["arms"][0]["metrics"][0]["value"] += 0.01
    (folder / "metrics.json").chmod(0o644)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(RefusedError, check=lambda error: error.reason == "differs"):
        recompute(folder)


def test_a_pipeline_proposes_records_and_makes_the_challenger(lab, champion):
    """With keys of services alone: proposed, judged, and challenger; never champion."""
    environment = {
        "SHAZAM_TRUST_FILE": str(lab.trust),
        "SHAZAM_TRAINING_KEY_FILE": str(lab.keys / "training"),
        "SHAZAM_EVALUATION_KEY_FILE": str(lab.keys / "evaluation"),
    }
    again = shazam(
        *("run", "-c", lab.home.root / "old" / "imported.yaml", "-w", lab.home.workspace),
        *SMALL,
        *("--set", "splits.seed=3"),
        environment=environment,
    )
    assert again.code == 0, again.text
    run = Path(again.last_line).parent.name
    asked = ("registry", "submit", run[:12], "-w", lab.home.workspace)
    done = shazam(*asked, environment=environment)
    assert done.code == 0, done.text
    assert len(done.out.splitlines()) == 3
    listed = json.loads(lab.registry("list", "--json").out)["models"][MODEL]
    assert listed["challenger"]["version"] == "2"
    assert listed["champion"]["version"] == "1"
    assert shazam(*asked, environment=environment).out == done.out
    without = shazam(*asked, environment={"SHAZAM_TRUST_FILE": str(lab.trust)})
    assert without.code == 45
    assert "SHAZAM_TRAINING_KEY_FILE names no key" in without.text
