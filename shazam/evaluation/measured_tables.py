"""What the models predict of the locked cases: ``measured/<number>.<model>.parquet``.

A predictions table of one fold and one seed. It may hold NaN, which the verdict then says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from shazam.cohort.folds import Fold, Splits
from shazam.cohort.model import Cohort
from shazam.cohort.seen import Seen
from shazam.errors import ArtifactError
from shazam.evaluation.out_of_fold import OutOfFold, is_constant, score_columns_of
from shazam.evaluation.registered import Registered
from shazam.evaluation.truth import Truth, truth_of_cases
from shazam.manifests import TeacherIdentity
from shazam.predictions import curve_columns, n_edges_of, score_columns
from shazam.publish import publish


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """A registered model with what it predicts of the locked cases.

    Args:
        bundle_sha256: of its bundle.
        arm: which arm it was.
        seen: what any of its members was trained on.
        teachers: whose features it reads.
        table: what it predicts, as it was published.
        table_sha256: of the bytes that were published.
    """

    bundle_sha256: str
    arm: str
    seen: Seen
    teachers: tuple[TeacherIdentity, ...]
    table: pd.DataFrame
    table_sha256: str

    def scores(self, truth: Truth) -> OutOfFold:
        """Return the predictions in the order of the truth; what is no number is NaN.

        Raises:
            ArtifactError: the table lacks columns, or is not of exactly these cases.
        """
        columns = score_columns_of(truth)
        if missing := [name for name in (*columns, "case_id") if name not in self.table.columns]:
            raise ArtifactError(f"{self.arm}: the predictions lack {', '.join(missing)}")
        if sorted(self.table["case_id"]) != list(truth.case_ids):
            raise ArtifactError(
                f"{self.arm}: the predictions are of other cases than the release's"
            )
        ordered = self.table.set_index("case_id").loc[list(truth.case_ids), columns]
        values = ordered.to_numpy(dtype=np.float64, copy=True)
        values[~np.isfinite(values)] = np.nan
        return OutOfFold(
            arm=self.arm,
            seeds=(0,),
            by_seed=values[None],
            cuts=np.zeros(1),
            n_not_finite=int(np.isnan(values).any(axis=1).sum()),
            constant_folds=(0,) if len(values) > 1 and is_constant(values) else (),
        )


def predicted(model: Registered, *, truth: Truth, path: Path) -> ScoredModel:
    """Let a model predict the locked cases, publish the table and read it back.

    Args:
        model: which one.
        truth: the cases.
        path: where the table is published.

    Raises:
        ArtifactError: it does not predict what it says.
    """
    found = model.scores.predict(truth.case_ids)
    edges, survival = curve_columns(n_edges_of(found))
    columns = [*score_columns_of(truth), *edges, *survival]
    if missing := [name for name in columns if name not in found.columns]:
        raise ArtifactError(f"{model.scores.arm}: does not predict {', '.join(missing)}")
    ordered = found.set_index("case_id").loc[list(truth.case_ids), columns].reset_index()
    keys = {"arm": model.scores.arm, "seed": 0, "fold": 0, "part": "test"}
    table = pd.concat([pd.DataFrame(keys, index=ordered.index), ordered], axis=1)
    sha256 = publish(path, lambda target: table.to_parquet(target, index=False))
    return ScoredModel(
        bundle_sha256=model.bundle_sha256,
        arm=model.scores.arm,
        seen=model.seen,
        teachers=model.teachers,
        table=pd.read_parquet(path),
        table_sha256=sha256,
    )


def locked_splits(case_ids: Sequence[str]) -> Splits:
    """Return a locked cohort's scored cases as the one fold that tests them."""
    fold = Fold(train=(), validation=(), test=tuple(case_ids))
    return Splits(folds=(fold,), sites_preserved=False)


def truth_of_table(table: pd.DataFrame, *, cohort: Cohort) -> Truth:
    """Return the outcomes of the cases that a table predicts.

    Raises:
        ArtifactError: the table names no cases.
        ConfigError: a case is not of the cohort, or has no outcome.
    """
    if "case_id" not in table.columns:
        raise ArtifactError("the predictions on the locked cohort name no cases")
    names = score_columns(table)
    return truth_of_cases(
        cohort.cases,
        splits=locked_splits(sorted(table["case_id"])),
        classes=[n.removeprefix("prob_") for n in names if n.startswith("prob_")],
        targets=[n.removeprefix("value_") for n in names if n.startswith("value_")],
    )
