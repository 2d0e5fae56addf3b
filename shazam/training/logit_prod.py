"""The LogitProd arm: weights of frozen single-teacher heads, learnt on inner validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from scipy.optimize import minimize
from torch import Tensor

from shazam.cohort.folds import Splits
from shazam.config.arms import LOGIT_PROD
from shazam.config.training import TrainingConfig
from shazam.errors import ConfigError
from shazam.models.arm import (
    ArmResult,
    FusionRecord,
    FusionRule,
    Member,
    MemberRecord,
    Stopping,
)
from shazam.models.curves import curve_table
from shazam.models.heads import Head, scores_of
from shazam.models.logit_prod import weighted
from shazam.models.specs import LogitProdSpec
from shazam.predictions import (
    N_MISSING,
    n_missing_of,
    output_columns,
    score_columns,
    weight_columns,
)
from shazam.training.breslow import breslow
from shazam.training.fusion import KEYS, aligned, check_folds
from shazam.training.learnable import check_learnable
from shazam.training.outcomes import Outcomes, rows_of
from shazam.training.targets import Target, target_of

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LogitProdFit:
    """What fuses the arms of one fold and seed.

    Args:
        outcomes: of all cases.
        splits: the folds that the arms were fitted on.
        config: what the arms were fitted with; below ``min_validation_events`` informative
            validation cases the weights stay equal.
        ridge: see :func:`learn_weights`.
    """

    outcomes: Outcomes
    splits: Splits
    config: TrainingConfig
    ridge: float

    def weigh(
        self, outputs: Tensor, table: pd.DataFrame, *, seen: Tensor | None, record: MemberRecord
    ) -> tuple[FloatArray, FusionRule, int]:
        """Return the weights, how they came about, and from how many informative cases.

        They are learnt from validation cases that all arms' teachers have seen.

        Args:
            outputs: float64 ``[n_arms, n_rows, n_outputs]``.
            table: the rows, of one fold and seed.
            seen: bool ``[n_arms, n_rows]``; None for all.
            record: of the first arm.
        """
        case_ids = self.outcomes.case_ids
        train = rows_of(self.splits.folds[record.fold].train, case_ids=case_ids)
        target = target_of(self.outcomes, train=train, config=self.config)
        usable = (table["part"] == "validation").to_numpy()
        if seen is not None:
            usable = usable & seen.all(dim=0).numpy()
        chosen = np.flatnonzero(usable)
        rows = torch.from_numpy(rows_of(table["case_id"].iloc[chosen].tolist(), case_ids=case_ids))
        n_informative = target.n_informative(rows)
        if n_informative < self.config.min_validation_events:
            n_arms = len(outputs)
            return np.full(n_arms, 1.0 / n_arms), FusionRule.EQUAL, n_informative
        weights = learn_weights(outputs[:, chosen], target=target, rows=rows, ridge=self.ridge)
        return weights, FusionRule.LEARNT, n_informative

    def timed(
        self, record: MemberRecord, *, head: Head, outputs: Tensor, table: pd.DataFrame
    ) -> MemberRecord:
        """Return the record with the baseline of fused log hazard ratios, from inner validation.

        Args:
            record: of the first arm.
            head: what outputs mean.
            outputs: fused, float64 ``[n_rows, n_outputs]``.
            table: the rows, of one fold and seed.
        """
        if head is not Head.LINEAR_RISK:
            return record
        time_months, event = self.outcomes.survival()
        chosen = np.flatnonzero(table["part"] == "validation")
        rows = rows_of(table["case_id"].iloc[chosen].tolist(), case_ids=self.outcomes.case_ids)
        baseline = None
        if event[rows].sum() >= self.config.min_validation_events:
            risks = outputs[chosen, 0].numpy()
            baseline = breslow(risks, time_months=time_months[rows], event=event[rows])
        return record.model_copy(
            update={
                "baseline_edges_months": baseline.edges_months if baseline else (),
                "baseline_log_hazard": baseline.log_hazard if baseline else (),
            }
        )


def fit_logit_prod(arms: Sequence[ArmResult], *, fit: LogitProdFit) -> ArmResult:
    """Fuse arms for every fold and seed.

    Args:
        arms: single-teacher arms of one family, with outputs in their predictions.
        fit: what they are fused by.

    Raises:
        ConfigError: the arms have other cases, folds, seeds or outputs, or a fold cannot be
            learnt from.
    """
    check_learnable(fit.outcomes, splits=fit.splits)
    tables = aligned([arm.predictions for arm in arms], fusion=LOGIT_PROD)
    check_folds(tables[0], splits=fit.splits, fusion=LOGIT_PROD)
    _check_alike(arms)
    names = tuple(arm.arm for arm in arms)
    fused: list[pd.DataFrame] = []
    members: list[Member] = []
    for parts in zip(*(arm.members for arm in arms), strict=True):
        record = parts[0].record
        own = [_of_unit(table, record=record) for table in tables]
        outputs = _outputs(own, n_outputs=record.n_outputs)
        seen = _seen(own)
        weights, rule, n_informative = fit.weigh(outputs, own[0], seen=seen, record=record)
        told = FusionRecord(
            rule=rule, arms=names, weights=tuple(weights.tolist()), n_informative=n_informative
        )
        total = weighted(outputs, weights=torch.from_numpy(weights), seen=seen)
        record = fit.timed(record, head=arms[0].head, outputs=total, table=own[0])
        table = _fused(own, total, head=arms[0].head, record=record)
        fused.append(table.assign(**dict(zip(weight_columns(names), weights, strict=True))))
        members.append(_member(parts, table, record=record, fusion=told))
    return ArmResult(
        arm=LOGIT_PROD,
        predictions=pd.concat(fused, ignore_index=True),
        members=tuple(members),
        spec=LogitProdSpec.of([arm.spec for arm in arms]),
        head=arms[0].head,
        classes=arms[0].classes,
        targets=arms[0].targets,
    )


def learn_weights(outputs: Tensor, *, target: Target, rows: Tensor, ridge: float) -> FloatArray:
    """Return the weights that minimise ``n loss(sum_t w_t outputs_t) + ridge sum_t (w_t - 1/T)^2``.

    They are at least 0 and sum to 1. The summed loss grows with the cases and the penalty does
    not, so few cases leave the weights near equal. The problem is convex for every task.

    Args:
        outputs: float64 ``[T, n, n_outputs]`` of the inner-validation cases.
        target: whose loss is minimised.
        rows: int64 ``[n]``, the cases' rows in the cohort.
        ridge: at least 0.

    Returns:
        float64 ``[T]``.
    """
    n_arms = len(outputs)
    equal = np.full(n_arms, 1.0 / n_arms)

    def cost(values: FloatArray) -> tuple[float, FloatArray]:
        weights = torch.tensor(values, requires_grad=True)
        fit = len(rows) * target.loss(weighted(outputs, weights=weights), rows=rows)
        total = fit + ridge * (weights - 1.0 / n_arms).square().sum()
        (gradient,) = torch.autograd.grad(total, weights)
        return float(total.detach()), gradient.numpy()

    found = minimize(
        cost,
        equal,
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * n_arms,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": np.ones_like},
        options={"ftol": 1e-10, "maxiter": 500},
    )
    weights = np.clip(found.x, 0.0, None)
    weights /= weights.sum()
    return weights if cost(weights)[0] <= cost(equal)[0] else equal


def _check_alike(arms: Sequence[ArmResult]) -> None:
    first = arms[0]
    for arm in arms[1:]:
        units = [(m.record.fold, m.record.seed, m.record.n_outputs) for m in arm.members]
        expected = [(m.record.fold, m.record.seed, m.record.n_outputs) for m in first.members]
        alike = (arm.head, arm.classes, arm.targets) == (first.head, first.classes, first.targets)
        if not alike or units != expected:
            raise ConfigError(
                f"{LOGIT_PROD}: {arm.arm} has other outputs, folds or seeds than {first.arm}; "
                "fit both with one config"
            )


def _of_unit(table: pd.DataFrame, *, record: MemberRecord) -> pd.DataFrame:
    own = (table["seed"] == record.seed) & (table["fold"] == record.fold)
    return table[own].reset_index(drop=True)


def _outputs(tables: Sequence[pd.DataFrame], *, n_outputs: int) -> Tensor:
    columns = output_columns(n_outputs)
    for table in tables:
        if missing := [name for name in columns if name not in table.columns]:
            raise ConfigError(
                f"{LOGIT_PROD}: the predictions of {table['arm'].iloc[0]} lack "
                f"{', '.join(missing)}; train it again"
            )
    outputs = torch.stack([torch.tensor(table[columns].to_numpy()) for table in tables])
    if not bool(torch.isfinite(outputs).all()):
        raise ConfigError(f"{LOGIT_PROD}: outputs of an arm are NaN or infinite; train it again")
    return outputs


def _fused(
    tables: Sequence[pd.DataFrame], total: Tensor, *, head: Head, record: MemberRecord
) -> pd.DataFrame:
    table = tables[0]
    fused = table[KEYS].copy()
    fused.insert(0, "arm", LOGIT_PROD)
    fused[score_columns(table)] = record.in_units(scores_of(total, head=head))
    fused[output_columns(total.shape[1])] = total.numpy()
    if any(N_MISSING in own.columns for own in tables):
        n_missing = np.sum([n_missing_of(own) for own in tables], axis=0)
        fused[N_MISSING] = n_missing.astype(np.float64)
    return pd.concat([fused, curve_table(total.numpy(), head=head, record=record)], axis=1)


def _seen(tables: Sequence[pd.DataFrame]) -> Tensor | None:
    n_missing = np.stack([n_missing_of(table) for table in tables])
    return torch.from_numpy(n_missing == 0) if n_missing.any() else None


def _member(
    parts: Sequence[Member], table: pd.DataFrame, *, record: MemberRecord, fusion: FusionRecord
) -> Member:
    solved = {"stopping": Stopping.CLOSED_FORM, "n_epochs": 0, "n_steps": 0, "kept_epoch": 0}
    record = record.model_copy(update={**solved, "validation_loss": None, "fusion": fusion})
    tensors = {
        f"parts.{number}.{name}": tensor
        for number, part in enumerate(parts)
        for name, tensor in part.tensors.items()
    }
    tensors["weights"] = torch.tensor(fusion.weights, dtype=torch.float32)
    risks = None
    if "risk" in table:
        validation = table.loc[table["part"] == "validation", "risk"]
        risks = torch.from_numpy(np.sort(validation.to_numpy(dtype=np.float64)))
    return Member(record=record, tensors=tensors, validation_risks=risks)
