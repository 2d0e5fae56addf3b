"""The training pipeline: static, unrolled over teachers and arms from the config."""

from __future__ import annotations

from zenml import pipeline

from shazam.config.arms import BaselineFamily
from shazam.config.tree import Config
from shazam.refs import FeatureSetRef
from steps.canary import canary
from steps.distill import distill
from steps.evaluate import evaluate
from steps.extract import extract
from steps.fuse_arms import fuse_arms
from steps.import_features import import_features
from steps.ingest import ingest
from steps.probe import probe
from steps.register import register
from steps.split import split
from steps.tile import tile
from steps.train_baseline import train_baseline
from steps.validate import validate
from steps.validate_features import validate_features
from steps.validate_imports import validate_imports


@pipeline(name="shazam_training")
def training(config: Config, source_digest: str, identities: dict[str, str]) -> None:
    """From slides, or from features that are there already, to a registered candidate.

    Args:
        config: the resolved config.
        source_digest: digest of the cohort table and of the slide folder's listing, if any.
        identities: digest of each teacher's identity, or of its files to import, by name.
    """
    extracted = config.imports is None
    of_features = extracted_features if extracted else imported_features
    feature_set = of_features(config, source_digest, identities)
    splits = split(feature_set, config.splits)
    arms = {
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
    chance = canary(
        feature_set,
        splits,
        config.teachers()[0],
        config.training,
        config.arms.canary_permutations,
    )
    students = [
        distill(
            feature_set,
            splits,
            name,
            list(config.teachers()),
            config.student,
            config.training,
            id=f"distill_{name}",
        )
        for name in config.arms.students
    ]
    predictions = [arm[0] for arm in arms.values()] + [student[0] for student in students]
    single = [arm[0] for (family, _), arm in arms.items() if family is BaselineFamily.ABMIL]
    if config.arms.late_ensemble and single:
        predictions.append(fuse_arms(single))
    probed = probe(feature_set, splits, chance, config.evaluation.seed)
    evaluation, _ = evaluate(feature_set, splits, predictions, probed, config.asked())
    register(
        evaluation,
        [arm[1] for arm in arms.values()] + [student[1] for student in students],
        config.cohort.name,
        config.acceptance,
    )


def extracted_features(
    config: Config, source_digest: str, identities: dict[str, str]
) -> FeatureSetRef:
    """Wire the steps from slides to validated features; arguments as of :func:`training`."""
    limit = config.max_quarantine_fraction
    extraction = config.extracted()
    slides_dir = str(config.cohort.sources()[1])
    cohort = ingest(config.cohort, source_digest, imported=False)
    validation = validate(cohort, slides_dir, config.tiling, limit)
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
    feature_set: FeatureSetRef = validate_features(
        tiles, features, slides_dir, config.cohort.unit, limit
    )
    return feature_set


def imported_features(
    config: Config, source_digest: str, identities: dict[str, str]
) -> FeatureSetRef:
    """Wire the steps from imports to validated features; arguments as of :func:`training`."""
    limit = config.max_quarantine_fraction
    imports = config.imported()
    cohort = ingest(config.cohort, source_digest, imported=True)
    features = [
        import_features(
            cohort, imports.only(name), identities[name], limit, id=f"import_features_{name}"
        )
        for name in imports.names()
    ]
    feature_set: FeatureSetRef = validate_imports(
        cohort, features, imports.missing_teacher, config.cohort.unit, limit, id="validate_features"
    )
    return feature_set
