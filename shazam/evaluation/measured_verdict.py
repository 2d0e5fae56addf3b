"""The verdict on a release by a locked cohort, from stored predictions and the truths alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from shazam.cohort.locked_uses import Use
from shazam.cohort.model import Cohort
from shazam.cohort.seen import Seen, check_sites_unseen, check_unseen
from shazam.config.acceptance import ChampionKind
from shazam.config.cohort import Task
from shazam.digest import digest_of
from shazam.evaluation import asked_gates, measured_gates
from shazam.evaluation.bootstrap import bootstrap_counts
from shazam.evaluation.champion_gates import champion_gates
from shazam.evaluation.gates import licences_gate, min_events_gate
from shazam.evaluation.measured import Measured, MeasuredModel
from shazam.evaluation.measured_calibration import (
    LockedCalibration,
    calibration_found,
    with_reason,
)
from shazam.evaluation.measured_criteria import LockedCriteria
from shazam.evaluation.measured_models import compared_models, measured_model
from shazam.evaluation.measured_tables import ScoredModel, truth_of_table
from shazam.evaluation.metrics import chance_of, primary_metric
from shazam.evaluation.obligations import Obligation, obligations_of
from shazam.evaluation.registered import Registered
from shazam.evaluation.result import ChampionFound, Gate
from shazam.evaluation.subgroups import Subgroup, subgroups_of
from shazam.evaluation.truth import Truth
from shazam.manifests import QuarantineEntry


@dataclass(frozen=True, slots=True)
class Occasion:
    """One use of a locked cohort.

    Args:
        locked: name of the locked cohort.
        promised_sites: those that may not be trained on; None where none is promised.
        cohort: its cases, slides and outcomes.
        use: the record of the use.
        criteria: by which the release is judged.
        feature_set_sha256: the features that were scored.
        quarantine: slides that have none, and why.
    """

    locked: str
    promised_sites: tuple[str, ...] | None
    cohort: Cohort
    use: Use
    criteria: LockedCriteria
    feature_set_sha256: str
    quarantine: tuple[QuarantineEntry, ...]


def measured_by(occasion: Occasion, *, models: Mapping[str, ScoredModel]) -> Measured:
    """Return what a use measured, with the verdict on the release.

    Args:
        occasion: the use.
        models: the ``release`` and, where it is compared to one, the ``champion``.

    Raises:
        LeakError: a model was trained on a locked case, slide content or promised site.
        ArtifactError: predictions are of other cases, or lack columns.
        ConfigError: a case is not of the cohort or has no outcome.
    """
    cohort, criteria = occasion.cohort, occasion.criteria
    truth = truth_of_table(models["release"].table, cohort=cohort)
    check_never_seen(models, cohort=cohort, promised_sites=occasion.promised_sites)
    found = _Found.of(models, truth=truth, occasion=occasion)
    gates = _gates(found, occasion=occasion, truth=truth, release=models["release"])
    with_features = set(truth.case_ids)
    return Measured(
        locked=occasion.locked,
        use=occasion.use,
        use_sha256=digest_of(occasion.use),
        bundle_sha256=models["release"].bundle_sha256,
        acceptance_sha256=criteria.acceptance_sha256,
        criteria=criteria,
        cohort_sha256=cohort.digest,
        feature_set_sha256=occasion.feature_set_sha256,
        task=truth.task,
        n_locked=len(cohort.cases),
        n_cases=len(truth.case_ids),
        n_events=n_events_of(truth),
        without_features=tuple(
            case.case_id for case in cohort.cases if case.case_id not in with_features
        ),
        quarantine=occasion.quarantine,
        sites_promised=occasion.promised_sites is not None,
        release=found.models["release"],
        champion=found.models.get("champion"),
        compared=found.compared,
        subgroups=found.subgroups,
        obligations=found.obligations,
        gates=gates,
        not_judged=measured_gates.not_judged(criteria.acceptance),
        passed=all(gate.passed for gate in gates),
    )


def check_never_seen(
    models: Mapping[str, Registered | ScoredModel],
    *,
    cohort: Cohort,
    promised_sites: Collection[str] | None,
) -> None:
    """Check that no model was trained on anything of a locked cohort.

    Raises:
        LeakError: a case, slide content or promised site; or sites are promised and not known.
    """
    tested = Seen.of(cohort, [case.case_id for case in cohort.cases])
    for name, model in models.items():
        check_unseen(tested, trained_on=model.seen, model=name)
        if promised_sites is not None:
            check_sites_unseen(promised_sites, trained_on=model.seen, model=name)


def n_events_of(truth: Truth) -> int | None:
    """Return the number of events; None but for survival."""
    return int(truth.event.sum()) if truth.task is Task.SURVIVAL else None


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found of the models, at which the gates look."""

    models: Mapping[str, MeasuredModel]
    compared: ChampionFound | None
    subgroups: tuple[Subgroup, ...]
    obligations: tuple[Obligation, ...]
    calibration: LockedCalibration

    @classmethod
    def of(cls, models: Mapping[str, ScoredModel], *, truth: Truth, occasion: Occasion) -> _Found:
        cohort, config, release = occasion.cohort, occasion.criteria.evaluation, models["release"]
        counts = bootstrap_counts(
            truth.fold, groups=truth.groups, n_replicates=config.bootstrap, seed=config.seed
        )
        return cls(
            models={
                name: measured_model(model, truth=truth, counts=counts)
                for name, model in models.items()
            },
            compared=compared_models(models, truth=truth, cohort=cohort, config=config),
            subgroups=subgroups_of(
                release.scores(truth), cohort=cohort, truth=truth, counts=counts, config=config
            ),
            obligations=obligations_of(release.teachers, acceptance=occasion.criteria.acceptance),
            calibration=calibration_found(release, truth=truth, counts=counts, config=config),
        )


def _gates(
    found: _Found, *, occasion: Occasion, truth: Truth, release: ScoredModel
) -> tuple[Gate, ...]:
    criteria = occasion.criteria
    acceptance = criteria.acceptance
    floor = measured_gates.locked_floor_gate(
        found.models["release"],
        primary=primary_metric(truth),
        acceptance=acceptance,
        chance=chance_of(truth.task, n_classes=truth.n_tested_classes),
    )
    return (
        floor,
        min_events_gate(n_cases=truth.n_groups, n_events=n_events_of(truth), acceptance=acceptance),
        measured_gates.coverage_gate(
            n_locked=len(occasion.cohort.cases),
            n_scored=len(truth.case_ids),
            most=criteria.max_unscored_fraction,
        ),
        measured_gates.unseen_gate(
            n_models=len(found.models), sites_promised=occasion.promised_sites is not None
        ),
        measured_gates.sound_release_gate(release.scores(truth)),
        licences_gate(release.teachers, obligations=found.obligations, acceptance=acceptance),
        *with_reason(
            asked_gates.calibration_gates(found.calibration.found, acceptance=acceptance),
            reason=found.calibration.remark,
        ),
        *asked_gates.subgroup_gates(found.subgroups, acceptance=acceptance),
        *champion_gates(
            found.compared, floor=floor, acceptance=acceptance, judged_here=ChampionKind.LOCKED
        ),
    )
