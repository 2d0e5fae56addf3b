"""Rules of the entries that propose a bundle, record a verdict, and close a proposal."""

from __future__ import annotations

from dataclasses import replace

from shazam.errors import RefusedError
from shazam.promotion.ledger.actions import Action, CloseBody, GatesBody, ProposeBody
from shazam.promotion.ledger.entry import SignedEntry
from shazam.promotion.policy.document import Holder, Kind, Person, Role, Root, Service
from shazam.promotion.policy.records import Proposal, Recorder
from shazam.promotion.policy.signatures import check_person
from shazam.promotion.policy.state import State


def follow_propose(state: State, signed: SignedEntry, holder: Holder) -> State:
    """Return the state after a proposal.

    Raises:
        RefusedError: a rule is broken.
    """
    body = signed.entry.of(ProposeBody)
    if isinstance(holder, Root):
        raise RefusedError(
            "roots change the policy; a person or a service proposes", reason="not_a_proposer"
        )
    state.check_usable(body.bundle_sha256)
    for proposal in state.proposals.values():
        if proposal.is_open and _same(proposal.body, body):
            raise RefusedError(
                f"entry {proposal.seq} proposes this bundle for '{body.target}' already, and is "
                "open; decide on that one",
                reason="proposed_already",
            )
    proposal = Proposal(
        hash=signed.hash,
        seq=signed.entry.seq,
        body=body,
        actor=signed.entry.actor,
        key=signed.signers[0],
        keys=frozenset(holder.fingerprints),
    )
    return _with(state, proposal)


def follow_gates(state: State, signed: SignedEntry, holder: Holder) -> State:
    """Return the state after a verdict was recorded.

    Raises:
        RefusedError: a rule is broken.
    """
    body = signed.entry.of(GatesBody)
    proposal = open_proposal(state, body.proposal)
    _check_records(holder, state=state)
    if body.bundle_sha256 != proposal.body.bundle_sha256:
        raise RefusedError(
            f"the verdict is on bundle {body.bundle_sha256[:12]}, and bundle "
            f"{proposal.body.bundle_sha256[:12]} is proposed",
            reason="other_bundle",
        )
    for known in proposal.gates.values():
        if known.verdict is body.verdict:
            raise RefusedError(
                f"a verdict of '{body.verdict}' was recorded already; withdraw the proposal if it "
                "is wrong, and propose again",
                reason="verdict_already",
            )
    recorder = Recorder(actor=signed.entry.actor, key=signed.signers[0])
    return _with(
        state,
        replace(
            proposal,
            gates={**proposal.gates, signed.hash: body},
            recorders={**proposal.recorders, signed.hash: recorder},
        ),
    )


def follow_close(state: State, signed: SignedEntry, holder: Holder) -> State:
    """Return the state after a proposal was rejected by a person, or withdrawn.

    Raises:
        RefusedError: a rule is broken.
    """
    proposal = open_proposal(state, signed.entry.of(CloseBody).proposal)
    actor = signed.entry.actor
    if signed.entry.action is Action.REJECT or actor.id != proposal.actor.id:
        check_person(holder, actor=actor, action=signed.entry.action)
    pending = state.pending_intent(proposal.body.model_name)
    if pending is not None and pending.body.proposal == proposal.hash:
        raise RefusedError(
            f"entry {pending.seq} carries the proposal out; settle it first with "
            "`shazam registry reconcile`",
            reason="under_way",
        )
    return _with(state, replace(proposal, closed=signed.hash))


def open_proposal(state: State, digest: str) -> Proposal:
    """Return a proposal by the hash of its entry.

    Raises:
        RefusedError: there is none, or it was closed.
    """
    proposal = state.proposals.get(digest)
    if proposal is None:
        raise RefusedError(f"no entry {digest[:12]} proposes a model", reason="no_proposal")
    if not proposal.is_open:
        raise RefusedError(
            f"the proposal of entry {proposal.seq} is closed; propose the bundle again",
            reason="closed",
        )
    return proposal


def _check_records(holder: Holder, *, state: State) -> None:
    if isinstance(holder, Service) and holder.role is Role.EVALUATION:
        return
    if isinstance(holder, Person) and state.policy.kind is Kind.RESEARCH:
        return
    raise RefusedError(
        f"{holder.name} cannot record verdicts: a service with the role 'evaluation' does",
        reason="not_an_evaluator",
    )


def _same(left: ProposeBody, right: ProposeBody) -> bool:
    return (left.model_name, left.bundle_sha256, left.target) == (
        right.model_name,
        right.bundle_sha256,
        right.target,
    )


def _with(state: State, proposal: Proposal) -> State:
    return replace(state, proposals={**state.proposals, proposal.hash: proposal})
