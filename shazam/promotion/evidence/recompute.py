"""The verdict of a bundle made again from its evidence: whoever approves need not believe it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from shazam.digest import canonical_json, digest_of, digest_of_file
from shazam.errors import ArtifactError, RefusedError, ShazamError
from shazam.evaluation.result import EvaluationResult
from shazam.promotion.evidence.compared import compared
from shazam.promotion.evidence.files import ACCEPTANCE, CONFIG, METRICS, read_config, read_inputs

_REASON = "differs"


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What was found again.

    Args:
        result: the verdict, made here.
        metrics_sha256: digest of the bundle's own verdict, which it agrees with.
        acceptance_sha256: digest of the acceptance file that it is by.
        n_compared: values that were compared.
    """

    result: EvaluationResult
    metrics_sha256: str
    acceptance_sha256: str
    n_compared: int

    @property
    def passed(self) -> bool:
        """Whether every gate passed, by the numbers made here."""
        return self.result.passed


def recompute(folder: Path) -> Recomputed:
    """Evaluate a bundle's evidence and compare each value with what the bundle says.

    Texts, booleans, whole numbers and the structure must be equal, other numbers to 1e-9, relative
    to the greater where that is above 1.

    Args:
        folder: of a bundle whose files were compared to their digests; nothing else is read.

    Raises:
        RefusedError: reason ``differs``: names the first value that is another one, and both; or
            the evidence gives no verdict.
        ArtifactError: a file is missing, or not of its form.
    """
    claimed = _claimed(folder / METRICS)
    inputs = read_inputs(folder)
    try:
        result = inputs.evaluated()
    except (ShazamError, ValueError, LookupError, TypeError) as error:
        raise RefusedError(
            f"{folder.name}: its evidence gives no verdict: {error}", reason=_REASON
        ) from error
    found: object = json.loads(canonical_json(result))
    n_compared = 0
    for difference in compared(claimed, found):
        if difference is not None:
            raise RefusedError(
                f"{folder.name}: {METRICS} does not hold what its evidence gives: {difference}",
                reason=_REASON,
            )
        n_compared += 1
    return Recomputed(
        result=result,
        metrics_sha256=digest_of_file(folder / METRICS),
        acceptance_sha256=_acceptance_sha256(folder, result=result),
        n_compared=n_compared,
    )


def _claimed(path: Path) -> object:
    try:
        return json.loads(path.read_bytes(), parse_constant=_no_constant)
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: missing or no JSON: {error}") from error


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _acceptance_sha256(folder: Path, *, result: EvaluationResult) -> str:
    own, judged = digest_of_file(folder / ACCEPTANCE), result.acceptance_sha256
    asked = digest_of(read_config(folder).acceptance)
    if not own == judged == asked:
        raise RefusedError(
            f"{folder.name}: {ACCEPTANCE} is {own}, the verdict is by {judged}, and {CONFIG} asks "
            f"{asked}",
            reason=_REASON,
        )
    return own
