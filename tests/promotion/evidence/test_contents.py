"""A registered bundle proves its verdict, holds all it should, and names nobody."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from shazam.config.licences import KNOWN_LICENCES
from shazam.digest import canonical_json, digest_of, digest_of_file
from shazam.errors import ArtifactError, LeakError
from shazam.promotion.evidence import pseudonyms_of, recompute
from shazam.promotion.evidence.compared import compared
from shazam.promotion.evidence.contents import bundle_contents
from shazam.promotion.evidence.gather import gather
from shazam.promotion.evidence.names import check_no_names
from shazam.promotion.evidence.provenance import making_of
from shazam.promotion.evidence.sbom import licence_of
from shazam.workspace import Workspace
from tests.promotion.evidence.made_run import MadeRun, MemoryStore, run_of
from tests.promotion.evidence.search import found_in

FILES = {
    *("acceptance.json", "bundle.json", "config.json", "environment.json", "licences.json"),
    *("metrics.json", "model_card.md", "sbom.cdx.json", "seen.json"),
    *(f"evidence/{name}.json" for name in ("beside", "cohort", "probe", "splits")),
    "evidence/predictions/fusion_student_v2.parquet",
    "evidence/predictions/late_ensemble.parquet",
    *(f"manifests/{name}.json" for name in ("code", "data", "splits", "teachers")),
    "models/fusion_student_v2.json",
    "models/fusion_student_v2.safetensors",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> MadeRun:
    return run_of(Workspace(tmp_path_factory.mktemp("made") / "ws"))


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(scope="module")
def folder(run, store) -> Path:
    return run.workspace.path(run.register(store).uri).parent


def names_of(run: MadeRun) -> set[str]:
    slides = run.cohort.slides
    return {
        *(case.case_id for case in run.cohort.cases),
        *(value for s in slides for value in (s.slide_id, s.path, s.sha256)),
    }


def test_the_bundle_is_whole_and_in_its_own_folder(run, folder, store):
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == FILES
    bundle = json.loads((folder / "bundle.json").read_bytes())
    assert bundle["format"] == "shazam-bundle-2"
    assert bundle["files"] == {n: digest_of_file(folder / n) for n in FILES - {"bundle.json"}}
    assert folder == run.workspace.root / "bundles" / digest_of(bundle)
    assert set(store.kept[0].files) == FILES - {"bundle.json"}
    assert set(store.kept[0].extras) == {"bundle.json"}
    for path in folder.rglob("*.json"):
        assert path.read_bytes() == canonical_json(json.loads(path.read_bytes())), path


def test_the_bundle_proves_its_verdict(run, folder):
    found = recompute(folder)
    own = json.loads(run.workspace.path(run.evaluation.uri).read_bytes())
    again = json.loads(canonical_json(found.result))
    differ = [told for told in compared(own, again) if told is not None]
    assert [told.split(" ")[0] for told in differ] == ["cohort_sha256", "splits_sha256"]
    assert (own["gates"], own["passed"]) == (again["gates"], again["passed"])


def test_registering_again_changes_nothing(run, folder, store):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = run.register(store)
    assert (again.version, len(store.kept)) == ("1", 1)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_an_altered_bundle_is_not_registered_again(run, folder, store, tmp_path):
    kept = Path(shutil.copytree(folder, tmp_path / "kept"))
    try:
        (folder / "model_card.md").write_text("better")
        with pytest.raises(ArtifactError, match=r"model_card\.md was altered"):
            run.register(store)
    finally:
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)


def test_no_name_and_no_plain_digest_of_one_stands_in_the_bundle(run, folder):
    assert found_in(folder, names_of(run)) == []


def test_the_search_finds_what_it_looks_for(run, tmp_path):
    case, slide = run.cohort.cases[3].case_id, run.cohort.slides[5]
    (tmp_path / "a.json").write_text(json.dumps({"x": f"of {case}"}))
    (tmp_path / "b.md").write_text(digest_of(case))
    pd.DataFrame({"x": [slide.sha256]}).to_parquet(tmp_path / "c.parquet")
    found = found_in(tmp_path, names_of(run))
    assert {told.split(":")[0] for told in found} == {"a.json", "b.md", "c.parquet"}


def test_the_order_of_names_does_not_show(run, folder):
    cohort = json.loads((folder / "evidence/cohort.json").read_bytes())
    shown = [case["case_id"] for case in cohort["cases"]]
    assert shown == sorted(shown)
    pseudonyms = pseudonyms_of(run.workspace)
    assert shown != [pseudonyms.case(case.case_id) for case in run.cohort.cases]
    assert set(shown) == {pseudonyms.case(case.case_id) for case in run.cohort.cases}
    assert {slide["size_bytes"] for slide in cohort["slides"]} == {1}
    for path in (folder / "evidence/predictions").iterdir():
        frame = pd.read_parquet(path)
        ordered = frame.sort_values(["seed", "fold", "part", "case_id"], ignore_index=True)
        pd.testing.assert_frame_equal(frame, ordered)


def test_equal_runs_under_one_key_are_equal_bundles_and_other_keys_are_not(run, folder):
    gathered = gather(run.workspace.path(run.evaluation.uri).parent, workspace=run.workspace)
    model = (
        folder / "models/fusion_student_v2.json",
        folder / "models/fusion_student_v2.safetensors",
    )
    own = pseudonyms_of(run.workspace)
    making = making_of(run.workspace.path(run.evaluation.uri).parent)
    again = bundle_contents(gathered, model=model, making=making, pseudonyms=own)
    assert {name: (folder / name).read_bytes() for name in again} == again
    other = bundle_contents(gathered, model=model, making=making, pseudonyms=type(own)(bytes(32)))
    differing = {name for name in again if again[name] != other[name]}
    assert {"seen.json", "evidence/cohort.json", "manifests/data.json"} <= differing
    assert "environment.json" not in differing


def test_a_later_commit_makes_no_other_bundle_of_a_run(tmp_path, monkeypatch):
    first = making_of(tmp_path)
    monkeypatch.setattr("shazam.promotion.evidence.provenance.git_commit", lambda _: "f" * 40)
    assert making_of(tmp_path) == first
    (tmp_path / "making.json").write_bytes(b"{}")
    with pytest.raises(ArtifactError, match=r"making\.json: damaged"):
        making_of(tmp_path)


def test_a_name_that_would_stand_in_the_bundle_is_refused():
    names = frozenset({"case-001", "TCGA-AA-0001", "f" * 64})
    for told in ("of case-001", "case-001.s", "x/TCGA-AA-0001-01Z.svs", "f" * 64):
        with pytest.raises(LeakError, match=r"a\.json would hold"):
            check_no_names({"a.json": canonical_json({"note": [told]})}, names=names)
        with pytest.raises(LeakError, match=r"a\.md would hold"):
            check_no_names({"a.md": f"x\n{told}\n".encode()}, names=names)
    check_no_names({"a.json": canonical_json({"note": "case-0012 of TCGA-AA"})}, names=names)


def test_the_run_cannot_claim_other_numbers(run, tmp_path):
    gathered = gather(run.workspace.path(run.evaluation.uri).parent, workspace=run.workspace)
    document = gathered.document
    claimed = document.model_copy(
        update={"result": document.result.model_copy(update={"n_slides_in": 99})}
    )
    forged = type(gathered)(claimed, gathered.config, gathered.features, gathered.inputs)
    with pytest.raises(ArtifactError, match="n_slides_in is 99, made again 54"):
        bundle_contents(
            forged,
            model=(tmp_path / "m.json", tmp_path / "m.safetensors"),
            making=making_of(tmp_path),
            pseudonyms=pseudonyms_of(run.workspace),
        )


def test_the_bill_of_materials_keeps_the_schema(folder):
    text = (folder / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    model = bill["metadata"]["component"]
    assert model["type"] == "machine-learning-model"
    metrics = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert metrics[0]["type"] == "harrell_c"
    parts = {part["bom-ref"]: part for part in bill["components"]}
    assert parts["teacher:lite0"]["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert any(name.startswith("pkg:pypi/numpy@") for name in parts)
    assert "timestamp" not in text
    assert "serialNumber" not in text


@pytest.mark.parametrize("licence", [*KNOWN_LICENCES, "own terms", ""])
def test_every_licence_has_a_form_that_the_schema_knows(licence):
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [
            {"type": "library", "name": "x", "licenses": [{"license": licence_of(licence)}]}
        ],
    }
    text = json.dumps(bill)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_the_manifests_lead_back_to_the_run(run, folder):
    code = json.loads((folder / "manifests/code.json").read_bytes())
    run_folder = run.workspace.path(run.evaluation.uri).parent
    assert code["run_sha256"] == run_folder.name == digest_of(code["run"])
    assert len(code["source_sha256"]) == 64
    data = json.loads((folder / "manifests/data.json").read_bytes())
    assert data["cohort_sha256"] == run.cohort.digest
    assert data["key_id"] == json.loads((folder / "seen.json").read_bytes())["key_id"]
    assert json.loads((folder / "environment.json").read_bytes())["packages"]["numpy"]
