"""Propose a bundle, record the verdict on it, and decide."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from shazam.errors import RefusedError
from shazam.promotion.flow.registry import Draft, Drafting, Known, Registry
from shazam.promotion.flow.signer import Hand
from shazam.promotion.ledger.actions import (
    Action,
    ApproveBody,
    CloseBody,
    GateFound,
    GatesBody,
    ProposeBody,
    Verdict,
)
from shazam.promotion.ledger.entry import SignedEntry
from shazam.promotion.opened import OpenedBundle
from shazam.promotion.policy.document import Target
from shazam.promotion.policy.records import Proposal

METRICS, ACCEPTANCE = "metrics.json", "acceptance.json"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is proposed.

    Args:
        model_name: name of the registered model.
        version: of the model store.
        target: the alias that it is proposed for.
    """

    model_name: str
    version: str
    target: Target


def propose(
    asked: Asked, *, bundle: OpenedBundle, registry: Registry, by: Hand, reason: str
) -> SignedEntry:
    """Propose a bundle; the proposal that is open, or by which it has the alias, is returned.

    Raises:
        RefusedError: a rule forbids it.
    """
    body = ProposeBody(
        model_name=asked.model_name,
        version=asked.version,
        bundle_sha256=bundle.sha256,
        target=asked.target,
        metrics_sha256=bundle.digest(METRICS),
        acceptance_sha256=bundle.digest(ACCEPTANCE),
    )

    def drafting(known: Known) -> Draft | SignedEntry:
        for proposal in known.state.proposals.values():
            if proposal.body == body and (proposal.is_open or _in_force(known, proposal)):
                return known.entry(proposal.hash)
        return Draft(Action.PROPOSE, body, body.bundle_sha256, reason)

    return registry.append(drafting, by=by)


def _in_force(known: Known, proposal: Proposal) -> bool:
    body = proposal.body
    holder = known.state.alias(body.model_name, body.target.value)
    by_commit = proposal.closed is not None and (
        known.entry(proposal.closed).entry.action is Action.COMMIT
    )
    return by_commit and holder is not None and holder.bundle_sha256 == body.bundle_sha256


@dataclass(frozen=True, slots=True)
class VerdictFound:
    """A verdict that was computed: on what, the digest of its document, and its gates."""

    verdict: Verdict
    sha256: str
    gates: tuple[GateFound, ...]


def record_gates(
    proposal: str, *, found: VerdictFound, registry: Registry, by: Hand, reason: str
) -> SignedEntry:
    """Record a verdict on a proposal; the same verdict again is returned.

    Raises:
        RefusedError: a rule forbids it.
    """

    def drafting(known: Known) -> Draft | SignedEntry:
        proposed = known.state.proposal(proposal)
        body = GatesBody(
            proposal=proposed.hash,
            bundle_sha256=proposed.body.bundle_sha256,
            verdict=found.verdict,
            verdict_sha256=found.sha256,
            gates=found.gates,
        )
        for digest, recorded in proposed.gates.items():
            if recorded == body:
                return known.entry(digest)
        return Draft(Action.GATES, body, proposed.hash, reason)

    return registry.append(drafting, by=by)


def approve(
    proposal: str,
    *,
    gates: Collection[str],
    overridden: Sequence[str] = (),
    registry: Registry,
    by: Hand,
    reason: str,
) -> SignedEntry:
    """Approve a proposal by the verdicts that the person has seen, which must be all there are.

    Args:
        proposal: hash of its entry.
        gates: hashes of the entries of the verdicts that were made again and found as recorded.
        overridden: names of failed gates that are accepted nevertheless, for the reason.
        registry: the ledger.
        by: the person.
        reason: the rationale.

    Raises:
        RefusedError: a rule forbids it.
    """

    def drafting(known: Known) -> Draft | SignedEntry:
        proposed = known.state.proposal(proposal)
        _check_seen(proposed, gates)
        days = timedelta(days=known.state.policy.approval_days)
        body = ApproveBody(
            proposal=proposed.hash,
            gates=tuple(proposed.gates),
            overridden=tuple(sorted(overridden)),
            expires=registry.clock() + days,
        )
        return Draft(Action.APPROVE, body, proposed.hash, reason)

    return registry.append(drafting, by=by)


def _check_seen(proposal: Proposal, gates: Collection[str]) -> None:
    """Refuse to sign for a verdict that came after the person had looked."""
    if not proposal.gates:
        raise RefusedError(
            f"no verdict on the proposal of entry {proposal.seq} is recorded, so there is nothing "
            "to approve: shazam registry gates",
            reason="no_verdict",
        )
    if set(gates) != set(proposal.gates):
        raise RefusedError(
            f"another verdict on the proposal of entry {proposal.seq} was recorded meanwhile; "
            "look at it again: shazam registry show",
            reason="gates_not_seen",
        )


def reject(proposal: str, *, registry: Registry, by: Hand, reason: str) -> SignedEntry:
    """Reject a proposal.

    Raises:
        RefusedError: a rule forbids it.
    """
    return registry.append(_closing(Action.REJECT, proposal, reason), by=by)


def withdraw(proposal: str, *, registry: Registry, by: Hand, reason: str) -> SignedEntry:
    """Withdraw a proposal.

    Raises:
        RefusedError: a rule forbids it.
    """
    return registry.append(_closing(Action.WITHDRAW, proposal, reason), by=by)


def _closing(action: Action, proposal: str, reason: str) -> Drafting:
    def drafting(known: Known) -> Draft:
        digest = known.state.proposal(proposal).hash
        return Draft(action, CloseBody(proposal=digest), digest, reason)

    return drafting
