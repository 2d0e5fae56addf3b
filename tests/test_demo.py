"""The main job, end to end, as a user meets it: one small demo run and what follows it."""

import json
import re
import shutil
import signal
import sqlite3
import time
from pathlib import Path

import pandas as pd
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from shazam.cohort import load_cohort
from shazam.digest import canonical_json
from shazam.features.bags import load_bags
from shazam.manifests import FeatureSetManifest
from shazam.models.bundle import load_ensemble
from shazam.promotion.evidence import recompute
from shazam.stages import SOURCE_ROOT
from shazam.workspace import Workspace
from tests.command import (
    Outcome,
    fresh_shazam,
    readme_commands,
    settings,
    shazam,
    start_shazam,
)
from tests.promotion.evidence.search import found_in

SMALL = settings(
    [
        "demo.n_cases=30",
        "demo.n_extra_slides=3",
        "demo.n_sites=6",
        "demo.signal=2",
        "tiling.tile_um=160",
        "training.max_epochs=4",
        "student.n_blocks=1",
        "student.dim=16",
        "arms.canary_permutations=10",
        "arms.canary_candidate_permutations=2",
        "evaluation.bootstrap=100",
        "acceptance.margin=0.9",
        "acceptance.min_events=10",
        "acceptance.canary_max_standard_errors=5",
    ]
)


def demo(workspace: Path, *more: str) -> Outcome:
    return shazam("demo", "--workspace", workspace, *SMALL, *more)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("demo") / "workspace"


@pytest.fixture(scope="module")
def first(workspace) -> Outcome:
    outcome = fresh_shazam("demo", "--workspace", workspace, *SMALL)
    assert outcome.code == 0, outcome.text
    return outcome


@pytest.fixture(scope="module")
def second(workspace, first) -> Outcome:
    outcome = demo(workspace)
    assert outcome.code == 0, outcome.text
    return outcome


@pytest.fixture(scope="module")
def retrained(workspace, second) -> Outcome:
    outcome = demo(workspace, "--set", "training.learning_rate=0.002")
    assert outcome.code == 0, outcome.text
    return outcome


def run_folder(outcome: Outcome) -> Path:
    return Path(outcome.last_line).parent


def registered(outcome: Outcome) -> tuple[str, str, str]:
    found = re.search(r"model demo version (\d+), (alias \w+|no alias), bundle (\w+)", outcome.out)
    assert found, outcome.out
    return found.group(1), found.group(2), found.group(3)


def feature_files(workspace: Path) -> dict[str, tuple[int, int]]:
    return {
        path.relative_to(workspace).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in (workspace / "features").rglob("DEMO-*.h5")
    }


def test_the_report_is_the_last_line_and_needs_nothing_else(first):
    report = Path(first.last_line)
    assert report.name == "report.html"
    page = report.read_text()
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", page)
    assert "<script" not in page
    linked = re.findall(r'href="([^"#][^"]*)"', page)
    assert linked == ["contact_sheet.jpg"]
    assert all((report.parent / name).is_file() for name in linked)


def test_broken_slides_are_listed_with_their_reasons(first):
    listed = re.findall(r"^  quarantined (\S+) at (\w+): (\w+): ", first.out, re.MULTILINE)
    assert {(stage, reason) for _, stage, reason in listed} == {
        ("validate", "unreadable"),
        ("validate", "no_resolution"),
        ("validate", "no_tissue"),
    }


def test_all_arms_are_shown_with_intervals(first):
    arms = re.findall(r"^ (\S+) (?:\* )?\s+0\.\d{3}\s+0\.\d{3} to [01]\.\d{3}", first.out, re.M)
    assert set(arms) == {
        "mean_pool.efficientnet_lite0",
        "mean_pool.efficientnet_lite1",
        "abmil.efficientnet_lite0",
        "abmil.efficientnet_lite1",
        "clinical",
        "concat_abmil",
        "late_ensemble",
        "logit_prod",
        "fusion_student_v2",
    }


def test_progress_is_plain_lines_without_a_terminal(first):
    assert re.search(r"extract 2 teachers: 33/33 slides done, [\d.]+ slides/s", first.err)
    assert "\x1b" not in first.text


def test_the_libraries_are_quiet(first):
    noise = r"zenml|mlflow|alembic|great.expectations|dvc|telemetry|warning|traceback"
    assert re.findall(rf"^.*(?:{noise}).*$", first.err, re.IGNORECASE | re.MULTILINE) == []


def test_the_run_folder_is_complete(first):
    names = {p.relative_to(run_folder(first)).as_posix() for p in run_folder(first).rglob("*")}
    assert {
        "config.json",
        "contact_sheet.jpg",
        "metrics.json",
        "model_card.md",
        "predictions/late_ensemble.parquet",
        "registration.json",
        "report.html",
        "report.json",
        "splits.json",
    } <= names


def test_the_registered_bundle_proves_its_verdict_and_names_nobody(workspace, first):
    registration = json.loads((run_folder(first) / "registration.json").read_bytes())
    folder = (workspace / registration["uri"]).parent
    assert folder == workspace / "bundles" / registration["bundle_sha256"]
    own = json.loads((run_folder(first) / "metrics.json").read_bytes())
    again = json.loads(canonical_json(recompute(folder).result))
    assert (again["gates"], again["passed"]) == (own["gates"], own["passed"])
    (path,) = (workspace / "cohorts").glob("*/cohort.parquet")
    cohort = load_cohort(path)
    slides = {name for s in cohort.slides for name in (s.slide_id, s.path, s.sha256)}
    names = slides | {case.case_id for case in cohort.cases}
    assert len(names) > 50
    assert found_in(folder, names) == []
    bill = (folder / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None


def test_the_report_shows_tiles_of_cases_that_the_model_had_not_seen(workspace, first):
    folder = run_folder(first)
    page = (folder / "report.html").read_text()
    shown = json.loads((folder / "report.json").read_bytes())["context"]["explanations"]["cases"]
    folds = json.loads((folder / "splits.json").read_bytes())["folds"]
    assert len({case["case_id"] for case in shown}) == 4
    for case in shown:
        assert case["case_id"] in folds[case["fold"]]["test"]
        assert f"of case {case['case_id']} ({case['chosen']})" in page
    pictures = [slide["picture"] for case in shown for slide in case["slides"]]
    assert page.count("data:image/jpeg") == len(pictures) >= 4
    names = {path.stem for path in (folder / "attention").iterdir()}
    assert names == {picture["sha256"] for picture in pictures}
    again = shazam("report", folder.name[:12], "--workspace", workspace)
    assert again.code == 0, again.text
    assert "altered" not in again.err
    assert (folder / "report.html").read_text() == page


def test_a_second_run_is_cached_but_for_validate_and_register(first, second):
    assert "2 steps run, 21 cached" in second.out
    assert "validate: 36/36" in second.err
    assert "tile" not in second.err
    assert registered(second) == registered(first)
    assert second.last_line == first.last_line


def test_a_training_option_does_not_repeat_extraction(workspace, second, retrained):
    assert "extract" not in retrained.err
    assert "distill fusion_student_v2: 3/3" in retrained.err
    assert registered(retrained)[0] == "2"
    assert run_folder(retrained) != run_folder(second)


def test_a_failed_gate_exits_5_and_leaves_the_alias(workspace, retrained):
    before = feature_files(workspace)
    outcome = demo(
        workspace, "--set", "acceptance.floor=0.99", "--set", "training.learning_rate=0.002"
    )
    assert outcome.code == 5, outcome.text
    assert "gate floor: FAILED" in outcome.out
    assert registered(outcome)[:2] == ("3", "no alias")
    assert Path(outcome.last_line).is_file()
    assert feature_files(workspace) == before
    with sqlite3.connect(workspace / "mlflow.db") as database:
        (aliases,) = database.execute("SELECT alias, version FROM registered_model_aliases")
    assert aliases == ("challenger", 2)


def test_too_many_quarantined_exits_4(workspace, second):
    outcome = demo(workspace, "--set", "max_quarantine_fraction=0.01")
    assert outcome.code == 4, outcome.text
    assert "no_tissue" in outcome.err


def test_steps_for_each_teacher_and_shard_end_in_the_same_bundle(workspace, second):
    apart = settings(["extraction.grouping=per_teacher", "extraction.shards=2"])
    outcome = demo(workspace, *apart)
    assert outcome.code == 0, outcome.text
    for part in ("efficientnet_lite0 0/2", "efficientnet_lite0 1/2", "efficientnet_lite1 1/2"):
        assert re.search(rf"extract {part}: (\d+)/\1 slides done", outcome.err)
    assert registered(outcome) == registered(second)


def test_strict_exits_3(workspace, second):
    assert demo(workspace, "--strict").code == 3


def test_sigterm_exits_143_and_leaves_nothing_half_written(workspace, second):
    n_before = len(feature_files(workspace))
    process = start_shazam("demo", "--workspace", workspace, *SMALL, "--set", "tiling.tile_um=112")
    deadline = time.monotonic() + 240
    while len(feature_files(workspace)) == n_before and time.monotonic() < deadline:
        time.sleep(0.05)
    process.stop(signal.SIGTERM)
    outcome = process.wait(within_s=120)
    assert outcome.code == 143, outcome.text
    assert 0 < len(feature_files(workspace)) - n_before < 2 * 33  # in the midst of its work
    assert list(workspace.rglob("*.tmp*")) == []


def test_a_missing_file_of_the_workspace_is_named(workspace, second):
    (folds,) = (workspace / "manifests" / "split").iterdir()
    content = folds.read_bytes()
    folds.unlink()
    outcome = demo(workspace, "--set", "training.learning_rate=0.003")
    folds.write_bytes(content)
    assert outcome.code == 1
    assert f"{folds.name}: missing from the workspace; run again with --no-cache" in outcome.err


def test_the_registered_model_predicts(workspace, first):
    registration = json.loads((run_folder(first) / "registration.json").read_bytes())
    folder = (workspace / registration["uri"]).parent / "models"
    model = load_ensemble(
        folder / "fusion_student_v2.json", folder / "fusion_student_v2.safetensors"
    )
    place = Workspace(workspace)
    assert {"splits", "tiles", "training", "student"} < set(model.manifest.provenance)
    stands_on = model.manifest.provenance["feature_set"]
    manifest = FeatureSetManifest.model_validate_json(
        place.open(f"manifests/validate_features/{stands_on}.json", stands_on).read_bytes()
    )
    names = [teacher.name for teacher in manifest.teachers]
    bags = load_bags(manifest, workspace=place, teachers=names, levels=["low", "mid", "high"])
    risks = model.predict(bags)
    assert risks["case_id"].tolist() == list(bags.case_ids)
    assert risks["risk"].std() > 0


def test_the_versions_of_the_bytes_are_recorded(workspace, first):
    (manifest,) = (workspace / "manifests" / "validate_features").iterdir()
    versions = json.loads(manifest.read_bytes())["versions"]
    assert [v["path"] for v in versions][:2] == [
        "data/features/efficientnet_lite0",
        "data/features/efficientnet_lite1",
    ]
    assert versions[2]["path"].endswith("/slides")
    assert all(v["md5"].endswith(".dir") for v in versions)


def is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(2)
    suffixes = {".pkl", ".pickle", ".pt", ".pth", ".joblib", ".npy", ".cloudpickle"}
    return path.suffix in suffixes or head in {b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"}


def test_no_artifact_is_a_pickle(workspace, first):
    files = [path for path in workspace.rglob("*") if path.is_file()]
    assert files
    own = [path for path in files if ".dvc" not in path.relative_to(workspace).parts]
    assert [path for path in own if is_pickle(path)] == []


def test_the_artifact_store_stays_small(workspace, first):
    stores = workspace / "zenml" / "local_stores"
    artifacts = [
        path
        for path in stores.rglob("*")
        if path.is_file() and "default_zen_store" not in path.parts
    ]
    assert artifacts
    assert sum(path.stat().st_size for path in artifacts) < 1_000_000


def test_every_case_is_tested_once(first):
    frame = pd.read_parquet(run_folder(first) / "predictions" / "fusion_student_v2.parquet")
    tested = frame[frame["part"] == "test"]
    assert sorted(tested["case_id"]) == sorted(set(tested["case_id"]))
    assert len(tested) == 30


@pytest.fixture
def own_cohort(tmp_path, workspace, first) -> Path:
    """A user's folder: a table, slides and an edited copy of the shipped config."""
    (made,) = (workspace / "demo").iterdir()
    folder = tmp_path / "my"
    folder.mkdir()
    shutil.copy(made / "cohort.csv", folder)
    (folder / "slides").symlink_to(made / "slides")
    text = (SOURCE_ROOT / "configs" / "survival.yaml").read_text()
    (folder / "survival.yaml").write_text(
        text.replace("n_folds: 5", "n_folds: 2").replace("min_events: 50", "min_events: 10")
        + "max_quarantine_fraction: 0.1\ntiling: {tile_um: 160}\n"
    )
    return folder


@pytest.mark.integration  # a whole run of a cohort of one's own, after that of the demo
def test_the_commands_of_the_readme_work(own_cohort, monkeypatch):
    commands = [
        command
        for command in readme_commands()
        if command[0] != "features" and "my/imported.yaml" not in command
    ]
    assert [command[0] for command in commands] == ["config", "plan", "run", "extract"]
    show, plan, run, extract = commands
    shown = shazam(*show, cwd=own_cohort.parent)
    assert shown.code == 0, shown.text
    assert "splits.n_folds: 2  # survival.yaml" in shown.out
    planned = shazam(*plan, cwd=own_cohort.parent)
    assert planned.code == 0, planned.text
    assert "GPU h (assumed" in planned.out
    quick = {
        "TRAINING__MAX_EPOCHS": "2",
        "STUDENT__N_BLOCKS": "1",
        "STUDENT__DIM": "16",
        "EVALUATION__BOOTSTRAP": "100",
        "ARMS__CANARY_PERMUTATIONS": "10",
        "ARMS__CANARY_CANDIDATE_PERMUTATIONS": "2",
    }
    outcome = shazam(
        *run,
        cwd=own_cohort.parent,
        environment={f"SHAZAM__{name}": value for name, value in quick.items()},
    )
    assert outcome.code in (0, 5), outcome.text
    assert Path(outcome.last_line).is_relative_to(own_cohort / "workspace" / "runs")
    extracted = shazam(*extract, cwd=own_cohort.parent)
    assert extracted.code == 0, extracted.text
    assert (own_cohort / "workspace" / extracted.last_line).is_file()
