"""A result on a locked cohort, computed again from what it must follow from, and compared."""

from __future__ import annotations

from collections.abc import Mapping

from shazam.errors import ArtifactError
from shazam.evaluation.measured import Measured
from shazam.evaluation.measured_tables import ScoredModel
from shazam.evaluation.measured_verdict import Occasion, measured_by


def recompute_measured(
    measured: Measured, *, occasion: Occasion, models: Mapping[str, ScoredModel]
) -> Measured:
    """Compute a result again from stored predictions, the truths and the bundles, and compare.

    Nothing of the result is believed: whoever approves reads ``occasion`` and ``models`` from the
    record of uses, the locked cohort, the bundles and the published predictions.

    Args:
        measured: the result as it was published.
        occasion: the use that it should be of.
        models: the bundles that it should be of, with the published predictions.

    Raises:
        ArtifactError: anything differs, or the criteria are not those recorded with the use.
        LeakError, ConfigError: as of :func:`measured_by`.
    """
    use, criteria = occasion.use, occasion.criteria
    frozen = (use.bundle_sha256, use.acceptance_sha256, use.evaluation_sha256)
    given = (
        models["release"].bundle_sha256,
        criteria.acceptance_sha256,
        criteria.evaluation_sha256,
    )
    if frozen != given:
        raise ArtifactError(
            f"use {use.number} of locked cohort '{occasion.locked}' was recorded for bundle, "
            f"acceptance and evaluation {frozen}, and {given} are given"
        )
    again = measured_by(occasion, models=models)
    differs = [
        name for name in Measured.model_fields if getattr(again, name) != getattr(measured, name)
    ]
    if differs:
        raise ArtifactError(
            f"the result of use {use.number} of locked cohort '{occasion.locked}' is not what its "
            f"predictions give; differing: {', '.join(differs)}"
        )
    return again
