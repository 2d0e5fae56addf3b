"""Divide the cases into outer folds with inner validation parts."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.cohort import check_splits, load_cohort, make_splits
from shazam.config.splits import SplitsConfig
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.manifests import FeatureSetManifest
from shazam.refs import FeatureSetRef, SplitsRef
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("split"))
def split(feature_set: FeatureSetRef, config: SplitsConfig) -> Annotated[SplitsRef, "splits"]:
    """Split the cases that have features."""
    with step_boundary():
        workspace = Workspace.from_environment()
        manifest = workspace.read_manifest(feature_set, FeatureSetManifest)
        cohort = load_cohort(workspace.open_ref(manifest.cohort))
        cases = cohort.select(manifest.case_ids())
        splits = make_splits(cases, task=cohort.task, config=config)
        check_splits(splits, cases=cases)
        uri, sha256 = workspace.write_manifest("split", splits)
        return SplitsRef(uri=uri, sha256=sha256, n_folds=len(splits.folds))
