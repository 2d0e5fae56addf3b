"""What every arm is fitted on: bags, outcomes and folds of one feature set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from shazam.cohort import Splits, load_cohort
from shazam.cohort.leaks import check_no_leaks
from shazam.cohort.locked import check_not_locked
from shazam.config.imports import MissingValues
from shazam.digest import digest_of
from shazam.features.bag_files import Reading
from shazam.features.cached_bags import within_budget
from shazam.features.stored_bags import open_bags
from shazam.manifests import FeatureSetManifest, TeacherIdentity
from shazam.refs import FeatureSetRef, SplitsRef
from shazam.stages import code_digest
from shazam.training.execution import Execution, executed
from shazam.training.outcomes import outcomes_of
from shazam.training.study import Study
from shazam.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Inputs:
    """A study with what is known of its teachers and cases.

    ``sites`` are those of the cases, None where unknown. ``provenance`` holds the digests of the
    feature set, of the splits and of the tiles: which tiles of which slides there are.
    """

    study: Study
    sites: tuple[str | None, ...]
    teachers: tuple[TeacherIdentity, ...]
    provenance: Mapping[str, str]
    workspace: Workspace

    def executed(
        self, arm: str, *, stage: str, provenance: Mapping[str, str]
    ) -> AbstractContextManager[Execution]:
        """Give how an arm is fitted here; its states are deleted on leaving without an error.

        Args:
            arm: its name.
            stage: the step that fits it.
            provenance: as of :func:`shazam.training.store.store_arm`.
        """
        read = [[teacher, level, dim] for (teacher, level), dim in self.study.bags.dims.items()]
        own = {"arm": arm, "sources": digest_of(read), "code": code_digest(stage)}
        stands_on = {**self.provenance, **provenance, **own}
        return executed(stands_on, workspace=self.workspace)


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
        LeakError: a case, site or slide stands in two parts of a fold, or in a locked cohort.
    """
    manifest = workspace.read_manifest(feature_set, FeatureSetManifest)
    cohort = load_cohort(workspace.open_ref(manifest.cohort))
    folds = workspace.read_manifest(splits, Splits)
    check_no_leaks(folds, cohort=cohort)
    check_not_locked(cohort, workspace=workspace)
    bags = within_budget(
        open_bags(
            manifest,
            workspace=workspace,
            teachers=teachers,
            levels=levels,
            reading=Reading.of(manifest),
        )
    )
    by_name = {teacher.name: teacher for teacher in manifest.teachers}
    return Inputs(
        study=Study.of(
            bags,
            outcomes=outcomes_of(cohort, bags.case_ids),
            splits=folds,
            impute=manifest.missing_values is MissingValues.IMPUTE,
        ),
        sites=tuple(case.site for case in cohort.select(bags.case_ids)),
        teachers=tuple(by_name[name] for name in teachers),
        provenance={
            "feature_set": feature_set.sha256,
            "splits": splits.sha256,
            "tiles": _tiles_digest(manifest),
        },
        workspace=workspace,
    )


def _tiles_digest(manifest: FeatureSetManifest) -> str:
    slides = {(slide.slide_id, slide.tiles_key) for files in manifest.features for slide in files}
    return digest_of(sorted(slides))
