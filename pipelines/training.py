"""The training pipeline: static, unrolled over teachers and arms from the config."""

from __future__ import annotations

from zenml import pipeline

from shazam.config.acceptance import CandidateCanary
from shazam.config.arms import LATE_ENSEMBLE, LOGIT_PROD, BaselineFamily
from shazam.config.criteria import Criteria
from shazam.config.tree import Config
from shazam.refs import FeatureSetRef
from steps.canary import canary
from steps.canary_candidate import canary_candidate
from steps.distill import distill
from steps.drift import drift
from steps.evaluate import evaluate
from steps.explain import explain
from steps.extract import extract
from steps.freeze import freeze
from steps.fuse_arms import fuse_arms
from steps.fuse_logits import fuse_logits
from steps.import_features import import_features
from steps.ingest import ingest
from steps.probe import probe
from steps.probe_sites import probe_sites
from steps.register import register
from steps.score_champion import score_champion
from steps.split import split
from steps.tile import tile
from steps.train_baseline import train_baseline
from steps.train_clinical import train_clinical
from steps.train_joint import train_joint
from steps.validate import validate
from steps.validate_features import validate_features
from steps.validate_imports import validate_imports

Arm = tuple[object, object]
"""Predictions and model of an arm, as outputs of its step."""


@pipeline(name="training")
def training(
    config: Config, source_digest: str, identities: dict[str, str], registers: bool = True
) -> None:
    """From slides, or from features that are there already, to a registered candidate.

    Args:
        config: the resolved config.
        source_digest: digest of the cohort table and of the slide folder's listing, if any.
        identities: digest of each teacher's identity, or of its files to import, by name.
        registers: whether the candidate is registered; else the run ends with its evaluation.
    """
    extracted = config.imports is None
    of_features = extracted_features if extracted else imported_features
    feature_set, contracts = of_features(config, source_digest, identities)
    drifted = _drift(config, feature_set)
    divided = split(feature_set, config.splits, config.splits.files_digest())
    frozen, splits = freeze(feature_set, divided, Criteria.of(config))
    champion = _champion(config, feature_set, splits)
    base = _base_arms(config, feature_set, splits)
    arms = [
        *base.values(),
        *_joint_arms(config, feature_set, splits),
        *_product(config, feature_set, splits, base),
        *_students(config, feature_set, splits),
    ]
    predictions = [own for own, _ in arms]
    predictions += [*_clinical(config, feature_set, splits), *_late_ensemble(config, base)]
    sites = probe_sites(feature_set, splits, config.evaluation.seed)
    probed = probe(feature_set, splits, sites, _canaries(config, feature_set, splits))
    models = [model for _, model in arms]
    slides_dir = str(config.cohort.sources()[1]) if extracted else None
    explained = explain(feature_set, splits, models, config.acceptance.candidate, slides_dir)
    evaluation, _ = evaluate(
        feature_set,
        splits,
        predictions,
        probed,
        explained,
        frozen,
        champion,
        contracts,
        config.asked(),
        drifted,
    )
    if registers:
        register(evaluation, models, config.cohort.name, config.acceptance)


def extracted_features(
    config: Config, source_digest: str, identities: dict[str, str]
) -> tuple[FeatureSetRef, list[object]]:
    """Wire the steps from slides to features and their contracts; arguments of :func:`training`."""
    limit = config.max_quarantine_fraction
    extraction = config.extracted()
    slides_dir = str(config.cohort.sources()[1])
    cohort = ingest(config.cohort, source_digest, imported=False)
    validation, checked = validate(cohort, slides_dir, config.tiling, limit)
    tiles = tile(validation, slides_dir, config.tiling, limit)
    features = [
        extract(
            tiles,
            list(part.teachers),
            [identities[name] for name in part.teachers],
            part.shard,
            slides_dir,
            extraction.encoding(),
            limit,
            id=part.name,
        )
        for part in extraction.parts()
    ]
    feature_set, checked_features = validate_features(
        tiles, features, slides_dir, config.cohort.unit, limit
    )
    return feature_set, [checked, checked_features]


def imported_features(
    config: Config, source_digest: str, identities: dict[str, str]
) -> tuple[FeatureSetRef, list[object]]:
    """Wire the steps from imports to features and contracts; arguments as of :func:`training`."""
    limit = config.max_quarantine_fraction
    imports = config.imported()
    cohort = ingest(config.cohort, source_digest, imported=True)
    features = [
        import_features(
            cohort, imports.only(name), identities[name], limit, id=f"import_features_{name}"
        )
        for name in imports.names()
    ]
    feature_set, checked = validate_imports(
        cohort, features, imports.missing_teacher, config.cohort.unit, limit, id="validate_features"
    )
    return feature_set, [checked]


def _drift(config: Config, feature_set: object) -> object:
    drifted: object = None
    if config.drift.reference is not None:
        drifted = drift(feature_set, config.drift)
    return drifted


def _base_arms(
    config: Config, feature_set: object, splits: object
) -> dict[tuple[BaselineFamily, str], Arm]:
    return {
        (family, encoder): train_baseline(
            feature_set,
            splits,
            family,
            encoder,
            config.training,
            id=f"train_{family}_{encoder}",
        )
        for family, encoder in config.base_arms()
    }


def _joint_arms(config: Config, feature_set: object, splits: object) -> list[Arm]:
    teachers = list(config.teachers())
    return [
        train_joint(feature_set, splits, family, teachers, config.training, id=f"train_{family}")
        for family in config.joint_arms()
    ]


def _students(config: Config, feature_set: object, splits: object) -> list[Arm]:
    teachers = list(config.teachers())
    return [
        distill(
            feature_set,
            splits,
            name,
            teachers,
            config.student,
            config.training,
            id=f"distill_{name}",
        )
        for name in config.arms.students
    ]


def _product(
    config: Config,
    feature_set: object,
    splits: object,
    base: dict[tuple[BaselineFamily, str], Arm],
) -> list[Arm]:
    if LOGIT_PROD not in config.fusions():
        return []
    fused = [arm for (family, _), arm in base.items() if family is BaselineFamily.ABMIL]
    return [
        fuse_logits(
            feature_set,
            splits,
            [predictions for predictions, _ in fused],
            [model for _, model in fused],
            config.training,
            config.arms.logit_prod_ridge,
        )
    ]


def _canaries(config: Config, feature_set: object, splits: object) -> list[object]:
    arms, teachers = config.arms, list(config.teachers())
    cheap = canary(feature_set, splits, teachers[0], config.training, arms.canary_permutations)
    left_out = config.acceptance.candidate_canary is CandidateCanary.LEFT_OUT
    if left_out or arms.canary_candidate_permutations == 0:
        return [cheap]
    candidate = canary_candidate(
        feature_set,
        splits,
        config.acceptance.candidate,
        teachers,
        config.student,
        config.training,
        arms.logit_prod_ridge,
        arms.canary_candidate_permutations,
    )
    return [cheap, candidate]


def _late_ensemble(config: Config, base: dict[tuple[BaselineFamily, str], Arm]) -> list[object]:
    if LATE_ENSEMBLE not in config.fusions():
        return []
    return [
        fuse_arms([arm[0] for (family, _), arm in base.items() if family is BaselineFamily.ABMIL])
    ]


def _clinical(config: Config, feature_set: object, splits: object) -> list[object]:
    if not config.has_clinical():
        return []
    return [train_clinical(feature_set, splits, config.training)[0]]


def _champion(config: Config, feature_set: object, splits: object) -> list[object]:
    rule = config.acceptance.scored_champion
    if rule is None:
        return []
    return [score_champion(feature_set, splits, rule.bundle, config.asked())]
