"""A registered model on later features: only by the teachers that it was trained with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shazam.cohort.model import Cohort, Slide
from shazam.cohort.seen import SeenByFold, SeenRecord
from shazam.cohort.store import write_cohort
from shazam.config.arms import BaselineFamily
from shazam.config.cohort import CohortConfig, Task
from shazam.config.extraction import ExtractionConfig
from shazam.config.imports import MissingValues
from shazam.config.tiling import TilingConfig
from shazam.config.tree import Config
from shazam.errors import ConfigError
from shazam.features.store import FeatureAttrs, write_features
from shazam.manifests import FeatureSetManifest, SlideFeatures, TeacherIdentity
from shazam.models.bundle import load_ensemble, save_arm
from shazam.predictions import read_predictions
from shazam.refs import FeatureSetRef, SplitsRef
from shazam.training.arms import fit_baseline
from shazam.training.champion import score_new_cases
from shazam.training.execution import Execution
from shazam.training.scoring import check_asked, check_teachers, open_scorer
from shazam.workspace import Workspace
from tests.cohort.made import cohort_of, labelled_case, survival_case
from tests.evaluation import made
from tests.training.made import DIMS, QUICK, Quiet, make_case_study, make_study, make_teachers

ZEROS = "0" * 64
BAGS, _, SPLITS = make_case_study(Task.SURVIVAL)
COHORT = cohort_of([survival_case(name, time_months=2.0) for name in BAGS.case_ids])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("ws"))


@pytest.fixture(scope="module")
def model(workspace: Workspace) -> tuple[Path, Path]:
    result = fit_baseline(
        BaselineFamily.MEAN_POOL,
        teacher="bob",
        study=make_study(Task.SURVIVAL),
        config=QUICK,
        execution=Execution(),
        progress=Quiet,
    )
    paths = (workspace.root / "model.json", workspace.root / "model.safetensors")
    save_arm(
        result,
        json_path=paths[0],
        safetensors_path=paths[1],
        teachers=make_teachers(),
        provenance={},
    )
    return paths


def entry(workspace: Workspace, row: int, *, teacher: str) -> SlideFeatures:
    bag = BAGS.select([row])
    name, n_tiles = BAGS.case_ids[row], int(bag.offsets[-1])
    path = workspace.root / "features" / teacher / f"{name}.h5"
    sha256 = write_features(
        path,
        levels={level: bag.levels[teacher, level].numpy() for level in DIMS},
        coords=np.zeros((n_tiles, 2), dtype=np.int32),
        attrs=FeatureAttrs(teacher, "r1", ZEROS, "1" * 64, ZEROS, ZEROS, ZEROS, 0.5),
    )
    return SlideFeatures(
        slide_id=f"{name}.s",
        case_id=name,
        key=ZEROS,
        uri=workspace.uri(path),
        sha256=sha256,
        n_tiles=n_tiles,
        tiles_key=ZEROS,
    )


def feature_set(
    workspace: Workspace, *, cohort: Cohort = COHORT, teachers: Sequence[TeacherIdentity] = ()
) -> FeatureSetManifest:
    found = tuple(teachers) or make_teachers()
    rows = range(len(BAGS.case_ids))
    return FeatureSetManifest(
        cohort=write_cohort(cohort, workspace=workspace),
        teachers=found,
        features=tuple(
            tuple(entry(workspace, row, teacher=teacher.name) for row in rows) for teacher in found
        ),
        quarantine=(),
        versions=(),
    )


@pytest.fixture(scope="module")
def manifest(workspace: Workspace) -> FeatureSetManifest:
    return feature_set(workspace)


def ref(workspace: Workspace, manifest: FeatureSetManifest) -> FeatureSetRef:
    uri, sha256 = workspace.write_manifest("validate_features", manifest)
    return FeatureSetRef(
        uri=uri,
        sha256=sha256,
        teachers=("ann", "bob"),
        n_cases=45,
        n_slides=45,
        n_quarantined=0,
    )


def new_cases(
    workspace: Workspace,
    model: tuple[Path, Path],
    manifest: FeatureSetManifest,
    *,
    seen: Sequence[str],
    slides: Sequence[str] = (),
) -> pd.DataFrame | None:
    uri, sha256 = workspace.write_manifest("split", SPLITS)
    folds = (SeenByFold(case_ids=tuple(seen), slides_sha256=tuple(slides)),)
    table = score_new_cases(
        model,
        bundle_sha256=ZEROS,
        seen=SeenRecord(folds=folds),
        feature_set=ref(workspace, manifest),
        splits=SplitsRef(uri=uri, sha256=sha256, n_folds=3),
        workspace=workspace,
    )
    return None if table is None else read_predictions(table, workspace=workspace)


def test_stored_features_are_scored_as_those_in_memory(workspace, model, manifest) -> None:
    scorer = open_scorer(*model, manifest=manifest, model="champion", workspace=workspace)
    assert (scorer.arm, scorer.task) == ("mean_pool.bob", Task.SURVIVAL)
    whole = load_ensemble(*model).predict(BAGS).set_index("case_id")["risk"]
    some = ["case030", "case007", "case011"]
    scored = scorer.predict(some).set_index("case_id")["risk"]
    assert scored.index.tolist() == sorted(some)
    pd.testing.assert_series_equal(scored, whole[sorted(some)], rtol=1e-6)


def test_only_new_cases_are_scored(workspace, model, manifest) -> None:
    names = BAGS.case_ids
    copied: Slide = COHORT.slides[40]
    frame = new_cases(workspace, model, manifest, seen=names[:30], slides=[copied.sha256])
    assert frame is not None
    assert frame["case_id"].tolist() == [n for n in names[30:] if n != copied.case_id]
    assert set(frame["arm"]) == {"mean_pool.bob"}
    assert new_cases(workspace, model, manifest, seen=names) is None


def test_a_champion_of_another_task_is_refused(workspace, model) -> None:
    labelled = cohort_of(
        [labelled_case(name, "ab"[n % 2]) for n, name in enumerate(BAGS.case_ids)],
        task=Task.CLASSIFICATION,
    )
    other = feature_set(workspace, cohort=labelled)
    with pytest.raises(ConfigError, match=r"predicts survival \(risk\), and this run class.*a, b"):
        new_cases(workspace, model, other, seen=[])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"revision": "r2"}, "'bob': revision was r1, is r2"),
        ({"weights_sha256": "2" * 64}, "'bob': weights_sha256 was 000.*, is 222"),
        ({"transform_sha256": None}, "'bob': transform_sha256 was 111.*, is None"),
        ({"name": "eve"}, "'bob': has no features here"),
    ],
)
def test_another_teacher_is_named_with_what_differs(
    change: dict[str, object], told: str, workspace, model, manifest
) -> None:
    ann, bob = manifest.teachers
    other = manifest.model_copy(update={"teachers": (ann, bob.model_copy(update=change))})
    with pytest.raises(ConfigError, match=told):
        open_scorer(*model, manifest=other, model="champion", workspace=workspace)


def test_all_teachers_that_differ_are_named_and_a_licence_is_no_difference() -> None:
    trained = make_teachers()
    with pytest.raises(ConfigError, match=r"(?s)the release.*'ann'.*'bob'"):
        check_teachers(trained, [made.teacher()], model="release")
    relicensed = [one.model_copy(update={"licence": "MIT"}) for one in trained]
    check_teachers(trained, relicensed, model="release")


def test_missing_values_need_a_model_that_knows_them(workspace, model, manifest) -> None:
    gaps = manifest.model_copy(update={"missing_values": MissingValues.IMPUTE})
    with pytest.raises(ConfigError, match=r"imports\.missing_values: refuse"):
        open_scorer(*model, manifest=gaps, model="release", workspace=workspace)


def asked(**tiling: float) -> Config:
    return Config(
        cohort=CohortConfig(name="demo"),
        extraction=ExtractionConfig(teachers=("lite0", "lite1")),
        tiling=TilingConfig(**tiling),
        acceptance=made.ACCEPTANCE,
    )


def test_other_tiles_and_another_endpoint_are_refused(tmp_path: Path) -> None:
    then = asked().model_dump(mode="json")
    path = tmp_path / "config.json"
    path.write_text(json.dumps(then))
    check_asked(path, asked(assume_mpp=0.5), model="champion")
    with pytest.raises(ConfigError, match=r"tiling\.tile_um was 112\.0, is 256\.0"):
        check_asked(path, asked(tile_um=256.0), model="champion")
    path.write_text(json.dumps({**then, "extraction": None}))
    check_asked(path, asked(tile_um=256.0), model="champion")
    cohort = {**then["cohort"], "endpoint": "PFS"}
    path.write_text(json.dumps({**then, "cohort": cohort}))
    with pytest.raises(ConfigError, match=r"cohort\.endpoint was PFS, is None"):
        check_asked(path, asked(), model="champion")
