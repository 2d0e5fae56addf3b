"""Ask the features for the site, and summarise the canary."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.evaluation.probe import ProbeResult, canary_summary, probe_sites
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.predictions import read_predictions
from shazam.refs import FeatureSetRef, PredictionsRef, ProbeRef, SplitsRef
from shazam.training.canary import canary_outcomes
from shazam.training.inputs import load_inputs
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("probe"))
def probe(
    feature_set: FeatureSetRef, splits: SplitsRef, canary: PredictionsRef, seed: int
) -> Annotated[ProbeRef, "probe"]:
    """Probe the features of all teachers."""
    with step_boundary():
        workspace = Workspace.from_environment()
        inputs = load_inputs(
            feature_set, splits, workspace=workspace, teachers=feature_set.teachers, levels=["high"]
        )
        refits = read_predictions(canary, workspace=workspace)
        result = ProbeResult(
            sites=probe_sites(
                {
                    name: inputs.study.moments.case_means((name, "high")).numpy()
                    for name in feature_set.teachers
                },
                sites=inputs.sites,
                seed=seed,
            ),
            canary=canary_summary(
                refits,
                arm=canary.arm,
                outcomes=canary_outcomes(refits, study=inputs.study),
                splits=inputs.study.splits,
            ),
        )
        uri, sha256 = workspace.write_manifest("probe", result)
        return ProbeRef(uri=uri, sha256=sha256)
