"""Ask the features of every teacher for the site."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.evaluation.probe import SiteProbes
from shazam.evaluation.site_probe import probe_sites as probe_features
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.refs import FeatureSetRef, SiteProbeRef, SplitsRef
from shazam.training.inputs import load_inputs
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("probe_sites"))
def probe_sites(
    feature_set: FeatureSetRef, splits: SplitsRef, seed: int
) -> Annotated[SiteProbeRef, "sites"]:
    """Probe the features of all teachers."""
    with step_boundary():
        workspace = Workspace.from_environment()
        inputs = load_inputs(
            feature_set, splits, workspace=workspace, teachers=feature_set.teachers, levels=["high"]
        )
        found = probe_features(
            {
                name: inputs.study.moments.case_means((name, "high")).numpy()
                for name in feature_set.teachers
            },
            sites=inputs.sites,
            seed=seed,
            groups=inputs.study.outcomes.groups,
        )
        uri, sha256 = workspace.write_manifest("probe_sites", SiteProbes(sites=found))
        return SiteProbeRef(uri=uri, sha256=sha256)
