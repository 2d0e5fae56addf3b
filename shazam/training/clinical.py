"""The clinical arm: a ridge Cox or logistic model on columns of the cohort table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from shazam.cohort.folds import Splits
from shazam.cohort.model import Case
from shazam.config.arms import CLINICAL
from shazam.config.cohort import ClinicalKind, Task
from shazam.config.training import TrainingConfig
from shazam.models.clinical import REMARK, ClinicalMember, ClinicalModel, encode
from shazam.models.curves import curve_table
from shazam.models.heads import Head
from shazam.models.score import score_columns, score_table
from shazam.training.breslow import breslow
from shazam.training.clinical_columns import Kind, column_kinds, learn_column
from shazam.training.learnable import check_learnable
from shazam.training.linear import LINEAR_HEADS, fit_linear
from shazam.training.outcomes import Outcomes, rows_of
from shazam.training.scale import value_scale

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ClinicalResult:
    """A fitted clinical arm: predictions of every seed, fold and part, and a member per fold."""

    predictions: pd.DataFrame
    members: tuple[ClinicalMember, ...]
    head: Head
    classes: tuple[str, ...]
    targets: tuple[str, ...] = ()
    arm: str = CLINICAL

    def model(self, provenance: Mapping[str, str]) -> ClinicalModel:
        """Return the model; ``provenance`` are digests by name of what it was fitted on."""
        return ClinicalModel(
            arm=self.arm,
            head=self.head,
            classes=self.classes,
            targets=self.targets,
            members=self.members,
            provenance=dict(provenance),
        )


def fit_clinical(
    cases: Sequence[Case],
    *,
    outcomes: Outcomes,
    splits: Splits,
    config: TrainingConfig,
    kinds: Mapping[str, ClinicalKind] | None = None,
) -> ClinicalResult:
    """Fit the arm for every fold; the seeds share the fits.

    Numbers are standardised and texts one-hot encoded by the training cases; what is missing
    there gets the training mean and an indicator.

    Args:
        cases: all cases of the outcomes, with their clinical columns.
        outcomes: of these cases, in any order.
        splits: outer folds with inner validation.
        config: the ridge, and the seeds that the table names.
        kinds: what the clinical columns hold, as the cohort says; else it is seen from their cells.

    Raises:
        ConfigError: a column cannot be used, or a fold cannot be learnt from.
    """
    check_learnable(outcomes, splits=splits)
    columns = column_kinds(cases, told=kinds)
    known = {case.case_id: dict(case.clinical) for case in cases}
    head = LINEAR_HEADS[outcomes.task]
    members: list[ClinicalMember] = []
    tables: list[pd.DataFrame] = []
    for number, fold in enumerate(splits.folds):
        train = rows_of(fold.train, case_ids=outcomes.case_ids)
        rows = [known[case_id] for case_id in fold.train]
        member = _fit(
            number, rows=rows, train=train, kinds=columns, outcomes=outcomes, config=config
        )
        parts = {
            part: _scored(member, known, case_ids=fold.parts[part], head=head, outcomes=outcomes)
            for part in ("validation", "test")
        }
        tables += [_labelled(parts, seed=seed, fold=number) for seed in config.seeds]
        members.append(_scaled(member, validation=parts["validation"]))
    predictions = pd.concat(tables, ignore_index=True)
    by_seed = predictions.sort_values("seed", kind="stable", ignore_index=True)
    return ClinicalResult(by_seed, tuple(members), head, outcomes.classes, outcomes.targets)


def _fit(
    number: int,
    *,
    rows: Sequence[Row],
    train: npt.NDArray[np.int64],
    kinds: Mapping[str, Kind],
    outcomes: Outcomes,
    config: TrainingConfig,
) -> ClinicalMember:
    columns = tuple(
        learn_column(name, [row[name] for row in rows], kind=kind) for name, kind in kinds.items()
    )
    features, _ = encode(rows, columns=columns)
    weights, bias = fit_linear(features, outcomes=outcomes, rows=train, config=config)
    if outcomes.task is Task.REGRESSION:
        scale = value_scale(outcomes, train=train)
        weights, bias = weights * scale.sd[:, None], bias * scale.sd + scale.mean
    baseline = None
    if outcomes.task is Task.SURVIVAL:
        time_months, event = outcomes.survival()
        risks = features @ weights[0] + bias[0]
        baseline = breslow(risks, time_months=time_months[train], event=event[train])
    return ClinicalMember(
        fold=number,
        n_train_cases=len(train),
        columns=columns,
        weights=tuple(tuple(row) for row in weights.tolist()),
        bias=tuple(bias.tolist()),
        baseline_edges_months=baseline.edges_months if baseline else (),
        baseline_log_hazard=baseline.log_hazard if baseline else (),
    )


def _scored(
    member: ClinicalMember,
    known: Mapping[str, Row],
    *,
    case_ids: Sequence[str],
    head: Head,
    outcomes: Outcomes,
) -> pd.DataFrame:
    rows = [known[case_id] for case_id in case_ids]
    columns = score_columns(head=head, classes=outcomes.classes, targets=outcomes.targets)
    scores = member.scores(rows, head=head)
    table = score_table(scores, case_ids=case_ids, columns=columns)
    table[REMARK] = encode(rows, columns=member.columns)[1]
    return pd.concat([table, curve_table(scores, head=head, record=member)], axis=1)


def _labelled(parts: Mapping[str, pd.DataFrame], *, seed: int, fold: int) -> pd.DataFrame:
    labelled = pd.concat([table.assign(part=part) for part, table in parts.items()])
    labelled.insert(0, "arm", CLINICAL)
    labelled.insert(1, "seed", np.int64(seed))
    labelled.insert(2, "fold", np.int64(fold))
    labelled.insert(3, "part", labelled.pop("part"))
    return labelled


def _scaled(member: ClinicalMember, *, validation: pd.DataFrame) -> ClinicalMember:
    if "risk" not in validation:
        return member
    risks = validation["risk"].to_numpy(dtype=np.float64)
    scale = {"validation_mean": float(risks.mean()), "validation_sd": float(risks.std()) or 1.0}
    return member.model_copy(update=scale)
