"""From the registered champion to a comparison in a later run, and to a locked cohort."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml

from shazam.digest import canonical_json, digest_of_file
from shazam.errors import ArtifactError
from shazam.integrations.measure import recompute_registered
from shazam.integrations.mlflow import MlflowModelStore
from shazam.workspace import Workspace
from tests.command import Outcome, settings, shazam, shazam_here
from tests.imported import CONFIG, QUICK
from tests.real_data import write_table

pytestmark = pytest.mark.integration  # several whole runs

OLD = [f"a{number:02d}" for number in range(24)]
NEW = [f"n{number:02d}" for number in range(12)]
TEST = [f"t{number:02d}" for number in range(16)]
SMALL = [
    *QUICK,
    *settings(
        [
            "arms.students=[]",
            "arms.late_ensemble=false",
            "arms.canary_candidate_permutations=0",
            "acceptance.candidate_canary=left_out",
            "acceptance.candidate=mean_pool.uni_v2",
            "acceptance.compared_to=abmil.uni_v2",
        ]
    ),
]
WHO = ("--who", "ann", "--why", "release")


def cohort(folder: Path, names: Sequence[str]) -> Path:
    """Write config, table and features of some cases, the same for a name wherever it stands."""
    (folder / "uni_v2").mkdir(parents=True)
    rows = []
    for name in names:
        rng = np.random.default_rng(list(name.encode()))
        number = int(name[1:])
        risk = rng.normal()
        months = round(float(rng.exponential(20) * np.exp(-risk) + 1), 2)
        row = {"case_id": name, "site": f"{name[0]}{number % 6}", "time_months": months}
        rows.append({**row, "event": int(rng.random() < 0.7)})
        with h5py.File(folder / "uni_v2" / f"{name}.h5", "w") as file:
            told = -np.log(months / 20) + 0.1 * rng.normal(size=(1, 4))
            file["features"] = told.astype(np.float32)
    write_table(folder / "cohort.csv", rows)
    config = yaml.safe_load(CONFIG.read_text())
    del config["imports"]["teachers"][1:]
    file = folder / "imported.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


@dataclass(frozen=True)
class Home:
    """A workspace in which the champion was registered."""

    root: Path
    run: Path
    bundle: str

    @property
    def workspace(self) -> Path:
        return self.root / "ws"

    def measure(
        self,
        config: Path,
        name: str,
        *options: str,
        workspace: Path | None = None,
        more: Sequence[str] = (),
    ) -> Outcome:
        where = workspace or self.workspace
        store = {"MLFLOW_TRACKING_URI": f"sqlite:///{self.workspace / 'mlflow.db'}"}
        return shazam(
            *("locked", "measure", name, "-c", config, "-w", where, *WHO, *options, *SMALL, *more),
            environment={} if workspace is None else store,
        )


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    root = tmp_path_factory.mktemp("champion")
    outcome = shazam("run", "-c", cohort(root / "old", OLD), "-w", root / "ws", *SMALL)
    assert outcome.code == 0, outcome.text
    run = Path(outcome.last_line).parent
    registration = json.loads((run / "registration.json").read_text())
    return Home(root, run, registration["bundle_sha256"])


@pytest.fixture(scope="module")
def locked(home) -> Path:
    config = cohort(home.root / "test", TEST)
    added = shazam_here("locked", "add", "external", "-c", config, "-w", home.workspace)
    assert "locked external: 16 cases" in added.out, added.text
    return config


@pytest.fixture(scope="module")
def measured(home, locked) -> Outcome:
    outcome = home.measure(locked, "external", "--release", "1.0", "--version", "challenger")
    assert outcome.code == 0, outcome.text
    return outcome


def test_the_bundle_says_what_its_members_were_trained_on(home):
    bundle = json.loads((home.run / "bundle.json").read_text())
    assert bundle["files"]["seen.json"] == digest_of_file(home.run / "seen.json")
    seen = json.loads((home.run / "seen.json").read_text())
    splits = json.loads((home.run / "splits.json").read_text())
    for own, fold in zip(seen["folds"], splits["folds"], strict=True):
        assert own["case_ids"] == sorted([*fold["train"], *fold["validation"]])


def test_a_later_run_is_compared_on_the_cases_that_are_new(home, measured):
    config = cohort(home.root / "later", [*OLD, *NEW])
    named = settings(
        [f"acceptance.champion.bundle={home.bundle}", "acceptance.champion.margin=0.9"]
    )
    outcome = shazam("run", "-c", config, "-w", home.workspace, *SMALL, *named)
    assert outcome.code == 0, outcome.text
    folder = Path(outcome.last_line).parent
    found = json.loads((folder / "metrics.json").read_text())
    compared = found["champion"]["comparison"]
    assert (compared["kind"], compared["n_cases"]) == ("procedure", len(NEW))
    assert found["champion"]["bundle_sha256"] == home.bundle
    assert "gate champion: passed" in outcome.out
    assert "measures the <em>procedure</em>" in (folder / "report.html").read_text()


def test_a_locked_cohort_measures_the_registered_model(home, measured):
    path = Path(measured.last_line)
    assert path == home.workspace.resolve() / "locked/external/measured/000001.json"
    found = json.loads(path.read_text())
    assert (found["use"]["release"], found["n_cases"]) == ("1.0", len(TEST))
    assert found["release"]["bundle_sha256"] == home.bundle
    assert [metric["name"] for metric in found["release"]["metrics"]] == ["harrell_c", "uno_c"]
    assert found["champion"] is None
    assert "Harrell's C" in measured.out
    status = shazam_here("locked", "status", "-w", home.workspace)
    assert "used 1 times" in status.out
    assert f"result: {home.workspace / 'locked/external/measured/000001.json'}" in status.out


def test_the_verdict_is_of_the_bundle_and_can_be_computed_again(home, measured):
    found = json.loads(Path(measured.last_line).read_text())
    assert found["passed"] is True
    assert found["bundle_sha256"] == found["use"]["bundle_sha256"] == home.bundle
    verdict = json.loads((home.run / "metrics.json").read_text())
    assert found["acceptance_sha256"] == verdict["acceptance_sha256"]
    assert found["use"]["acceptance_sha256"] == verdict["acceptance_sha256"]
    assert "gate coverage: passed" in measured.out
    stored = pd.read_parquet(Path(measured.last_line).with_suffix(".release.parquet"))
    assert {"risk", "edge_0", "survival_0"} <= set(stored.columns)
    assert "gate non_inferiority: not judged here" in measured.out
    workspace = Workspace(home.workspace)
    again = recompute_registered(
        "external", number=1, store=MlflowModelStore.of(workspace), workspace=workspace
    )
    assert canonical_json(again) == Path(measured.last_line).read_bytes()
    with pytest.raises(ArtifactError, match="use 2 has no result"):
        recompute_registered(
            "external", number=2, store=MlflowModelStore.of(workspace), workspace=workspace
        )


def test_a_failed_gate_is_published_and_refused(home, tmp_path):
    config, elsewhere = cohort(tmp_path / "few", TEST[:5]), tmp_path / "ws"
    for name in TEST[3:5]:
        (tmp_path / "few" / "uni_v2" / f"{name}.h5").unlink()
    assert shazam_here("locked", "add", "few", "-c", config, "-w", elsewhere).code == 0
    asked = ("few", "--release", "1.0", "--bundle", home.bundle)
    other = settings(["acceptance.min_events=2"])
    refused = home.measure(config, *asked, workspace=elsewhere, more=other)
    assert refused.code == 45, refused.text
    assert "was judged by other criteria" in refused.text
    more = settings(["max_quarantine_fraction=0.9"])
    outcome = home.measure(config, *asked, workspace=elsewhere, more=more)
    assert outcome.code == 5, outcome.text
    assert "gate coverage: FAILED" in outcome.out
    found = json.loads(Path(outcome.last_line).read_text())
    assert found["passed"] is False
    assert found["without_features"] == TEST[3:5]
    assert "used 1 times" in shazam_here("locked", "status", "-w", elsewhere).out


def test_a_release_is_measured_once(home, locked, measured):
    asked = ("-c", locked, "-w", home.workspace, *WHO, "--bundle", home.bundle, *SMALL)
    for release in ("1.0", "1.1"):
        again = shazam_here("locked", "measure", "external", "--release", release, *asked)
        assert again.code == 5, again.text
        assert "a release is measured once" in again.err


def test_a_model_is_not_measured_on_cases_that_it_was_trained_on(home, tmp_path):
    config, elsewhere = home.root / "old" / "imported.yaml", tmp_path / "ws"
    added = shazam_here("locked", "add", "leaky", "-c", config, "-w", elsewhere)
    assert added.code == 0, added.text
    asked = ("leaky", "--release", "1.0", "--bundle", home.bundle)
    outcome = home.measure(config, *asked, workspace=elsewhere)
    assert outcome.code == 5, outcome.text
    assert "the release was trained on 24 tested case(s), such as a00" in outcome.text
    assert (elsewhere / "bundles" / home.bundle / "seen.json").is_file()
    status = shazam_here("locked", "status", "-w", elsewhere)
    assert "used 0 times" in status.out
