"""The criteria, frozen before any arm is fitted, and the proof that they stayed so."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from shazam.cohort import Splits, load_cohort
from shazam.config.criteria import Criteria
from shazam.digest import digest_of, digest_of_file
from shazam.errors import ArtifactError, ConfigError
from shazam.evaluation.earlier import EarlierFreeze
from shazam.evaluation.power import Power, expected_power
from shazam.evaluation.truth import truth_of_cases
from shazam.manifests import Entry, FeatureSetManifest, Sha256
from shazam.refs import SHA256_PATTERN, FeatureSetRef, FrozenRef, SplitsRef
from shazam.workspace import Workspace

_STAGE = "freeze"
_PARTS = {
    "acceptance": "acceptance file",
    "evaluation": "section 'evaluation'",
    "canary": "number of the canary's permutations",
    "arms": "list of arms",
}


class FrozenAcceptance(Entry):
    """What was asked of which folds, and the power that this has, before arms were fitted.

    ``digests`` are those of the parts of the criteria. ``earlier`` are other criteria that the
    workspace had frozen for these folds when these were frozen first, and what it had frozen for
    other folds of this cohort; None is the cohort of an earlier version, which did not say it.
    """

    criteria: Criteria
    criteria_sha256: str = Sha256
    digests: dict[str, str]
    splits_sha256: str = Sha256
    cohort_sha256: str | None = Field(default=None, pattern=SHA256_PATTERN)
    power: Power
    earlier: tuple[EarlierFreeze, ...] = ()


class _Found(BaseModel):
    """What is compared of a file that was frozen, by this version or an earlier one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    splits_sha256: str
    criteria_sha256: str | None = None
    acceptance_sha256: str | None = None
    cohort_sha256: str | None = None
    digests: dict[str, str] = {}

    @property
    def sha256(self) -> str:
        return self.criteria_sha256 or self.acceptance_sha256 or ""


def freeze_acceptance(
    feature_set: FeatureSetRef, *, splits: SplitsRef, criteria: Criteria, workspace: Workspace
) -> tuple[FrozenRef, FrozenAcceptance]:
    """Publish the criteria for these folds, with their power and what was frozen before.

    What was frozen once is given back as it was then: freezing it again, after other criteria or
    with caches off, changes neither its bytes nor what it calls earlier.

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
    now = FrozenAcceptance(
        criteria=criteria,
        criteria_sha256=digest_of(criteria),
        digests=criteria.digests(),
        splits_sha256=splits.sha256,
        cohort_sha256=cohort.digest,
        power=expected_power(truth, acceptance=criteria.acceptance),
    )
    files = _frozen_files(workspace)
    frozen = _frozen_before(now, files=files) or now.model_copy(
        update={"earlier": _earlier(now, files=files)}
    )
    uri, sha256 = workspace.write_manifest(_STAGE, frozen)
    acceptance_sha256 = frozen.digests["acceptance"]
    return FrozenRef(uri=uri, sha256=sha256, acceptance_sha256=acceptance_sha256), frozen


def read_frozen(
    frozen: FrozenRef, *, criteria: Criteria, splits: SplitsRef, workspace: Workspace
) -> FrozenAcceptance:
    """Return what was frozen, after it was compared to what is asked now.

    Raises:
        ArtifactError: the file is missing or altered.
        ConfigError: a part of the criteria, or the folds, are no longer those that were frozen.
    """
    found = workspace.read_manifest(frozen, FrozenAcceptance)
    then, now = found.criteria.digests(), criteria.digests()
    compared = [
        ("acceptance file", then["acceptance"], frozen.acceptance_sha256),
        *((_PARTS[name], then[name], now[name]) for name in _PARTS),
        ("folds", found.splits_sha256, splits.sha256),
    ]
    changed = [
        f"the {name} changed between freezing and evaluation: {before} was frozen, {after} is "
        "asked now"
        for name, before, after in compared
        if before != after
    ]
    if changed:
        raise ConfigError(
            f"{'; '.join(dict.fromkeys(changed))}; restore it, or start a new run that freezes the "
            "new one first"
        )
    return found


def _frozen_files(workspace: Workspace) -> list[tuple[Path, _Found]]:
    folder = workspace.root / "manifests" / _STAGE
    found = []
    for path in sorted(folder.glob("[!.]*.json")):  # a stopped writer's file starts with a dot
        if digest_of_file(path) != path.stem:
            raise ArtifactError(f"{path}: altered since it was frozen; restore it from a backup")
        found.append((path, _Found.model_validate_json(path.read_bytes())))
    return found


def _frozen_before(
    now: FrozenAcceptance, *, files: Iterable[tuple[Path, _Found]]
) -> FrozenAcceptance | None:
    """Return the same criteria, folds and power as they were frozen first, if they were."""
    same = [
        FrozenAcceptance.model_validate_json(path.read_bytes())
        for path, found in files
        if (found.criteria_sha256, found.splits_sha256) == (now.criteria_sha256, now.splits_sha256)
    ]
    first = [one for one in same if one.model_copy(update={"earlier": ()}) == now]
    return min(first, key=lambda one: len(one.earlier), default=None)


def _earlier(
    now: FrozenAcceptance, *, files: Iterable[tuple[Path, _Found]]
) -> tuple[EarlierFreeze, ...]:
    others = {
        (found.splits_sha256, found.sha256): EarlierFreeze(
            criteria_sha256=found.sha256,
            differs=tuple(
                name
                for name in _PARTS
                if name in found.digests and found.digests[name] != now.digests[name]
            ),
            splits_sha256=None if _same_folds(found, now) else found.splits_sha256,
        )
        for _, found in files
        if _counts(found, now)
    }
    return tuple(others[key] for key in sorted(others))


def _same_folds(found: _Found, now: FrozenAcceptance) -> bool:
    return found.splits_sha256 == now.splits_sha256


def _counts(found: _Found, now: FrozenAcceptance) -> bool:
    """Tell whether it was another attempt: other criteria, or other folds of the cohort."""
    if _same_folds(found, now):
        return found.sha256 != now.criteria_sha256
    return found.cohort_sha256 == now.cohort_sha256
