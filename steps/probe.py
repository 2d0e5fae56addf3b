"""Join the probes: the site probe, and the canaries scored by the outcomes they were fitted on."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.evaluation.probe import Canary, ProbeResult, SiteProbes, canary_summary
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.predictions import read_predictions
from shazam.refs import FeatureSetRef, PredictionsRef, ProbeRef, SiteProbeRef, SplitsRef
from shazam.training.canary import DEALING, Dealing, canary_outcomes
from shazam.training.table import CaseTable, load_table
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("probe"))
def probe(
    feature_set: FeatureSetRef,
    splits: SplitsRef,
    sites: SiteProbeRef,
    canaries: list[PredictionsRef],
) -> Annotated[ProbeRef, "probe"]:
    """Score the canaries: that of the cheap arm, then that of the candidate, if any."""
    with step_boundary():
        workspace = Workspace.from_environment()
        table = load_table(feature_set, splits, workspace=workspace)
        cheap, *candidate = canaries
        result = ProbeResult(
            sites=workspace.read_manifest(sites, SiteProbes).sites,
            canary=_scored(cheap, Dealing.ALL_CASES, table, workspace),
            canary_within_sites=_scored(cheap, Dealing.WITHIN_SITES, table, workspace),
            canary_candidate=(
                _scored(candidate[0], Dealing.ALL_CASES, table, workspace) if candidate else None
            ),
        )
        uri, sha256 = workspace.write_manifest("probe", result)
        return ProbeRef(uri=uri, sha256=sha256)


def _scored(
    canary: PredictionsRef, dealing: Dealing, table: CaseTable, workspace: Workspace
) -> Canary | None:
    refits = read_predictions(canary, workspace=workspace)
    own = refits[refits[DEALING] == dealing.value]
    if own.empty:
        return None
    within = dealing is Dealing.WITHIN_SITES
    outcomes = canary_outcomes(
        own,
        outcomes=table.outcomes,
        splits=table.splits,
        sites=[case.site for case in table.cases] if within else (),
    )
    return canary_summary(own, arm=canary.arm, outcomes=outcomes, splits=table.splits)
