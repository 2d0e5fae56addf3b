"""The clinical model: a linear model on columns of the cohort table, kept as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pydantic import Field, NonNegativeInt, PositiveInt

from shazam.cells import is_missing
from shazam.errors import ConfigError
from shazam.manifests import Entry
from shazam.models.heads import Head, scores_of
from shazam.models.score import score_columns, score_table

REMARK = "remark"
LARGEST = 1e12

FloatArray = npt.NDArray[np.float64]
Row = Mapping[str, str]


class NumericColumn(Entry):
    """``(x - mean) / sd`` by the training cases; a missing value is 0 and may have an indicator.

    ``sd`` is None for a column that did not vary in training: it then says nothing.
    """

    kind: Literal["numeric"] = "numeric"
    name: str
    mean: float
    sd: float | None
    indicates_missing: bool

    @property
    def width(self) -> int:
        """Number of features."""
        return int(self.sd is not None) + int(self.indicates_missing)

    def encode(self, text: str) -> tuple[list[float], str | None]:
        """Return the features of a value, and a remark if it cannot be read."""
        value = None if is_missing(text) else number_of(text)
        features = []
        if self.sd is not None:
            features.append(0.0 if value is None else (value - self.mean) / self.sd)
        if self.indicates_missing:
            features.append(float(value is None))
        unread = value is None and not is_missing(text)
        return features, f"{self.name} '{text}' is no usable number" if unread else None


class CategoricalColumn(Entry):
    """One feature for each category of the training cases; an unseen one is 0 in all of them."""

    kind: Literal["categorical"] = "categorical"
    name: str
    categories: tuple[str, ...]
    indicates_missing: bool

    @property
    def width(self) -> int:
        """Number of features."""
        return len(self.categories) + int(self.indicates_missing)

    def encode(self, text: str) -> tuple[list[float], str | None]:
        """Return the features of a value, and a remark if training had no such category."""
        missing = is_missing(text)
        features = [float(text == category) for category in self.categories]
        if self.indicates_missing:
            features.append(float(missing))
        unseen = not missing and text not in self.categories
        return features, f"{self.name} '{text}' was not seen in training" if unseen else None


ClinicalColumn = Annotated[NumericColumn | CategoricalColumn, Field(discriminator="kind")]


class ClinicalMember(Entry):
    """The model of one fold; risks are standardised by those of its inner validation.

    ``weights[i]`` are those of output i, over the features of all columns in order. The baseline
    is that of a Cox model (:class:`~shazam.models.curves.Baseline`); else empty.
    """

    fold: NonNegativeInt
    n_train_cases: PositiveInt
    columns: tuple[ClinicalColumn, ...]
    weights: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]
    validation_mean: float = 0.0
    validation_sd: float = Field(default=1.0, gt=0)
    baseline_edges_months: tuple[float, ...] = ()
    baseline_log_hazard: tuple[float, ...] = ()

    @property
    def cut_points_months(self) -> tuple[float, ...]:
        """No model of this kind has intervals of time."""
        return ()

    @property
    def max_time_months(self) -> float | None:
        """No model of this kind has intervals of time."""
        return None

    def scores(self, rows: Sequence[Row], *, head: Head) -> FloatArray:
        """Return risks ``[n, 1]``, not standardised, or probabilities ``[n, n_classes]``."""
        features, _ = encode(rows, columns=self.columns)
        outputs = features @ np.array(self.weights).T + np.array(self.bias)
        return scores_of(torch.from_numpy(outputs), head=head)


class ClinicalModel(Entry):
    """The arm's JSON: a member per fold. No seed enters, so all seeds share them.

    It reads no slide and is therefore no candidate for registration.
    """

    format: Literal["shazam-clinical-1"] = "shazam-clinical-1"
    arm: str
    head: Head
    classes: tuple[str, ...]
    targets: tuple[str, ...] = ()
    members: tuple[ClinicalMember, ...] = Field(min_length=1)
    provenance: dict[str, str]

    def predict(self, rows: Sequence[Row], *, case_ids: Sequence[str]) -> pd.DataFrame:
        """Return ``case_id``, scores as of :func:`score_columns`, and ``remark`` (empty for none).

        Args:
            rows: texts by column, as a cohort table holds them.
            case_ids: of the same cases.

        Raises:
            ConfigError: a row lacks a column.
        """
        parts = []
        for member in self.members:
            scores = member.scores(rows, head=self.head)
            parts.append((scores - member.validation_mean) / member.validation_sd)
        columns = score_columns(head=self.head, classes=self.classes, targets=self.targets)
        table = score_table(np.mean(parts, axis=0), case_ids=case_ids, columns=columns)
        found = [encode(rows, columns=member.columns)[1] for member in self.members]
        table[REMARK] = [_joined(remarks) for remarks in zip(*found, strict=True)]
        return table


def encode(
    rows: Sequence[Row], *, columns: Sequence[NumericColumn | CategoricalColumn]
) -> tuple[FloatArray, list[str]]:
    """Return features float64 ``[n, n_features]``, and a remark on each row (empty for none).

    Raises:
        ConfigError: a row lacks a column.
    """
    features = np.zeros((len(rows), sum(column.width for column in columns)))
    remarks = []
    for index, row in enumerate(rows):
        if absent := [column.name for column in columns if column.name not in row]:
            raise ConfigError(f"no clinical column {', '.join(absent)}; give it, empty if unknown")
        encoded = [column.encode(row[column.name]) for column in columns]
        features[index] = [value for values, _ in encoded for value in values]
        remarks.append("; ".join(remark for _, remark in encoded if remark))
    return features, remarks


def number_of(text: str) -> float | None:
    """Return a cell's number; None for text, an infinity or more than 1e12."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= LARGEST and "_" not in text else None


def _joined(remarks: Sequence[str]) -> str:
    return "; ".join(
        dict.fromkeys(part for remark in remarks for part in remark.split("; ") if part)
    )
