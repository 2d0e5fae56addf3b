"""A registered model, as a measurement sees it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd

from shazam.cohort.model import Cohort
from shazam.cohort.seen import Seen
from shazam.config.cohort import Task
from shazam.digest import digest_of
from shazam.errors import ArtifactError, ConfigError
from shazam.manifests import TeacherIdentity


class Scores(Protocol):
    """A model that can predict the locked cases, and what it predicts."""

    @property
    def arm(self) -> str: ...

    @property
    def task(self) -> Task: ...

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def targets(self) -> tuple[str, ...]: ...

    def predict(self, case_ids: Sequence[str]) -> pd.DataFrame:
        """Return ``case_id`` and scores of some cases."""
        ...


@dataclass(frozen=True, slots=True)
class JudgedBy:
    """What the run that made a bundle was judged by.

    Args:
        acceptance_sha256: of its acceptance section.
        evaluation_sha256: of its section on evaluation.
        max_quarantine_fraction: how much it might set aside, 0 to 1.
    """

    acceptance_sha256: str
    evaluation_sha256: str
    max_quarantine_fraction: float


@dataclass(frozen=True, slots=True)
class Registered:
    """A registered model.

    Args:
        bundle_sha256: of its bundle.
        seen: what any of its members was trained on.
        scores: predicts when it is asked to.
        teachers: whose features it reads.
        judged_by: the criteria of its own run.
    """

    bundle_sha256: str
    seen: Seen
    scores: Scores
    teachers: tuple[TeacherIdentity, ...]
    judged_by: JudgedBy


def read_judged_by(metrics: Path, *, config: Path) -> JudgedBy:
    """Return what a bundle was judged by.

    Args:
        metrics: ``metrics.json`` of the bundle.
        config: its ``config.json``.

    Raises:
        ArtifactError: they do not say it.
    """
    try:
        verdict, asked = (json.loads(path.read_bytes()) for path in (metrics, config))
        return JudgedBy(
            acceptance_sha256=str(verdict["acceptance_sha256"]),
            evaluation_sha256=digest_of(verdict["config"]),
            max_quarantine_fraction=float(asked["max_quarantine_fraction"]),
        )
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ArtifactError(
            f"{metrics.parent}: does not say by which criteria the model was judged; evaluate and "
            "register it again"
        ) from error


def check_predicts(scores: Scores, *, like: Scores, cohort: Cohort, model: str) -> None:
    """Check that a model predicts what the release and the cohort have.

    Raises:
        ConfigError: another task, other classes or other targets.
    """
    if scores.task is not cohort.task:
        raise ConfigError(f"the {model} predicts {scores.task}; the cohort is of {cohort.task}")
    for what, mine, asked, theirs in (
        ("classes", scores.classes, like.classes, cohort.classes),
        ("targets", scores.targets, like.targets, cohort.targets),
    ):
        if set(mine) != set(asked) or not set(theirs) <= set(mine):
            raise ConfigError(
                f"the {model} predicts the {what} {', '.join(mine)}; the release predicts "
                f"{', '.join(asked)} and the cohort has {', '.join(theirs)}"
            )
