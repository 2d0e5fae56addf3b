"""Measure a registered model on a locked cohort: checked, recorded, and only then scored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from shazam.cohort import Fold, Splits, load_cohort
from shazam.cohort.locked import locked_cohort
from shazam.cohort.locked_uses import Use, record_use
from shazam.cohort.model import Cohort
from shazam.cohort.seen import Seen, check_unseen
from shazam.config.cohort import Task
from shazam.config.evaluation import EvaluationConfig
from shazam.config.measure import MeasureRequest
from shazam.digest import digest_of
from shazam.errors import ConfigError, ShazamError
from shazam.evaluation.bootstrap import bootstrap_counts
from shazam.evaluation.measured import Measured, publish_measured
from shazam.evaluation.measured_models import compared_models, measured_model, scores_of
from shazam.evaluation.metrics import harrell_c, observed
from shazam.evaluation.pairs import Array
from shazam.evaluation.registered import Registered, check_predicts
from shazam.evaluation.truth import Truth, truth_of_cases
from shazam.manifests import FeatureSetManifest
from shazam.refs import FeatureSetRef, MeasuredRef
from shazam.workspace import Workspace


@dataclass(frozen=True, slots=True)
class _Locked:
    name: str
    cohort: Cohort
    manifest: FeatureSetManifest
    truth: Truth


def measure_locked(
    request: MeasureRequest,
    *,
    release: Registered,
    champion: Registered | None,
    feature_set: FeatureSetRef,
    config: EvaluationConfig,
    when: datetime,
    workspace: Workspace,
) -> MeasuredRef:
    """Record the use, score the models on the locked cases, and publish what was measured.

    Everything that can be refused is refused before the use is recorded. What fails after it
    leaves the use recorded.

    Args:
        request: what is asked.
        release: the model that is measured.
        champion: the model in use, for a paired comparison.
        feature_set: the features of the locked cohort.
        config: bootstrap.
        when: the time of the use.
        workspace: holds the locked cohort; the caller holds the workspace.

    Raises:
        LeakError: a model was trained on a locked case or slide, or the release was measured
            before.
        ConfigError: the features are of another cohort than the locked one, or a model predicts
            something else.
        ArtifactError: a file is missing or altered.
        ShazamError: the models could not be scored; the use stays recorded.
    """
    locked = _locked(request, release, feature_set=feature_set, workspace=workspace)
    models = {"release": release} | ({} if champion is None else {"champion": champion})
    tested = Seen.of(locked.cohort, [case.case_id for case in locked.cohort.cases])
    for name, model in models.items():
        check_unseen(tested, trained_on=model.seen, model=name)
        check_predicts(model.scores, like=release.scores, cohort=locked.cohort, model=name)
    use = record_use(
        request.locked,
        release=request.release,
        bundle_sha256=release.bundle_sha256,
        who=request.who,
        why=request.why,
        when=when,
        workspace=workspace,
    )
    with _touched(request.locked, use):
        scores = {
            name: scores_of(model.scores, truth=locked.truth, model=name)
            for name, model in models.items()
        }
        measured = _measured(
            locked, use=use, models=models, scores=scores, feature_set=feature_set, config=config
        )
        return publish_measured(measured, workspace=workspace)


@contextmanager
def _touched(name: str, use: Use) -> Iterator[None]:
    try:
        yield
    except (ShazamError, OSError, RuntimeError) as error:
        raise ShazamError(
            f"use {use.number} of locked cohort '{name}' is recorded and stays so, because its "
            f"cases may have been looked at; release {use.release} was not measured: {error}"
        ) from error


def _locked(
    request: MeasureRequest,
    release: Registered,
    *,
    feature_set: FeatureSetRef,
    workspace: Workspace,
) -> _Locked:
    record = locked_cohort(request.locked, workspace=workspace)
    manifest = workspace.read_manifest(feature_set, FeatureSetManifest)
    cohort = load_cohort(workspace.open_ref(manifest.cohort))
    if cohort.digest != record.cohort_sha256:
        raise ConfigError(
            f"the features are of cohort {cohort.digest}, and '{request.locked}' was locked as "
            f"cohort {record.cohort_sha256}; name the table and slides that were locked"
        )
    check_predicts(release.scores, like=release.scores, cohort=cohort, model="release")
    case_ids = manifest.case_ids()
    truth = truth_of_cases(
        cohort.cases,
        splits=Splits(folds=(Fold(train=(), validation=(), test=case_ids),), sites_preserved=False),
        classes=release.scores.classes,
        targets=release.scores.targets,
    )
    if truth.task is Task.SURVIVAL:
        anything = harrell_c(np.zeros(len(case_ids)), truth=truth)
        if not np.isfinite(observed(anything, n_cases=len(case_ids))):
            raise ConfigError(f"locked cohort '{request.locked}': no two cases can be compared")
    return _Locked(request.locked, cohort, manifest, truth)


def _measured(
    locked: _Locked,
    *,
    use: Use,
    models: dict[str, Registered],
    scores: dict[str, Array],
    feature_set: FeatureSetRef,
    config: EvaluationConfig,
) -> Measured:
    truth, cohort = locked.truth, locked.cohort
    counts = bootstrap_counts(
        truth.fold, groups=truth.groups, n_replicates=config.bootstrap, seed=config.seed
    )
    found = {
        name: measured_model(model, scores[name], truth=truth, counts=counts)
        for name, model in models.items()
    }
    with_features = set(truth.case_ids)
    return Measured(
        locked=locked.name,
        use=use,
        use_sha256=digest_of(use),
        cohort_sha256=cohort.digest,
        feature_set_sha256=feature_set.sha256,
        task=truth.task,
        n_locked=len(cohort.cases),
        n_cases=len(truth.case_ids),
        n_events=int(truth.event.sum()) if truth.task is Task.SURVIVAL else None,
        without_features=tuple(
            case.case_id for case in cohort.cases if case.case_id not in with_features
        ),
        quarantine=locked.manifest.quarantine,
        n_draws=config.bootstrap,
        seed=config.seed,
        release=found["release"],
        champion=found.get("champion"),
        compared=compared_models(models, scores, truth=truth, cohort=cohort, config=config),
    )
