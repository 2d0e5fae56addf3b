"""Units in several processes give what units one after the other give, whatever happens."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import pandas as pd
import pytest
import torch

from shazam.config.arms import BaselineFamily
from shazam.config.cohort import Task
from shazam.errors import ConfigError, TrainingError
from shazam.models.arm import ArmResult
from shazam.training.arms import fit_baseline
from shazam.training.execution import Execution, executed
from shazam.training.parallel import run_all
from shazam.training.study import Study
from shazam.training.unit import Unit
from shazam.training.units import UnitWork
from shazam.workspace import Workspace
from tests.training.made import QUICK, Quiet, make_study

CONFIG = QUICK.model_copy(update={"seeds": (0, 1)})


@dataclass(frozen=True, slots=True)
class _Mark:
    """Writes who did an item; the other process may have to die of it.

    The owner waits until another process has done the last one, if it is to.
    """

    folder: Path
    owner: int
    dies: bool = False
    waits: bool = True
    slow_from: int = 100

    def __call__(self, item: int) -> None:
        if item >= self.slow_from:
            time.sleep(0.5)
        if os.getpid() == self.owner and item == 1 and self.waits:
            while not (self.folder / "5").exists():
                time.sleep(0.01)
        (self.folder / str(item)).write_text(str(os.getpid()))
        if os.getpid() != self.owner and self.dies:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(autouse=True)
def _processes_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shazam.training.parallel._WORTH_S", 0.0)


def _fit(study: Study, execution: Execution) -> ArmResult:
    return fit_baseline(
        BaselineFamily.ABMIL,
        teacher="ann",
        study=study,
        config=CONFIG,
        execution=execution,
        progress=Quiet,
    )


def _assert_same(one: ArmResult, other: ArmResult) -> None:
    pd.testing.assert_frame_equal(one.predictions, other.predictions, check_exact=True)
    for left, right in zip(one.members, other.members, strict=True):
        assert left.record == right.record
        assert set(left.tensors) == set(right.tensors)
        assert all(torch.equal(left.tensors[name], right.tensors[name]) for name in left.tensors)


def test_two_processes_share_the_work(tmp_path: Path) -> None:
    assert len(list(run_all(_Mark(tmp_path, os.getpid()), range(6), n_workers=2))) == 6
    workers = {(tmp_path / str(item)).read_text() for item in range(6)}
    assert len(workers) == 2
    assert (tmp_path / "0").read_text() == str(os.getpid())


def test_a_process_that_is_killed_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="killed, as happens when memory runs out"):
        list(run_all(_Mark(tmp_path, os.getpid(), dies=True), range(6), n_workers=2))


def test_processes_change_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = make_study(Task.SURVIVAL)
    alone = _fit(study, Execution())
    fit_to_file = UnitWork.fit_to_file

    def after_another(self: UnitWork, unit: Unit) -> None:
        while not any(tmp_path.glob("*.done.pt")):
            time.sleep(0.01)
        fit_to_file(self, unit)

    after_another.__name__ = fit_to_file.__name__  # by which it is sent
    monkeypatch.setattr(UnitWork, fit_to_file.__name__, after_another)
    _assert_same(_fit(study, Execution(checkpoints=tmp_path, n_workers=2)), alone)


def test_finished_units_are_not_fitted_again(tmp_path: Path) -> None:
    study = make_study(Task.SURVIVAL)
    execution = Execution(checkpoints=tmp_path)
    first = _fit(study, execution)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.done.pt")}
    assert len(stamps) == 6
    sorted(stamps)[2].write_bytes(b"damaged")
    _assert_same(_fit(study, execution), first)
    again = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert [path for path in stamps if again[path] != stamps[path]] == [sorted(stamps)[2]]


def test_states_are_kept_after_an_error_and_deleted_after_success(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)

    def attempt(error: Exception | None) -> Path:
        with executed({"splits": "a"}, workspace=workspace, environment={}) as execution:
            assert execution.checkpoints is not None
            execution.checkpoints.mkdir(parents=True, exist_ok=True)
            if error is not None:
                raise error
            return execution.checkpoints

    with pytest.raises(KeyError):
        attempt(KeyError())
    (kept,) = (tmp_path / "checkpoints").iterdir()
    assert attempt(None) == kept
    assert not kept.exists()


@pytest.mark.parametrize("value", ["0", "-1", "two"])
def test_a_number_of_workers_that_is_none_is_refused(value: str, tmp_path: Path) -> None:
    environment = {"SHAZAM_WORKERS": value}
    with (
        pytest.raises(ConfigError, match=f"SHAZAM_WORKERS={value}"),
        executed({}, workspace=Workspace(tmp_path), environment=environment),
    ):
        pass


def test_other_provenance_has_other_states(tmp_path: Path) -> None:
    folders = set()
    for splits in ("a", "b"):
        with executed({"splits": splits}, workspace=Workspace(tmp_path)) as execution:
            folders.add(execution.checkpoints)
    assert len(folders) == 2


def test_the_sums_of_a_study_travel_without_shared_memory() -> None:
    moments = make_study(Task.SURVIVAL).moments
    sent = ForkingPickler.dumps(moments)
    assert not any(tensor.is_shared() for tensor in moments.sums.values())
    back = ForkingPickler.loads(sent)
    assert back.sums.keys() == moments.sums.keys()
    for source, tensor in moments.squares.items():
        assert torch.equal(back.squares[source], tensor)


def test_short_work_starts_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shazam.training.parallel._WORTH_S", 60.0)
    assert (
        len(
            list(
                run_all(_Mark(tmp_path, os.getpid(), dies=True, waits=False), range(6), n_workers=2)
            )
        )
        == 6
    )
    assert {path.read_text() for path in tmp_path.iterdir()} == {str(os.getpid())}


def test_processes_are_started_when_work_turns_out_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the first units were done before a run was cut off."""
    monkeypatch.setattr("shazam.training.parallel._WORTH_S", 1.0)
    work = _Mark(tmp_path, os.getpid(), slow_from=2, waits=False)
    assert len(list(run_all(work, range(30), n_workers=2))) == 30
    assert len({path.read_text() for path in tmp_path.iterdir()}) == 2
