"""Verdicts on a bundle, each made again from what it must follow from; none is believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shazam.cohort.locked import locked_cohorts
from shazam.cohort.locked_uses import uses_of
from shazam.digest import digest_of
from shazam.errors import RefusedError
from shazam.evaluation.result import Gate
from shazam.integrations.measure import recompute_registered
from shazam.promotion import OpenedBundle
from shazam.promotion.evidence.recompute import recompute
from shazam.promotion.flow.changes import Place
from shazam.promotion.flow.proposals import ACCEPTANCE, METRICS, VerdictFound
from shazam.promotion.ledger.actions import GateFound, GatesBody, Verdict
from shazam.promotion.opened import private_copy
from shazam.promotion.policy.records import Proposal


def cross_validated(bundle: OpenedBundle) -> VerdictFound:
    """Return the verdict of a bundle's evidence, made here.

    Raises:
        RefusedError: the bundle says something else.
        ArtifactError: a file of its evidence is missing or not of its form.
    """
    with private_copy(bundle) as own:
        found = recompute(own.folder)
    return VerdictFound(
        verdict=Verdict.CROSS_VALIDATION,
        sha256=found.metrics_sha256,
        gates=_named(found.result.gates),
    )


def on_locked(bundle_sha256: str, *, place: Place, name: str) -> VerdictFound:
    """Return the first verdict on a bundle of a locked cohort of this workspace, made again.

    Args:
        bundle_sha256: the bundle.
        place: holds the cohort, the record of its uses and the stored predictions.
        name: of the locked cohort.

    Raises:
        RefusedError: the bundle was not measured on it.
        ArtifactError: the result is not what its predictions give.
    """
    return next(_on_locked(bundle_sha256, place=place, name=name))


def check_recorded(proposal: Proposal, *, bundle: OpenedBundle, place: Place) -> None:
    """Make every recorded verdict of a proposal again, and refuse one that differs.

    Raises:
        RefusedError: names the verdict and what differs.
        ArtifactError: what it must follow from is missing or altered.
    """
    _check_proposed(proposal, bundle=bundle)
    for recorded in proposal.gates.values():
        match recorded.verdict:
            case Verdict.CROSS_VALIDATION:
                found = cross_validated(bundle)
            case Verdict.LOCKED:
                found = _as_recorded(recorded, bundle_sha256=bundle.sha256, place=place)
        _check_same(recorded, found)


def _check_proposed(proposal: Proposal, *, bundle: OpenedBundle) -> None:
    """Refuse a proposal that names other numbers or criteria than its bundle holds."""
    body, files = proposal.body, bundle.bundle.files
    said = (body.bundle_sha256, body.metrics_sha256, body.acceptance_sha256)
    if said != (bundle.sha256, files.get(METRICS), files.get(ACCEPTANCE)):
        raise RefusedError(
            f"entry {proposal.seq} proposes other metrics or another acceptance file than those "
            f"of bundle {bundle.sha256[:12]}; reject it, and find out who proposed it",
            reason="differs",
        )


def _as_recorded(recorded: GatesBody, *, bundle_sha256: str, place: Place) -> VerdictFound:
    """Return the verdict that was recorded, of all that the bundle has; else the last of them."""
    for found in _on_locked(bundle_sha256, place=place, name=None):
        if found.sha256 == recorded.verdict_sha256:
            break
    return found


def _check_same(recorded: GatesBody, found: VerdictFound) -> None:
    if recorded.verdict_sha256 != found.sha256:
        raise RefusedError(
            f"the verdict '{recorded.verdict}' was recorded of the document "
            f"{recorded.verdict_sha256[:12]}, and here it is {found.sha256[:12]}",
            reason="differs",
        )
    claimed = {gate.name: gate.passed for gate in recorded.gates}
    made = {gate.name: gate.passed for gate in found.gates}
    differs = sorted(
        name for name in claimed.keys() | made.keys() if claimed.get(name) != made.get(name)
    )
    if differs:
        raise RefusedError(
            f"the verdict '{recorded.verdict}' was recorded with other gates than are found here: "
            f"{', '.join(differs)}",
            reason="differs",
        )


def _on_locked(bundle_sha256: str, *, place: Place, name: str | None) -> Iterator[VerdictFound]:
    measured = list(_measured(bundle_sha256, place=place, name=name))
    if not measured:
        where = "any locked cohort of this workspace" if name is None else f"'{name}'"
        raise RefusedError(
            f"bundle {bundle_sha256[:12]} was not measured on {where}, so that "
            "verdict cannot be made again here; use the workspace that holds the locked cohort",
            reason="not_measured",
        )
    for cohort, number in measured:
        found = recompute_registered(
            cohort, number=number, store=place.store, workspace=place.workspace
        )
        yield VerdictFound(
            verdict=Verdict.LOCKED, sha256=digest_of(found), gates=_named(found.gates)
        )


def _measured(bundle_sha256: str, *, place: Place, name: str | None) -> Iterator[tuple[str, int]]:
    for cohort in locked_cohorts(place.workspace):
        if name is not None and cohort.name != name:
            continue
        for use in uses_of(cohort.name, workspace=place.workspace):
            if use.bundle_sha256 == bundle_sha256:
                yield cohort.name, use.number


def _named(gates: Sequence[Gate]) -> tuple[GateFound, ...]:
    return tuple(GateFound(name=gate.name, passed=gate.passed) for gate in gates)
