"""The acceptance file, frozen before any arm is fitted, and the proof that it stayed so."""

from __future__ import annotations

from shazam.cohort import Splits, load_cohort
from shazam.config.acceptance import AcceptanceConfig
from shazam.digest import digest_of
from shazam.errors import ConfigError
from shazam.evaluation.power import Power, expected_power
from shazam.evaluation.truth import truth_of_cases
from shazam.manifests import Entry, FeatureSetManifest, Sha256
from shazam.refs import FeatureSetRef, FrozenRef, SplitsRef
from shazam.workspace import Workspace


class FrozenAcceptance(Entry):
    """What was asked of which folds, and the power that this has, before arms were fitted."""

    acceptance: AcceptanceConfig
    acceptance_sha256: str = Sha256
    splits_sha256: str = Sha256
    power: Power


def freeze_acceptance(
    feature_set: FeatureSetRef,
    *,
    splits: SplitsRef,
    acceptance: AcceptanceConfig,
    workspace: Workspace,
) -> tuple[FrozenRef, Power]:
    """Publish the acceptance file for these folds, with its power.

    Raises:
        ArtifactError: a file of the workspace is missing or altered.
        ConfigError: no two tested cases can be compared.
    """
    manifest = workspace.read_manifest(feature_set, FeatureSetManifest)
    cohort = load_cohort(workspace.open_ref(manifest.cohort))
    truth = truth_of_cases(
        cohort.cases,
        splits=workspace.read_manifest(splits, Splits),
        classes=cohort.classes,
        targets=cohort.targets,
    )
    power = expected_power(truth, acceptance=acceptance)
    frozen = FrozenAcceptance(
        acceptance=acceptance,
        acceptance_sha256=digest_of(acceptance),
        splits_sha256=splits.sha256,
        power=power,
    )
    uri, sha256 = workspace.write_manifest("freeze", frozen)
    ref = FrozenRef(uri=uri, sha256=sha256, acceptance_sha256=frozen.acceptance_sha256)
    return ref, power


def earlier_acceptances(frozen: FrozenRef, *, workspace: Workspace) -> tuple[str, ...]:
    """Return the digests of other acceptance files that this workspace froze for the same folds.

    Whoever changes criteria has perhaps seen results by the earlier ones.

    Raises:
        ArtifactError: the file is missing or altered.
    """
    own = workspace.read_manifest(frozen, FrozenAcceptance)
    found = [
        FrozenAcceptance.model_validate_json(path.read_bytes())
        for path in workspace.path(frozen.uri).parent.glob("*.json")
    ]
    return tuple(
        sorted(
            other.acceptance_sha256
            for other in found
            if other.splits_sha256 == own.splits_sha256
            and other.acceptance_sha256 != own.acceptance_sha256
        )
    )


def read_frozen(
    frozen: FrozenRef, *, acceptance: AcceptanceConfig, splits: SplitsRef, workspace: Workspace
) -> FrozenAcceptance:
    """Return what was frozen, after it was compared to what is asked now.

    Raises:
        ArtifactError: the file is missing or altered.
        ConfigError: the acceptance file, or the folds, are no longer those that were frozen.
    """
    found = workspace.read_manifest(frozen, FrozenAcceptance)
    for name, then, now in (
        ("acceptance file", found.acceptance_sha256, frozen.acceptance_sha256),
        ("acceptance file", found.acceptance_sha256, digest_of(acceptance)),
        ("folds", found.splits_sha256, splits.sha256),
    ):
        if then != now:
            raise ConfigError(
                f"the {name} changed between freezing and evaluation: {then} was frozen, {now} is "
                "asked now; restore it, or start a new run that freezes the new one first"
            )
    return found
