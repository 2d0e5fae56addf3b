"""What every arm is fitted on: bags, outcomes and folds of one feature set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shazam.cohort import Splits, load_cohort
from shazam.features.bags import PackedBags, load_bags
from shazam.manifests import FeatureSetManifest, TeacherIdentity
from shazam.refs import FeatureSetRef, SplitsRef
from shazam.training.outcomes import Outcomes, outcomes_of
from shazam.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Inputs:
    """Bags and outcomes of the same cases, in the same order, with their folds.

    ``sites`` are those of the cases, None where unknown. ``provenance`` holds the digests of the
    feature set and of the splits.
    """

    bags: PackedBags
    outcomes: Outcomes
    sites: tuple[str | None, ...]
    splits: Splits
    teachers: tuple[TeacherIdentity, ...]
    provenance: Mapping[str, str]


def load_inputs(
    feature_set: FeatureSetRef,
    splits: SplitsRef,
    *,
    workspace: Workspace,
    teachers: Sequence[str],
    levels: Sequence[str] | None,
) -> Inputs:
    """Load the features of some teachers and levels, with the outcomes of their cases.

    ``levels`` None means every level that a teacher has.

    Raises:
        ArtifactError: a file of the workspace is missing or altered.
        ConfigError: a teacher is not in the feature set, or lacks a level.
    """
    manifest = workspace.read_manifest(feature_set, FeatureSetManifest)
    cohort = load_cohort(workspace.open_ref(manifest.cohort))
    bags = load_bags(manifest, workspace=workspace, teachers=teachers, levels=levels)
    by_name = {teacher.name: teacher for teacher in manifest.teachers}
    return Inputs(
        bags=bags,
        outcomes=outcomes_of(cohort, bags.case_ids),
        sites=tuple(case.site for case in cohort.select(bags.case_ids)),
        splits=workspace.read_manifest(splits, Splits),
        teachers=tuple(by_name[name] for name in teachers),
        provenance={"feature_set": feature_set.sha256, "splits": splits.sha256},
    )
