"""Divide the cases into outer folds with inner validation parts."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.cohort import load_cohort, make_splits, read_split_files, splits_of_files
from shazam.cohort.leaks import check_no_leaks
from shazam.cohort.locked import check_not_locked
from shazam.config.splits import SplitsConfig
from shazam.errors import ConfigError
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.manifests import FeatureSetManifest
from shazam.refs import FeatureSetRef, SplitsRef
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("split"))
def split(
    feature_set: FeatureSetRef, config: SplitsConfig, source_digest: str | None
) -> Annotated[SplitsRef, "splits"]:
    """Split the cases that have features; ``source_digest`` is that of the split files."""
    with step_boundary():
        if config.files_digest() != source_digest:
            raise ConfigError("splits.files: changed since the run began; run again")
        workspace = Workspace.from_environment()
        manifest = workspace.read_manifest(feature_set, FeatureSetManifest)
        cohort = load_cohort(workspace.open_ref(manifest.cohort))
        cases = cohort.select(manifest.case_ids())
        if config.files:
            given = read_split_files(config.files, column=config.column)
            splits = splits_of_files(given, cohort=cohort, cases=cases, config=config)
        else:
            splits = make_splits(cases, task=cohort.task, config=config)
        check_no_leaks(splits, cohort=cohort)
        check_not_locked(cohort, workspace=workspace)
        uri, sha256 = workspace.write_manifest("split", splits)
        return SplitsRef(uri=uri, sha256=sha256, n_folds=len(splits.folds))
