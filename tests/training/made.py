"""A small cohort whose outcome shows in its features, with folds."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import numpy as np
import torch

from shazam.cohort.folds import Fold, Splits
from shazam.config.cohort import Task
from shazam.config.training import TrainingConfig
from shazam.features.bags import PackedBags
from shazam.manifests import LevelDims, TeacherIdentity
from shazam.training.outcomes import Outcomes
from shazam.training.study import Study

DIMS = {"low": 4, "mid": 6, "high": 10}
TEACHERS = ("ann", "bob")
QUICK = TrainingConfig(max_epochs=3, batch_cases=16, abmil_dim=16)


class Quiet:
    """Progress that only counts."""

    def __init__(self, n_units: int) -> None:
        self.n_units = n_units
        self.n_done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def advance(self) -> None:
        self.n_done += 1

    def quarantine(self, slide_id: str, reason: str) -> None:
        raise AssertionError(f"{slide_id}: {reason}")

    def note(self, text: str) -> None:
        raise AssertionError(text)


def make_bags(latent: np.ndarray, *, seed: int = 0, strength: float = 1.0) -> PackedBags:
    """Return bags of 3 to 6 tiles whose features carry a number per case."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(3, 7, size=len(latent))
    tiles = np.repeat(latent, lengths)
    levels = {}
    for teacher in TEACHERS:
        for level, dim in DIMS.items():
            direction = generator.normal(size=dim)
            noise = generator.normal(size=(len(tiles), dim))
            features = strength * tiles[:, None] * direction + noise
            levels[teacher, level] = torch.from_numpy(features.astype(np.float16))
    offsets = torch.from_numpy(np.concatenate([[0], lengths.cumsum()]))
    return PackedBags(tuple(f"case{i:03d}" for i in range(len(latent))), offsets, levels)


def make_case_study(
    task: Task, *, n_cases: int = 45, seed: int = 0
) -> tuple[PackedBags, Outcomes, Splits]:
    """Return bags, outcomes that their features predict, and 3 folds."""
    generator = np.random.default_rng(seed)
    latent = generator.normal(size=n_cases)
    bags = make_bags(latent, seed=seed)
    if task is Task.SURVIVAL:
        died = generator.exponential(20 * np.exp(-1.5 * latent))
        left = generator.exponential(40, size=n_cases)
        outcomes = Outcomes(bags.case_ids, np.minimum(died, left), died <= left, None, ())
    elif task is Task.REGRESSION:
        genes = 5 + np.outer(latent, [2.0, -1.0]) + 0.3 * generator.normal(size=(n_cases, 2))
        genes[generator.random(n_cases) < 0.15, generator.integers(2)] = np.nan
        outcomes = Outcomes(bags.case_ids, None, None, None, (), genes, ("CD8A", "HLA-A"))
    else:
        labels = np.searchsorted([-0.5, 0.5], latent).astype(np.int64)
        outcomes = Outcomes(bags.case_ids, None, None, labels, ("high", "low", "mid"))
    return bags, outcomes, make_splits_of(bags.case_ids)


def make_study(task: Task, *, n_cases: int = 45, seed: int = 0) -> Study:
    """Return the cohort of :func:`make_case_study` as a study."""
    bags, outcomes, splits = make_case_study(task, n_cases=n_cases, seed=seed)
    return Study.of(bags, outcomes=outcomes, splits=splits)


def make_splits_of(case_ids: tuple[str, ...], *, n_folds: int = 3) -> Splits:
    """Return folds that deal the cases in turn; a fifth of the training cases validates."""
    folds = []
    for number in range(n_folds):
        rest = [case for i, case in enumerate(case_ids) if i % n_folds != number]
        validation = tuple(rest[::5])
        train = tuple(case for case in rest if case not in validation)
        folds.append(
            Fold(train=train, validation=validation, test=tuple(case_ids[number::n_folds]))
        )
    return Splits(folds=tuple(folds), sites_preserved=False)


def make_teachers() -> tuple[TeacherIdentity, ...]:
    """Return identities of the two teachers."""
    return tuple(
        TeacherIdentity(
            name=name,
            revision="r1",
            weights_sha256="0" * 64,
            transform_sha256="1" * 64,
            dims=LevelDims(**DIMS),
            licence="Apache-2.0",
        )
        for name in TEACHERS
    )
