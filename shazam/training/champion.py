"""The champion's predictions of the cases of a feature set that it never saw."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from shazam.cohort import Splits, load_cohort
from shazam.cohort.model import Cohort
from shazam.cohort.seen import SeenRecord, unseen_cases
from shazam.errors import ConfigError
from shazam.manifests import FeatureSetManifest
from shazam.refs import FeatureSetRef, PredictionsRef, SplitsRef
from shazam.training.scoring import Scorer, open_scorer
from shazam.training.store import store_predictions
from shazam.workspace import Workspace


def score_new_cases(
    model: tuple[Path, Path],
    *,
    bundle_sha256: str,
    seen: SeenRecord,
    feature_set: FeatureSetRef,
    splits: SplitsRef,
    workspace: Workspace,
) -> PredictionsRef | None:
    """Publish what the champion predicts of the tested cases that it never saw.

    Args:
        model: JSON and safetensors of the champion.
        bundle_sha256: of the champion.
        seen: what it was trained on.
        feature_set: the features of this run.
        splits: the cases that this run tests.
        workspace: where all of it lies.

    Returns:
        The table, or None where no case is new.

    Raises:
        ConfigError: it was trained with other teachers, or does not predict what this run does.
        ArtifactError: a file is missing or altered.
    """
    manifest = workspace.read_manifest(feature_set, FeatureSetManifest)
    cohort = load_cohort(workspace.open_ref(manifest.cohort))
    tested = [c for fold in workspace.read_manifest(splits, Splits).folds for c in fold.test]
    scorer = open_scorer(*model, manifest=manifest, model="champion", workspace=workspace)
    _check_predicts(scorer, cohort)
    new = unseen_cases(cohort, sorted(tested), by=seen.whole)
    if not new:
        return None
    frame = scorer.predict(new)
    keys = pd.DataFrame(
        {"arm": scorer.arm, "seed": 0, "fold": 0, "part": "test"}, index=frame.index
    )
    return store_predictions(
        pd.concat([keys, frame], axis=1),
        provenance={"champion": bundle_sha256, "feature_set": feature_set.sha256},
        workspace=workspace,
    )


def _check_predicts(scorer: Scorer, cohort: Cohort) -> None:
    found = (scorer.task, set(scorer.classes), set(scorer.targets))
    asked = (cohort.task, set(cohort.classes), set(cohort.targets))
    if found != asked:
        raise ConfigError(
            f"the champion predicts {scorer.task} {_listed(scorer.classes + scorer.targets)}, and "
            f"this run {cohort.task} {_listed(cohort.classes + cohort.targets)}; they cannot be "
            "compared"
        )


def _listed(names: tuple[str, ...]) -> str:
    return f"({', '.join(names)})" if names else "(risk)"
