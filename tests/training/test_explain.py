"""The gate's weights that a report shows are those of the cases a member never saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from shazam.config.arms import BaselineFamily, StudentArm
from shazam.config.cohort import Task
from shazam.config.student import StudentConfig, StudentV1Config, Variant
from shazam.explanations import Explanations
from shazam.models.arm import ArmResult
from shazam.models.bundle import Ensemble, load_ensemble, save_arm
from shazam.training.arms import fit_baseline
from shazam.training.execution import Execution
from shazam.training.explain import explain
from shazam.training.student import fit_student
from shazam.training.study import Study
from tests.training.made import QUICK, TEACHERS, Quiet, make_study, make_teachers

SMALL = StudentConfig(dim=8, n_blocks=1, v1=StudentV1Config(dim=8, n_blocks=1))


@pytest.fixture(scope="module")
def study() -> Study:
    return make_study(Task.SURVIVAL)


def stored(result: ArmResult, folder: Path) -> Ensemble:
    paths = {"json_path": folder / "m.json", "safetensors_path": folder / "m.safetensors"}
    save_arm(result, teachers=make_teachers(), provenance={}, **paths)
    return load_ensemble(*paths.values())


def student(
    study: Study, folder: Path, *, arm: StudentArm = StudentArm.V2, student: StudentConfig = SMALL
) -> Ensemble:
    result = fit_student(
        arm,
        study=study,
        config=QUICK.model_copy(update={"seeds": (0, 1)}),
        student=student,
        teachers=make_teachers(),
        execution=Execution(),
        progress=Quiet,
    )
    return stored(result, folder)


@pytest.fixture(scope="module")
def ensemble(study, tmp_path_factory) -> Ensemble:
    return student(study, tmp_path_factory.mktemp("student"))


@pytest.fixture(scope="module")
def found(study, ensemble) -> Explanations:
    return explain(ensemble, study.bags, splits=study.splits)


def test_there_is_a_weight_for_each_fold_level_and_teacher(study, found):
    keys = [(entry.fold, entry.level, entry.teacher) for entry in found.gates]
    assert keys == [
        (fold, level, teacher)
        for fold in range(3)
        for level in ("low", "mid", "high")
        for teacher in TEACHERS
    ]
    assert {entry.n_cases for entry in found.gates} == {15}
    assert not found.inert


def test_weights_sum_to_one_over_the_teachers(found):
    for fold in range(3):
        for level in ("low", "mid", "high"):
            own = [e.mean for e in found.gates if (e.fold, e.level) == (fold, level)]
            assert sum(own) == pytest.approx(1, abs=1e-6)


def test_they_are_the_mean_over_seeds_of_the_cases_the_members_never_saw(study, ensemble, found):
    rows = [study.bags.case_ids.index(case_id) for case_id in study.splits.folds[1].test]
    by_seed = []
    for member, network in zip(ensemble.members, ensemble.networks, strict=True):
        if member.record.fold == 1:
            with torch.inference_mode():
                encoded = network.eval().encode(study.bags.select(rows))
            by_seed.append(encoded.levels["mid"].weights.double().numpy())
    assert len(by_seed) == 2
    own = [e for e in found.gates if (e.fold, e.level) == (1, "mid")]
    cases = np.mean(by_seed, axis=0)
    np.testing.assert_allclose([e.mean for e in own], cases.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose([e.sd for e in own], cases.std(axis=0), atol=1e-6)


def test_the_inert_gate_of_the_published_form_is_marked(study, tmp_path):
    faithful = SMALL.model_copy(update={"variant": Variant.FAITHFUL})
    made = student(study, tmp_path, student=faithful)
    assert explain(made, study.bags, splits=study.splits).inert


@pytest.mark.parametrize("arm", ["abmil", "v1"])
def test_an_arm_without_a_gate_says_so(study, tmp_path, arm):
    if arm == "v1":
        made = student(study, tmp_path, arm=StudentArm.V1)
    else:
        result = fit_baseline(
            BaselineFamily.ABMIL,
            teacher=TEACHERS[0],
            study=study,
            config=QUICK,
            execution=Execution(),
            progress=Quiet,
        )
        made = stored(result, tmp_path)
    found = explain(made, study.bags, splits=study.splits)
    assert found.gates == ()
    assert "has no gate over teachers" in (found.without_gates or "")
