"""What arms are fitted on that read no features: cases, outcomes and folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shazam.cohort import Splits, load_cohort
from shazam.cohort.leaks import check_no_leaks
from shazam.cohort.locked import check_not_locked
from shazam.cohort.model import Case
from shazam.config.cohort import ClinicalKind
from shazam.manifests import FeatureSetManifest
from shazam.refs import FeatureSetRef, SplitsRef
from shazam.training.outcomes import Outcomes, outcomes_of
from shazam.workspace import Workspace


@dataclass(frozen=True, slots=True)
class CaseTable:
    """The cases that have features, their outcomes in the same order, and folds.

    ``provenance`` holds the digests of the feature set and of the splits, ``clinical_kinds`` what
    the clinical columns hold.
    """

    cases: tuple[Case, ...]
    outcomes: Outcomes
    splits: Splits
    provenance: Mapping[str, str]
    clinical_kinds: Mapping[str, ClinicalKind]


def load_table(feature_set: FeatureSetRef, splits: SplitsRef, *, workspace: Workspace) -> CaseTable:
    """Load the rows of the cohort table for the cases that all arms are fitted on.

    Raises:
        ArtifactError: a file of the workspace is missing or altered.
        ConfigError: a case has no outcome.
        LeakError: a case, site or slide stands in two parts of a fold, or in a locked cohort.
    """
    manifest = workspace.read_manifest(feature_set, FeatureSetManifest)
    cohort = load_cohort(workspace.open_ref(manifest.cohort))
    folds = workspace.read_manifest(splits, Splits)
    check_no_leaks(folds, cohort=cohort)
    check_not_locked(cohort, workspace=workspace)
    case_ids = manifest.case_ids()
    return CaseTable(
        cases=cohort.select(case_ids),
        outcomes=outcomes_of(cohort, case_ids),
        splits=folds,
        provenance={"feature_set": feature_set.sha256, "splits": splits.sha256},
        clinical_kinds=dict(cohort.clinical_kinds),
    )
