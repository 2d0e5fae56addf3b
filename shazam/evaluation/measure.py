"""Measure a registered model on a locked cohort: checked, recorded, and only then scored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from shazam.cohort import load_cohort
from shazam.cohort.locked import LockedCohort, locked_cohort
from shazam.cohort.locked_uses import Use, record_use
from shazam.cohort.model import Cohort
from shazam.config.cohort import Task
from shazam.config.measure import MeasureRequest
from shazam.errors import ConfigError, ShazamError
from shazam.evaluation.measured import publish_measured, table_path
from shazam.evaluation.measured_criteria import LockedCriteria, checked_criteria
from shazam.evaluation.measured_tables import locked_splits, predicted
from shazam.evaluation.measured_verdict import Occasion, check_never_seen, measured_by
from shazam.evaluation.metrics import harrell_c, observed
from shazam.evaluation.out_of_fold import OutOfFold
from shazam.evaluation.registered import Registered, check_predicts
from shazam.evaluation.subgroups import subgroups_of
from shazam.evaluation.truth import Truth, truth_of_cases
from shazam.manifests import FeatureSetManifest
from shazam.refs import FeatureSetRef, MeasuredRef
from shazam.workspace import Workspace

_FAILURES = (
    *(ShazamError, OSError, RuntimeError, ValueError),
    *(LookupError, TypeError, ArithmeticError, MemoryError),
)


@dataclass(frozen=True, slots=True)
class _Locked:
    record: LockedCohort
    cohort: Cohort
    manifest: FeatureSetManifest
    truth: Truth


def measure_locked(
    request: MeasureRequest,
    *,
    release: Registered,
    champion: Registered | None,
    feature_set: FeatureSetRef,
    criteria: LockedCriteria,
    when: datetime,
    workspace: Workspace,
) -> MeasuredRef:
    """Record the use, score the models on the locked cases, judge, and publish the result.

    Everything that can be refused is refused before the use is recorded, with the criteria's
    digests. What fails after it leaves the use recorded.

    Args:
        request: what is asked.
        release: the model that is measured.
        champion: the model in use, for a paired comparison.
        feature_set: the features of the locked cohort.
        criteria: by which the release is judged; they must be those of its own run.
        when: the time of the use.
        workspace: holds the locked cohort; the caller holds the workspace.

    Raises:
        LeakError: a model was trained on a locked case, slide or promised site, or the release was
            measured before.
        ConfigError: the features are of another cohort than the locked one, a model predicts
            something else, or the release was judged by other criteria.
        ArtifactError: a file is missing or altered.
        ShazamError: the models could not be scored; the use stays recorded.
    """
    compared_to = None if champion is None else champion.bundle_sha256
    criteria = checked_criteria(criteria, judged_by=release.judged_by, champion=compared_to)
    if release.bundle_sha256 != request.bundle:
        raise ConfigError(f"{request.bundle} is asked for, and {release.bundle_sha256} was opened")
    locked = _locked(request, release, feature_set=feature_set, workspace=workspace)
    _check_can_be_judged(locked, release=release, criteria=criteria)
    models = {"release": release} | ({} if champion is None else {"champion": champion})
    check_never_seen(models, cohort=locked.cohort, promised_sites=locked.record.sites)
    for name, model in models.items():
        check_predicts(model.scores, like=release.scores, cohort=locked.cohort, model=name)
    occasion = _recorded(
        request, locked=locked, criteria=criteria, feature_set=feature_set, when=when, of=workspace
    )
    with _touched(occasion):
        scored = {
            name: predicted(model, truth=locked.truth, path=_path(occasion, name, of=workspace))
            for name, model in models.items()
        }
        return publish_measured(measured_by(occasion, models=scored), workspace=workspace)


def _recorded(
    request: MeasureRequest,
    *,
    locked: _Locked,
    criteria: LockedCriteria,
    feature_set: FeatureSetRef,
    when: datetime,
    of: Workspace,
) -> Occasion:
    """Record the use with the criteria, before any result is seen."""
    use = record_use(
        request.locked,
        release=request.release,
        bundle_sha256=request.bundle,
        who=request.who,
        why=request.why,
        when=when,
        workspace=of,
        acceptance_sha256=criteria.acceptance_sha256,
        evaluation_sha256=criteria.evaluation_sha256,
    )
    return Occasion(
        locked=request.locked,
        promised_sites=locked.record.sites,
        cohort=locked.cohort,
        use=use,
        criteria=criteria,
        feature_set_sha256=feature_set.sha256,
        quarantine=locked.manifest.quarantine,
    )


def _path(occasion: Occasion, model: str, *, of: Workspace) -> Path:
    return table_path(occasion.locked, number=occasion.use.number, model=model, workspace=of)


@contextmanager
def _touched(occasion: Occasion) -> Iterator[None]:
    """Say of whatever fails that the use stays recorded."""
    use: Use = occasion.use
    try:
        yield
    except _FAILURES as error:
        raise ShazamError(
            f"use {use.number} of locked cohort '{occasion.locked}' is recorded and stays so, "
            f"because its cases may have been looked at; release {use.release} was not measured: "
            f"{error}"
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
    truth = truth_of_cases(
        cohort.cases,
        splits=locked_splits(manifest.case_ids()),
        classes=release.scores.classes,
        targets=release.scores.targets,
    )
    return _Locked(record, cohort, manifest, truth)


def _check_can_be_judged(locked: _Locked, *, release: Registered, criteria: LockedCriteria) -> None:
    """Check, without any prediction, what would fail only after the use was recorded.

    Raises:
        ConfigError: no two cases can be compared, a subgroup's column is missing, or the bundle
            is of another arm than the candidate.
    """
    name, truth, arm = locked.record.name, locked.truth, release.scores.arm
    candidate = criteria.acceptance.candidate
    if arm != candidate:
        raise ConfigError(f"acceptance.candidate is '{candidate}', and the bundle is of '{arm}'")
    n_cases = len(truth.case_ids)
    if truth.task is Task.SURVIVAL:
        anything = harrell_c(np.zeros(n_cases), truth=truth)
        if not np.isfinite(observed(anything, n_cases=n_cases)):
            raise ConfigError(f"locked cohort '{name}': no two cases can be compared")
    n_scores = max(1, len(truth.classes) + len(truth.targets))
    nothing = OutOfFold(arm, (0,), np.zeros((1, n_cases, n_scores)), np.zeros(1), 0)
    subgroups_of(
        nothing,
        cohort=locked.cohort,
        truth=truth,
        counts=np.ones((1, n_cases)),
        config=criteria.evaluation,
    )
