"""What is kept of a fitted unit: its record, its weights and its inner-validation risks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from shazam.config.cohort import Task
from shazam.models.arm import Member, MemberRecord, Stopping
from shazam.models.segments import BagSource
from shazam.training.fit import FitReport
from shazam.training.outcomes import Outcomes
from shazam.training.scale import value_scale
from shazam.training.unit import Fitted, Unit


def record_of(fitted: Fitted, *, unit: Unit, outcomes: Outcomes) -> MemberRecord:
    """Return how a fit went, and what its scores are read by."""
    report = fitted.report or FitReport(Stopping.CLOSED_FORM, 0, 0, kept_epoch=0)
    bins = fitted.bins
    scale = None
    if outcomes.task is Task.REGRESSION:
        scale = value_scale(outcomes, train=unit.train)
    return MemberRecord(
        fold=unit.fold,
        seed=unit.seed,
        n_outputs=fitted.n_outputs,
        n_train_cases=len(unit.train),
        stopping=report.stopping,
        n_epochs=report.n_epochs,
        n_steps=report.n_steps,
        kept_epoch=report.kept_epoch,
        validation_loss=report.validation_loss,
        cut_points_months=bins.cut_points_months if bins else (),
        max_time_months=bins.max_time_months if bins else None,
        value_means=tuple(scale.mean.tolist()) if scale else (),
        value_sds=tuple(scale.sd.tolist()) if scale else (),
        baseline_edges_months=fitted.baseline.edges_months if fitted.baseline else (),
        baseline_log_hazard=fitted.baseline.log_hazard if fitted.baseline else (),
    )


def seen_by_any(bags: BagSource, *, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return the cases that a teacher of the arm has seen; all of them if it has seen none."""
    teachers = {teacher for teacher, _ in bags.dims}
    if not teachers <= set(bags.present):
        return np.ones(len(rows), dtype=np.bool_)
    masks = torch.stack([bags.present[teacher] for teacher in teachers])
    seen: npt.NDArray[np.bool_] = masks.any(dim=0).numpy()[rows]
    return seen if seen.any() else np.ones(len(rows), dtype=np.bool_)


def member_of(fitted: Fitted, *, record: MemberRecord, validation: pd.DataFrame) -> Member:
    """Return a fitted network with its sorted risks of the validation cases given."""
    risks = None
    if "risk" in validation:
        risks = torch.from_numpy(np.sort(validation["risk"].to_numpy(dtype=np.float64)))
    tensors = {name: t.detach().clone() for name, t in fitted.network.state_dict().items()}
    return Member(record=record, tensors=tensors, validation_risks=risks)
