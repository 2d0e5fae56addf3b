"""A registered model, as a measurement sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from shazam.cohort.model import Cohort
from shazam.cohort.seen import Seen
from shazam.config.cohort import Task
from shazam.errors import ConfigError


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
class Registered:
    """A registered model.

    Args:
        bundle_sha256: of its bundle.
        seen: what any of its members was trained on.
        scores: predicts when it is asked to.
    """

    bundle_sha256: str
    seen: Seen
    scores: Scores


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
