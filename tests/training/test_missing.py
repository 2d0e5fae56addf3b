"""Missing values and missing teachers: filled in from training cases, for every arm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from shazam.config.arms import BaselineFamily
from shazam.config.cohort import Task
from shazam.config.student import StudentConfig, Variant
from shazam.errors import FeatureError
from shazam.features.bags import PackedBags
from shazam.models.arm import ArmResult, load_network
from shazam.models.bundle import load_ensemble, save_arm
from shazam.models.logit_prod import weighted
from shazam.models.score import outputs_of
from shazam.predictions import N_MISSING
from shazam.training.arms import fit_baseline
from shazam.training.execution import Execution
from shazam.training.late import ecdf, fuse_late
from shazam.training.logit_prod import LogitProdFit, fit_logit_prod
from shazam.training.outcomes import rows_of
from shazam.training.student import fit_student
from shazam.training.study import Study
from tests.training.made import QUICK, Quiet, make_case_study, make_teachers

SOURCE = ("ann", "high")
COLUMN = 2
LEARNING = QUICK.model_copy(update={"min_validation_events": 1})


def holed(bags: PackedBags, rows: list[int]) -> PackedBags:
    """Return the bags with one column missing in all tiles of some cases."""
    tiles = bags.levels[SOURCE].clone()
    for row in rows:
        tiles[bags.offsets[row] : bags.offsets[row + 1], COLUMN] = torch.nan
    return replace(bags, levels={**bags.levels, SOURCE: tiles})


def without_teacher(bags: PackedBags, rows: list[int]) -> PackedBags:
    """Return the bags as if the first teacher had not seen some cases."""
    mask = torch.ones(len(bags.case_ids), dtype=torch.bool)
    mask[rows] = False
    hidden = ~mask.repeat_interleave(bags.lengths)
    levels = {
        source: tensor.masked_fill(hidden[:, None], 0.0) if source[0] == "ann" else tensor
        for source, tensor in bags.levels.items()
    }
    return replace(bags, levels=levels, present={"ann": mask})


def fitted(name: str, study: Study) -> ArmResult:
    common = {"study": study, "config": QUICK, "execution": Execution(), "progress": Quiet}
    if name == "student":
        config = StudentConfig(dim=8, n_blocks=1)
        return fit_student(student=config, teachers=make_teachers(), **common)
    return fit_baseline(BaselineFamily(name), teacher="ann", **common)


ARMS = ("mean_pool", "abmil", "student")


@pytest.mark.parametrize("name", ARMS)
def test_nan_is_filled_in_and_marked_where_that_is_asked(name):
    bags, outcomes, splits = make_case_study(Task.SURVIVAL)
    holes = holed(bags, [0, 5, 9])
    with pytest.raises(FeatureError, match="NaN"):
        Study.of(holes, outcomes=outcomes, splits=splits)
    result = fitted(name, Study.of(holes, outcomes=outcomes, splits=splits, impute=True))
    assert np.isfinite(result.predictions["risk"]).all()
    assert '"impute":true' in result.spec.model_dump_json()


@pytest.mark.parametrize("name", ARMS)
def test_what_fills_in_comes_from_training_cases_alone(name):
    bags, outcomes, splits = make_case_study(Task.SURVIVAL)
    tested = rows_of(splits.folds[0].test, case_ids=bags.case_ids).tolist()
    tiles = bags.levels[SOURCE].clone()
    for row in tested:
        tiles[bags.offsets[row] : bags.offsets[row + 1]] *= 100
    other = replace(bags, levels={**bags.levels, SOURCE: tiles})
    members = [
        fitted(
            name,
            Study.of(holed(b, [0, 5, 9]), outcomes=outcomes, splits=splits, impute=True),
        ).members[0]
        for b in (bags, other)
    ]
    for key, tensor in members[0].tensors.items():
        assert torch.equal(tensor, members[1].tensors[key]), key


@pytest.mark.parametrize("impute", [False, True])
@pytest.mark.parametrize("name", ARMS)
def test_a_case_without_a_teacher_is_predicted_and_marked(name, impute):
    bags, outcomes, splits = make_case_study(Task.SURVIVAL)
    masked = without_teacher(bags, [1, 4])
    result = fitted(name, Study.of(masked, outcomes=outcomes, splits=splits, impute=impute))
    frame = result.predictions[result.predictions["part"] == "test"].set_index("case_id")
    assert np.isfinite(frame["risk"]).all()
    lacking = {bags.case_ids[1], bags.case_ids[4]}
    assert set(frame.index[frame[N_MISSING] == 1]) == lacking
    assert set(frame.index[frame[N_MISSING] == 0]) == set(bags.case_ids) - lacking


@pytest.mark.parametrize("name", ["mean_pool", "abmil"])
def test_what_stands_in_the_place_of_absent_features_changes_nothing(name):
    bags, outcomes, splits = make_case_study(Task.SURVIVAL)
    masked = without_teacher(bags, [1, 4])
    shown = replace(bags, present=masked.present)
    tables = [
        fitted(name, Study.of(b, outcomes=outcomes, splits=splits)).predictions
        for b in (masked, shown)
    ]
    pd.testing.assert_frame_equal(*tables)


def test_the_late_ensemble_leaves_out_arms_whose_teacher_is_absent():
    keys = {"seed": [0, 0], "fold": [0, 0], "part": ["test", "test"], "case_id": ["a", "b"]}
    seen = pd.DataFrame({"arm": "x", **keys, "prob_u": [0.2, 0.4], "prob_v": [0.8, 0.6]})
    lacking = seen.assign(arm="y", prob_u=[0.6, 0.9], prob_v=[0.4, 0.1], n_teachers_missing=[0, 1])
    fused = fuse_late([seen, lacking])
    np.testing.assert_allclose(fused["prob_u"], [0.4, 0.4])
    assert fused[N_MISSING].tolist() == [0, 1]


@pytest.mark.parametrize("task", list(Task))
def test_logit_prod_leaves_out_arms_whose_teacher_is_absent(task, tmp_path):
    bags, outcomes, splits = make_case_study(task)
    masked = without_teacher(bags, [1, 4, 15])
    study = Study.of(masked, outcomes=outcomes, splits=splits)
    fit = LogitProdFit(outcomes, splits=splits, config=LEARNING, ridge=1.0)
    arms = [
        fit_baseline(
            BaselineFamily.ABMIL,
            teacher=teacher,
            study=study,
            config=LEARNING,
            execution=Execution(),
            progress=Quiet,
        )
        for teacher in ("ann", "bob")
    ]
    fused = fit_logit_prod(arms, fit=fit)
    table = fused.predictions.set_index(["fold", "part", "case_id"])
    lacking = table[N_MISSING] == 1
    assert set(table.index[lacking].get_level_values("case_id")) == {
        bags.case_ids[row] for row in (1, 4, 15)
    }
    assert (table.loc[~lacking, N_MISSING] == 0).all()
    outputs = [name for name in table if name.startswith("output_")]
    of_bob = arms[1].predictions.set_index(["fold", "part", "case_id"]).loc[table.index]
    np.testing.assert_allclose(table.loc[lacking, outputs], of_bob.loc[lacking, outputs])
    assert not np.allclose(table.loc[~lacking, outputs], of_bob.loc[~lacking, outputs])
    paths = {"json_path": tmp_path / "a.json", "safetensors_path": tmp_path / "a.safetensors"}
    save_arm(fused, teachers=make_teachers(), provenance={}, **paths)
    ensemble = load_ensemble(*paths.values())
    for number, network in enumerate(ensemble.networks):
        own = table.loc[number]
        rows = rows_of(own.index.get_level_values("case_id").tolist(), case_ids=bags.case_ids)
        found = outputs_of(network, masked, rows=torch.from_numpy(rows))
        np.testing.assert_allclose(found, own[outputs], rtol=1e-4, atol=1e-5)
    predicted = ensemble.predict(masked)
    assert np.flatnonzero(predicted[N_MISSING]).tolist() == [1, 4, 15]
    assert N_MISSING not in ensemble.predict(bags)


def _mean_pools(study: Study) -> list[ArmResult]:
    return [
        fit_baseline(
            BaselineFamily.MEAN_POOL,
            teacher=teacher,
            study=study,
            config=LEARNING,
            execution=Execution(),
            progress=Quiet,
        )
        for teacher in ("ann", "bob")
    ]


def test_weights_of_logit_prod_come_from_cases_that_all_arms_have_seen():
    bags, outcomes, splits = make_case_study(Task.CLASSIFICATION)
    hidden = [bags.case_ids.index(name) for name in splits.folds[0].validation[:3]]
    study = Study.of(without_teacher(bags, hidden), outcomes=outcomes, splits=splits)
    fit = LogitProdFit(outcomes, splits=splits, config=LEARNING, ridge=1.0)
    told = fit_logit_prod(_mean_pools(study), fit=fit).members[0].record.fusion
    assert told is not None
    assert told.n_informative == len(splits.folds[0].validation) - 3


def test_weights_stay_equal_where_no_validation_case_has_all_teachers():
    bags, outcomes, splits = make_case_study(Task.CLASSIFICATION)
    hidden = [bags.case_ids.index(name) for name in splits.folds[0].validation]
    study = Study.of(without_teacher(bags, hidden), outcomes=outcomes, splits=splits)
    fit = LogitProdFit(outcomes, splits=splits, config=LEARNING, ridge=1.0)
    told = fit_logit_prod(_mean_pools(study), fit=fit).members[0].record.fusion
    assert told is not None
    assert (told.weights, told.n_informative) == ((0.5, 0.5), 0)


def test_present_parts_alone_count_and_all_parts_where_none_is_present():
    weights = torch.tensor([0.6, 0.4, 1e-17], dtype=torch.float64)
    seen = torch.tensor([[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0]], dtype=torch.bool)
    logits = torch.eye(3, dtype=torch.float64)[:, None].expand(3, 4, 3)
    expected = [[0.6, 0.4, 0], [0, 1, 0], [0, 0, 1], [0.6, 0.4, 0]]
    np.testing.assert_allclose(weighted(logits, weights=weights, seen=seen), expected, atol=1e-12)
    two = torch.tensor([[0], [1], [1]], dtype=torch.bool)
    left = torch.tensor([1.0, 1e-17, 3e-18], dtype=torch.float64)
    np.testing.assert_allclose(weighted(logits[:, :1], weights=left, seen=two), [[0, 0.5, 0.5]])


def test_a_bundle_counts_only_the_teachers_that_its_arm_reads(tmp_path):
    bags, outcomes, splits = make_case_study(Task.SURVIVAL)
    masked = without_teacher(bags, [2])
    study = Study.of(masked, outcomes=outcomes, splits=splits)
    for teacher, expected in (("ann", [2]), ("bob", [])):
        result = fit_baseline(
            BaselineFamily.MEAN_POOL,
            teacher=teacher,
            study=study,
            config=QUICK,
            execution=Execution(),
            progress=Quiet,
        )
        paths = [tmp_path / f"{teacher}.json", tmp_path / f"{teacher}.safetensors"]
        save_arm(
            result,
            json_path=paths[0],
            safetensors_path=paths[1],
            teachers=make_teachers(),
            provenance={},
        )
        predicted = load_ensemble(*paths).predict(masked)
        assert np.flatnonzero(predicted[N_MISSING]).tolist() == expected


def test_cases_that_no_teacher_has_seen_whole_stop_before_a_fit():
    bags, outcomes, splits = make_case_study(Task.SURVIVAL)
    nobody = without_teacher(bags, [1, 4])
    nobody = replace(nobody, present=dict.fromkeys(("ann", "bob"), nobody.present["ann"]))
    with pytest.raises(FeatureError, match=r"2 case\(s\) .*one slide of a case"):
        Study.of(nobody, outcomes=outcomes, splits=splits)


def test_the_published_student_fills_in_the_training_mean():
    bags, outcomes, splits = make_case_study(Task.SURVIVAL)
    study = Study.of(holed(bags, [0, 5, 9]), outcomes=outcomes, splits=splits, impute=True)
    result = fit_student(
        student=StudentConfig(dim=8, n_blocks=1, variant=Variant.FAITHFUL),
        teachers=make_teachers(),
        study=study,
        config=QUICK,
        execution=Execution(),
        progress=Quiet,
    )
    train = torch.from_numpy(rows_of(splits.folds[0].train, case_ids=bags.case_ids))
    network = load_network(result.spec, member=result.members[0])
    standardise = network.project[network.sources.index(SOURCE)].standardise
    torch.testing.assert_close(standardise.mean, study.moments.statistics(SOURCE, rows=train)[0])
    assert torch.equal(standardise.sd, torch.ones_like(standardise.sd))


def test_risks_are_ranked_among_cases_that_the_teacher_has_seen():
    bags, outcomes, splits = make_case_study(Task.SURVIVAL)
    unseen = rows_of(splits.folds[0].validation, case_ids=bags.case_ids).tolist()[:2]
    study = Study.of(without_teacher(bags, unseen), outcomes=outcomes, splits=splits)
    member = fitted("abmil", study).members[0]
    assert len(member.validation_risks) == len(splits.folds[0].validation) - 2
    table = fitted("abmil", study).predictions
    of_part = "part == 'validation' and fold == 0 and n_teachers_missing == 0"
    seen = table.query(of_part).set_index("case_id")["risk"]
    fused = fuse_late([table]).query(of_part).set_index("case_id")["risk"]
    expected = ecdf(seen.to_numpy(), reference=seen.to_numpy())
    np.testing.assert_allclose(fused[seen.index], expected)
