"""Which two feature sets are compared, and which of their cases."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from shazam.cohort.model import Cohort
from shazam.cohort.store import load_cohort
from shazam.config.drift import DriftConfig
from shazam.errors import ConfigError
from shazam.evaluation.drift import Described, compare
from shazam.evaluation.drift_result import Drift
from shazam.evaluation.pairs import Array
from shazam.evaluation.run_folder import find_run, read_document
from shazam.manifests import FeatureSetManifest, TeacherIdentity
from shazam.refs import DriftRef, FeatureSetRef, Ref
from shazam.workspace import Workspace

_DIGITS = re.compile(r"[0-9a-f]{1,64}")
_FOLDER = "manifests/validate_features"
_OF_BYTES = ("revision", "weights_sha256", "transform_sha256", "dims")


class CaseMeans(Protocol):
    """Mean features of cases: names, and for each teacher float64 ``[n_cases, dim]``."""

    @property
    def case_ids(self) -> tuple[str, ...]: ...

    @property
    def means(self) -> Mapping[str, Array]: ...


class MeansReader(Protocol):
    """Reads the mean features of all cases of a feature set; patients, where cases are tiles."""

    def __call__(
        self, manifest: FeatureSetManifest, *, teachers: Sequence[str], workspace: Workspace
    ) -> CaseMeans:
        """Return the means; NaN where a teacher has not seen a case, or a value is missing."""
        ...


def find_feature_set(name: str, *, workspace: Workspace) -> Ref:
    """Return the feature set that a name stands for.

    Args:
        name: SHA-256 of its manifest or digest of a run on it, whole or the start of one, or the
            path of a run's folder.
        workspace: where it is.

    Raises:
        ConfigError: there is none, or several.
        ArtifactError: the run was altered.
    """
    sets = _starting_with(name, workspace=workspace) if name else []
    if len(sets) == 1 and not (len(name) < 64 and any((workspace.root / "runs").glob(f"{name}*"))):
        return _ref(sets[0])
    if sets:
        shown = ", ".join(sorted(one[:16] for one in sets)[:5])
        raise ConfigError(
            f"'{name}': several feature sets or runs start like this (feature sets {shown}); "
            "give more of the digest"
        )
    try:
        run = find_run(name, runs=workspace.root / "runs")
    except ConfigError as error:
        known = ", ".join(one[:12] for one in _starting_with("", workspace=workspace)[:10])
        raise ConfigError(
            f"no feature set of this workspace ({known or 'it holds none'}), and {error}"
        ) from error
    found = _ref(read_document(run).key.feature_set)
    if not workspace.path(found.uri).is_file():
        raise ConfigError(
            f"'{name}': its run stands on the feature set {found.sha256[:12]}, which is not in "
            f"{workspace.root}; name the workspace of that run"
        )
    return found


def drift_between(
    reference: Ref, new: Ref, *, config: DriftConfig, read: MeansReader, workspace: Workspace
) -> Drift:
    """Compare a new feature set, with the clinical columns of its cases, to a reference.

    Cases that stand in both, by name or by the content of a slide, are left out of the new one.

    Raises:
        ConfigError: a teacher is another one in the reference, or they have none in common.
        ArtifactError: a file of the workspace is missing or altered.
    """
    then, now = (workspace.read_manifest(ref, FeatureSetManifest) for ref in (reference, new))
    shared = check_teachers(then, now)
    cohorts = [load_cohort(workspace.open_ref(manifest.cohort)) for manifest in (then, now)]
    old = _described(read(then, teachers=shared, workspace=workspace), cohort=cohorts[0])
    found = read(now, teachers=[teacher.name for teacher in now.teachers], workspace=workspace)
    own = _described(found, cohort=cohorts[1])
    known = _known_cases(cohorts[0], cohorts[1], case_ids=_case_ids(then))
    fresh = [row for row, name in enumerate(found.case_ids) if name not in known]
    columns, teachers = compare(old, _only(own, fresh), config=config)
    return Drift(
        config=config,
        reference_sha256=reference.sha256,
        new_sha256=new.sha256,
        n_reference=len(old.clinical),
        n_new=len(fresh),
        n_shared=len(found.case_ids) - len(fresh),
        columns=columns,
        teachers=teachers,
    )


def publish_drift(
    feature_set: FeatureSetRef, *, config: DriftConfig, read: MeansReader, workspace: Workspace
) -> tuple[DriftRef, str]:
    """Compare a feature set to the config's reference; returns the ref and what was found.

    Raises:
        ConfigError: there is no such reference, or its teachers are others.
        ArtifactError: a file of the workspace is missing or altered.
    """
    if config.reference is None:
        raise ConfigError("drift.reference: names no cohort; give the digest of a feature set")
    reference = find_feature_set(config.reference, workspace=workspace)
    found = drift_between(reference, feature_set, config=config, read=read, workspace=workspace)
    uri, sha256 = workspace.write_manifest("drift", found)
    return DriftRef(uri=uri, sha256=sha256, drifted=bool(found.exceeded)), found.sentence()


def check_teachers(reference: FeatureSetManifest, new: FeatureSetManifest) -> tuple[str, ...]:
    """Return the names of the teachers that both have.

    Raises:
        ConfigError: one of them has another revision, other weights, another transform or other
            dimensions in the reference, or there is none.
    """
    then = {teacher.name: teacher for teacher in reference.teachers}
    shared = tuple(teacher.name for teacher in new.teachers if teacher.name in then)
    if not shared:
        raise ConfigError(
            f"drift: the reference has the teachers {', '.join(sorted(then))}, the new cohort "
            f"{', '.join(sorted(t.name for t in new.teachers))}; nothing can be compared, name a "
            "reference of the same teachers"
        )
    problems = [
        problem
        for teacher in new.teachers
        if teacher.name in then
        for problem in _differing(then[teacher.name], teacher)
    ]
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise ConfigError(
            "drift: features of different teachers cannot be compared; extract the reference with "
            f"the teacher of the new cohort, or name another reference\n{lines}"
        )
    return shared


def _differing(reference: TeacherIdentity, new: TeacherIdentity) -> list[str]:
    pairs = ((key, getattr(reference, key), getattr(new, key)) for key in _OF_BYTES)
    return [
        f"teacher '{new.name}', {key}: {then} in the reference, {now} in the new cohort"
        for key, then, now in pairs
        if then != now
    ]


def _starting_with(name: str, *, workspace: Workspace) -> list[str]:
    if name and not _DIGITS.fullmatch(name):
        return []
    return sorted(path.stem for path in (workspace.root / _FOLDER).glob(f"{name}*.json"))


def _ref(sha256: str) -> Ref:
    return Ref(uri=f"{_FOLDER}/{sha256}.json", sha256=sha256)


def _case_ids(manifest: FeatureSetManifest) -> frozenset[str]:
    return frozenset(slide.case_id for slide in manifest.slides())


def _described(found: CaseMeans, *, cohort: Cohort) -> Described:
    clinical: dict[str, Mapping[str, str]] = {}
    for case in cohort.cases:  # tiles of one patient have the columns of the patient
        clinical.setdefault(case.group_id, dict(case.clinical))
    return Described(
        clinical=tuple(clinical.get(name, {}) for name in found.case_ids),
        means={name: np.asarray(own, dtype=np.float64) for name, own in found.means.items()},
        kinds=dict(cohort.clinical_kinds),
    )


def _only(cohort: Described, rows: Sequence[int]) -> Described:
    return Described(
        clinical=tuple(cohort.clinical[row] for row in rows),
        means={name: own[np.array(rows, dtype=np.intp)] for name, own in cohort.means.items()},
        kinds=cohort.kinds,
    )


def _known_cases(reference: Cohort, new: Cohort, *, case_ids: frozenset[str]) -> frozenset[str]:
    """Return cases of the reference, and new ones with a slide of equal content."""
    contents = {
        slide.sha256
        for slide in reference.slides
        if slide.case_id in case_ids and slide.sha256 and slide.size_bytes > 0
    }
    return case_ids | {
        slide.case_id for slide in new.slides if slide.size_bytes > 0 and slide.sha256 in contents
    }
