"""What holds for every arm: same rows, same bytes for a seed, nothing learnt from a test case."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sksurv.metrics import concordance_index_censored

from shazam.cohort.folds import Splits
from shazam.config.arms import BaselineFamily, JointFamily, StudentArm, arm_name
from shazam.config.cohort import Task
from shazam.config.student import (
    Form,
    StudentConfig,
    StudentV1Config,
    TargetScale,
    Variant,
)
from shazam.config.training import TrainingConfig
from shazam.errors import ConfigError
from shazam.models.arm import ArmResult, Stopping
from shazam.training.arms import fit_baseline, fit_joint
from shazam.training.execution import Execution
from shazam.training.logit_prod import LogitProdFit, fit_logit_prod
from shazam.training.outcomes import Outcomes
from shazam.training.student import fit_student
from shazam.training.study import Study
from tests.training.made import (
    QUICK,
    TEACHERS,
    Quiet,
    make_case_study,
    make_splits_of,
    make_study,
    make_teachers,
)

STUDENTS = {
    "fusion_student_v2": {},
    "fusion_student_v1": {},
    "v2.faithful": {"variant": Variant.FAITHFUL},
    "v1.faithful": {"variant": Variant.FAITHFUL},
    "v2.tile": {"form": Form.TILE},
    "v2.tile.faithful": {"form": Form.TILE, "variant": Variant.FAITHFUL},
    "v2.isotropic": {"target_scale": TargetScale.ISOTROPIC, "decorrelation_weight": 0.1},
}
QUICK_ARMS = (
    *("mean_pool.ann", "abmil.ann", "clam_sb.ann", "concat_abmil", "logit_prod"),
    *("fusion_student_v2", "fusion_student_v1"),
)
ARMS = (*QUICK_ARMS, "trans_mil.ann", *(name for name in STUDENTS if name not in QUICK_ARMS))
EVERY_ARM = pytest.mark.parametrize("arm", ARMS)
EVERY_TASK = pytest.mark.parametrize("task", list(Task))
SMALL = StudentConfig(dim=8, n_blocks=1, v1=StudentV1Config(dim=32, n_blocks=1))


def _fit(
    arm: str,
    study: Study,
    *,
    config: TrainingConfig = QUICK,
) -> ArmResult:
    if arm in STUDENTS:
        return fit_student(
            StudentArm.V1 if "v1" in arm else StudentArm.V2,
            study=study,
            config=config,
            student=SMALL.model_copy(update=STUDENTS[arm]),
            teachers=make_teachers(),
            execution=Execution(),
            progress=Quiet,
        )
    if arm == "logit_prod":
        return _fused(study, config=config)
    if arm == "concat_abmil":
        return fit_joint(
            JointFamily.CONCAT_ABMIL,
            teachers=TEACHERS,
            study=study,
            config=config,
            execution=Execution(),
            progress=Quiet,
        )
    family, teacher = arm.split(".")
    return fit_baseline(
        BaselineFamily(family),
        teacher=teacher,
        study=study,
        config=config,
        execution=Execution(),
        progress=Quiet,
    )


def _fused(study: Study, *, config: TrainingConfig) -> ArmResult:
    parts = [_fit(f"abmil.{teacher}", study, config=config) for teacher in TEACHERS]
    fit = LogitProdFit(study.outcomes, splits=study.splits, config=config, ridge=10.0)
    return fit_logit_prod(parts, fit=fit)


def _mean_c(predictions: pd.DataFrame, outcomes: Outcomes) -> float:
    time_months, event = outcomes.survival()
    row = {case_id: index for index, case_id in enumerate(outcomes.case_ids)}
    values = []
    for _, part in predictions[predictions["part"] == "test"].groupby(["seed", "fold"]):
        rows = [row[case_id] for case_id in part["case_id"]]
        risks = part["risk"].to_numpy()
        values.append(concordance_index_censored(event[rows], time_months[rows], risks)[0])
    return float(np.mean(values))


@EVERY_TASK
@EVERY_ARM
def test_every_case_is_predicted_once_per_seed_where_it_was_not_trained_on(
    arm: str, task: Task
) -> None:
    study = make_study(task)
    config = QUICK.model_copy(update={"seeds": (0, 3)})
    result = _fit(arm, study, config=config)
    table = result.predictions
    scores = {
        Task.SURVIVAL: ["risk"],
        Task.CLASSIFICATION: ["prob_high", "prob_low", "prob_mid"],
        Task.REGRESSION: ["value_CD8A", "value_HLA-A"],
    }[task]
    made = ("output_", "weight_", "edge_", "survival_")
    others = [name for name in table.columns if not name.startswith(made)]
    assert others == ["arm", "seed", "fold", "part", "case_id", *scores]
    assert table[["seed", "fold"]].dtypes.tolist() == [np.int64, np.int64]
    assert np.isfinite(table[scores].to_numpy(dtype=np.float64)).all()
    for seed in (0, 3):
        for number, fold in enumerate(study.splits.folds):
            unit = table[(table["seed"] == seed) & (table["fold"] == number)]
            assert set(unit[unit["part"] == "test"]["case_id"]) == set(fold.test)
            assert set(unit[unit["part"] == "validation"]["case_id"]) == set(fold.validation)
            assert len(unit) == len(fold.test) + len(fold.validation)
    if task is Task.CLASSIFICATION:
        np.testing.assert_allclose(table[scores].sum(axis=1), 1.0)


@EVERY_ARM
def test_same_seed_gives_same_bytes_and_another_seed_other_weights(arm: str) -> None:
    study = make_study(Task.SURVIVAL)
    first, second = _fit(arm, study), _fit(arm, study)
    pd.testing.assert_frame_equal(first.predictions, second.predictions, check_exact=True)
    for one, two in zip(first.members, second.members, strict=True):
        assert one.record == two.record
        assert all(torch.equal(one.tensors[name], two.tensors[name]) for name in one.tensors)
    other = _fit(arm, study, config=QUICK.model_copy(update={"seeds": (1,)}))
    same = np.array_equal(other.predictions["risk"], first.predictions["risk"])
    assert same is (arm == "mean_pool.ann")


@EVERY_ARM
def test_outcomes_and_features_of_test_cases_leave_the_network_alone(arm: str) -> None:
    bags, outcomes, splits = make_case_study(Task.SURVIVAL)
    rows = [outcomes.case_ids.index(case_id) for case_id in splits.folds[0].test]
    time_months, event = (values.copy() for values in outcomes.survival())
    time_months[rows], event[rows] = 500.0, ~event[rows]
    levels = {source: tensor.clone() for source, tensor in bags.levels.items()}
    for row in rows:
        for tensor in levels.values():
            tensor[bags.offsets[row] : bags.offsets[row + 1]] += 5.0
    one_fold = Splits(folds=splits.folds[:1], sites_preserved=False)
    altered = replace(outcomes, time_months=time_months, event=event)
    other = replace(bags, levels=levels)
    before = _fit(arm, Study.of(bags, outcomes=outcomes, splits=one_fold)).members[0]
    after = _fit(arm, Study.of(other, outcomes=altered, splits=one_fold)).members[0]
    assert after.record == before.record
    assert all(torch.equal(after.tensors[name], before.tensors[name]) for name in before.tensors)


@pytest.mark.parametrize("arm", QUICK_ARMS)
def test_signal_is_learnt(arm: str) -> None:
    study = make_study(Task.SURVIVAL, n_cases=60, seed=1)
    config = TrainingConfig(max_epochs=16, abmil_dim=16, learning_rate=5e-3)
    # gated attention learns slower, in the same steps
    least = 0.65 if arm == "clam_sb.ann" else 0.68
    assert _mean_c(_fit(arm, study, config=config).predictions, study.outcomes) > least


@pytest.mark.parametrize("arm", QUICK_ARMS)
def test_nothing_is_learnt_from_permuted_outcomes(arm: str) -> None:
    study = make_study(Task.SURVIVAL, n_cases=60, seed=1)
    found = []
    for seed in range(6):
        null = study.permuted(seed)
        found.append(_mean_c(_fit(arm, null).predictions, null.outcomes))
    assert np.mean(found) == pytest.approx(0.5, abs=0.1)


@EVERY_TASK
@EVERY_ARM
def test_a_very_small_cohort_works(arm: str, task: Task) -> None:
    bags, outcomes, _ = make_case_study(task, n_cases=12, seed=1)
    splits = make_splits_of(bags.case_ids, n_folds=2)
    assert len(_fit(arm, Study.of(bags, outcomes=outcomes, splits=splits)).members) == 2


def test_early_stopping_needs_enough_validation_cases() -> None:
    study = make_study(Task.CLASSIFICATION)
    plenty = _fit("abmil.ann", study, config=QUICK.model_copy(update={"min_validation_events": 4}))
    scarce = _fit("abmil.ann", study)
    assert {m.record.stopping for m in plenty.members} == {Stopping.VALIDATION_LOSS}
    assert {m.record.stopping for m in scarce.members} == {Stopping.FIXED_EPOCHS}


def test_wrong_inputs_are_refused_before_training() -> None:
    bags, outcomes, splits = make_case_study(Task.SURVIVAL)
    with pytest.raises(ConfigError, match="no high features of teacher 'eve'"):
        _fit("mean_pool.eve", Study.of(bags, outcomes=outcomes, splits=splits))
    other = replace(outcomes, case_ids=outcomes.case_ids[::-1])
    with pytest.raises(ConfigError, match="other cases"):
        Study.of(bags, outcomes=other, splits=splits)
    lacking = replace(bags, levels={("ann", "high"): bags.levels["ann", "high"]})
    with pytest.raises(ConfigError, match="no level that all of"):
        _fit("fusion_student_v2", Study.of(lacking, outcomes=outcomes, splits=splits))


@pytest.mark.parametrize("n_validation_events", [1, 1000])
def test_compared_networks_have_one_budget_and_one_rule_of_selection(
    n_validation_events: int,
) -> None:
    study = make_study(Task.SURVIVAL)
    config = QUICK.model_copy(
        update={"min_validation_events": n_validation_events, "patience_epochs": 1}
    )
    networks = [arm for arm in ARMS if arm not in ("mean_pool.ann", "logit_prod")]
    records = [[m.record for m in _fit(arm, study, config=config).members] for arm in networks]
    rule = Stopping.VALIDATION_LOSS if n_validation_events == 1 else Stopping.FIXED_EPOCHS
    for of_unit in zip(*records, strict=True):
        steps_per_epoch = -(-of_unit[0].n_train_cases // config.batch_cases)
        assert {record.stopping for record in of_unit} == {rule}
        for record in of_unit:
            assert record.n_steps == record.n_epochs * steps_per_epoch
            assert 0 < record.n_epochs <= config.max_epochs
        if rule is Stopping.FIXED_EPOCHS:
            assert {record.n_epochs for record in of_unit} == {config.max_epochs}


def test_arm_names_carry_family_and_teacher() -> None:
    assert arm_name(BaselineFamily.ABMIL, "ann") == "abmil.ann"
