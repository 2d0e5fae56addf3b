"""The data stages one by one: views, what they give back, and `dvc repro` beside the pipeline."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from shazam.config import Config, load_config
from shazam.digest import digest_of_file
from shazam.errors import ArtifactError, ConfigError
from shazam.integrations.dvc_yaml import Project, dvc_yaml
from shazam.integrations.stage_views import MANIFEST, Shown, adopt, adopt_files, publish_view
from shazam.manifests import FeatureSetManifest, Picture
from shazam.publish import publish_bytes, publish_sealed
from shazam.refs import FeatureSetRef, SplitsRef, TilesRef
from shazam.stages import DATA_STAGES, SOURCE_ROOT, data_stage, source_files
from shazam.workspace import Workspace
from tests.command import shazam

SMALL = """
cohort: {name: demo, task: survival, clinical_columns: [age, sex, stage]}
demo: {n_cases: 12, n_extra_slides: 1, n_sites: 3, signal: 1.5}
extraction: {teachers: [efficientnet_lite0, efficientnet_lite1]}
splits: {n_folds: 2, sites: ignored}
training: {max_epochs: 1}
student: {n_blocks: 1, dim: 8}
arms: {canary_permutations: 10, canary_candidate_permutations: 0}
evaluation: {bootstrap: 100}
acceptance: {candidate: fusion_student_v2, min_events: 1}
max_quarantine_fraction: 0.3
"""


def test_every_stage_names_a_function_inputs_and_the_code_of_its_step():
    names = [stage.name for stage in DATA_STAGES]
    assert names == ["ingest", "validate", "tile", "extract", "validate_features"]
    for number, stage in enumerate(DATA_STAGES):
        assert set(stage.inputs) <= set(names[:number])
        assert stage.modules == source_files(stage.name)
        assert set(stage.parameters) <= set(Config.model_fields)
        module, _, function = stage.function.rpartition(".")
        code = (SOURCE_ROOT / f"{module.replace('.', '/')}.py").read_text()
        assert f"def {function}(job: Job)" in code


def test_an_unknown_stage_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="'train' is no stage that makes data; there are ingest"):
        data_stage("train")


def test_the_committed_dvc_yaml_is_what_the_table_gives(monkeypatch):
    monkeypatch.chdir(SOURCE_ROOT)
    outcome = shazam("stages", "dvc", "-c", "configs/demo.yaml")
    assert outcome.code == 0, outcome.text
    assert outcome.out == (SOURCE_ROOT / "dvc.yaml").read_text()


def test_paths_of_dvc_yaml_are_relative_to_its_folder(tmp_path):
    path = tmp_path / "my" / "run.yaml"
    publish_bytes(
        path,
        b"""
cohort: {name: own, task: survival, table: cohort.csv, slides_dir: ../slides}
extraction: {teachers: [efficientnet_lite0], teachers_lock: teachers.lock}
acceptance: {candidate: fusion_student_v2}
""",
    )
    config = load_config(path).config
    project = Project(config, config_path=path, workspace=tmp_path / "w s", root=tmp_path)
    stages = yaml.safe_load(dvc_yaml(project))["stages"]
    assert "demo" not in stages
    assert stages["ingest"]["cmd"] == "shazam stages run ingest -c my/run.yaml -w 'w s'"
    assert stages["ingest"]["deps"][:2] == ["my/cohort.csv", "slides"]
    assert stages["extract"]["matrix"] == {"teacher": ["efficientnet_lite0"]}
    assert "my/teachers.lock" in stages["extract"]["deps"]
    assert stages["extract"]["outs"] == [{"data/extract/${item.teacher}": {"persist": True}}]
    assert stages["validate_features"]["deps"][:2] == [
        "data/tile",
        "data/extract/efficientnet_lite0",
    ]


@pytest.fixture
def view(tmp_path):
    workspace = Workspace(tmp_path / "ws")
    path = workspace.root / "tiles" / "key" / "A.h5"
    publish_sealed(path, lambda target: target.write_bytes(b"grid") and None)
    uri, sha256 = workspace.write_manifest("tile", Picture(uri="any", sha256="a" * 64))
    ref = TilesRef(uri=uri, sha256=sha256, n_slides=1, n_tiles=4, n_quarantined=0)
    publish_view(tmp_path / "view", Shown(ref, {"A.h5": workspace.uri(path)}), workspace=workspace)
    return tmp_path / "view", ref, workspace


def test_a_view_links_to_the_workspace_and_gives_back_what_is_lost(view, tmp_path):
    folder, ref, workspace = view
    stored = workspace.root / "tiles" / "key" / "A.h5"
    assert (folder / "A.h5").samefile(stored)
    shutil.rmtree(workspace.root)
    assert adopt(folder, kind=TilesRef, workspace=workspace) == ref
    assert stored.read_bytes() == b"grid"
    assert stored.with_name("A.h5.sha256").is_file()
    assert workspace.open_ref(ref).is_file()


def test_files_that_are_no_longer_made_leave_the_view(view):
    folder, ref, workspace = view
    publish_view(folder, Shown(ref, {}), workspace=workspace)
    assert sorted(path.name for path in folder.iterdir()) == [MANIFEST, "stage.json"]


def test_views_that_are_missing_altered_or_of_another_stage_are_refused(view, tmp_path):
    folder, _, workspace = view
    with pytest.raises(ArtifactError, match="run the stage before this one"):
        adopt_files(tmp_path / "absent", workspace=workspace)
    with pytest.raises(ArtifactError, match="is no view of a SplitsRef"):
        adopt(folder, kind=SplitsRef, workspace=workspace)
    shutil.rmtree(workspace.root)
    publish_bytes(folder / "A.h5", b"other")
    with pytest.raises(ArtifactError, match=r"A\.h5: missing or altered"):
        adopt_files(folder, workspace=workspace)
    (folder / MANIFEST).unlink()
    publish_bytes(folder / MANIFEST, b"{}")
    with pytest.raises(ArtifactError, match="is not the list of a view"):
        adopt_files(folder, workspace=workspace)


def test_a_view_cannot_reach_outside(view, tmp_path):
    folder, _, workspace = view
    content = json.loads((folder / MANIFEST).read_bytes())
    content["files"]["../escape"] = content["files"].pop("A.h5")
    publish_bytes(folder / MANIFEST, json.dumps(content).encode())
    shutil.rmtree(workspace.root)
    with pytest.raises(ConfigError, match="escape"):
        adopt_files(folder, workspace=workspace)


def test_a_stage_alone_says_what_it_needs(tmp_path):
    config = tmp_path / "small.yaml"
    config.write_text(SMALL)
    options = ("-c", config, "-w", tmp_path / "ws", "--views", tmp_path / "data")
    missing = shazam("stages", "run", "extract", *options)
    assert (missing.code, "give --teacher" in missing.err) == (45, True)
    extra = shazam("stages", "run", "tile", *options, "--teacher", "efficientnet_lite0")
    assert (extra.code, "takes no --teacher" in extra.err) == (45, True)
    early = shazam("stages", "run", "tile", *options)
    assert (early.code, "demo/manifest.json: missing" in early.err) == (1, True)


def inodes(*folders: Path) -> dict[tuple[int, str], set[int]]:
    """Return the inodes of each content of more than a block; pages with their pictures apart."""
    found: dict[tuple[int, str], set[int]] = {}
    for folder in folders:
        for path in folder.rglob("*"):
            apart = {"tmp", "data_docs"} & set(path.relative_to(folder).parts)
            if path.is_file() and path.stat().st_size > 4096 and not apart:
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                found.setdefault((path.stat().st_size, content), set()).add(path.stat().st_ino)
    return found


LEFT_OUT = (".venv", ".git", "workspace", "__pycache__", ".*_cache", ".hypothesis", "data")


def copied_project(folder: Path) -> Path:
    ignored = shutil.ignore_patterns(*LEFT_OUT)
    shutil.copytree(SOURCE_ROOT, folder, ignore=ignored, symlinks=True)
    (folder / "configs" / "small.yaml").write_text(SMALL)
    return folder


def call(project: Path, *words: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(project), "PATH": path}
    done = subprocess.run(
        words, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def shown_by(project: Path) -> dict:
    return json.loads((project / "data" / "validate_features" / MANIFEST).read_bytes())["ref"]


def as_overrides() -> list[str]:
    sections = yaml.safe_load(SMALL)
    values = {"max_quarantine_fraction": sections.pop("max_quarantine_fraction")}
    values |= {f"{name}.{key}": v for name, own in sections.items() for key, v in own.items()}
    return [word for key, v in values.items() for word in ("--set", f"{key}={json.dumps(v)}")]


@pytest.mark.integration
def test_dvc_repro_and_the_pipeline_make_the_same_features_once(tmp_path):
    project = copied_project(tmp_path / "project")
    call(project, "git", "init", "--quiet", ".")
    made = call(project, "shazam", "stages", "dvc", "-c", "configs/small.yaml")
    (project / "dvc.yaml").write_text(made)
    call(project, "dvc", "repro", "--quiet")
    stored = inodes(project / "data", project / "workspace", project / ".dvc")
    assert len(stored) > 40
    assert [own for own in stored.values() if len(own) > 1] == []
    shown = shown_by(project)
    assert "didn't change, skipping" in call(project, "dvc", "repro")

    # another machine: the views come from DVC's cache, the workspace is empty
    shutil.rmtree(project / "workspace")
    shutil.rmtree(project / "data")
    call(project, "dvc", "checkout", "--quiet")
    call(project, "dvc", "repro", "--quiet", "--force", "--single-item", "validate_features")
    assert shown_by(project) == shown

    # the pipeline, in a workspace of its own
    outcome = shazam("demo", "-w", tmp_path / "ws", *as_overrides())
    assert outcome.code in {0, 5}, outcome.text
    own = Workspace(tmp_path / "ws")
    manifest = own.read_manifest(FeatureSetRef.model_validate(shown), FeatureSetManifest)
    for entry in (entry for entries in manifest.features for entry in entries):
        assert digest_of_file(project / "workspace" / entry.uri) == entry.sha256
        assert digest_of_file(own.root / entry.uri) == entry.sha256
