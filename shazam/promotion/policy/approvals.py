"""Rules of an approval, and whether those that there are suffice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shazam.cohort.alike import folded
from shazam.errors import RefusedError
from shazam.promotion.ledger.actions import ApproveBody, Verdict
from shazam.promotion.ledger.entry import SignedEntry
from shazam.promotion.policy.document import Holder, Kind, Person, Policy, Role, Rule
from shazam.promotion.policy.proposals import open_proposal
from shazam.promotion.policy.records import Approval, Proposal
from shazam.promotion.policy.signatures import check_person
from shazam.promotion.policy.state import State

NEVER_OVERRIDDEN = frozenset({"no_leak", "sound_predictions", "canary", "canary_candidate"})
RATIONALE_CHARACTERS = 20
CLOCKS_APART = timedelta(hours=1)  # how far the clocks of two signers may differ


def follow_approve(state: State, signed: SignedEntry, holder: Holder) -> State:
    """Return the state after an approval.

    Raises:
        RefusedError: a rule is broken.
    """
    entry, body = signed.entry, signed.entry.of(ApproveBody)
    proposal = open_proposal(state, body.proposal)
    check_person(holder, actor=entry.actor, action=entry.action)
    _check_other(proposal, holder)
    state.check_usable(proposal.body.bundle_sha256)
    _check_once(state, proposal, holder, time=entry.time)
    _check_seen(proposal, body)
    _check_overridden(proposal, body, reason=entry.reason)
    _check_expiry(body, time=entry.time, policy=state.policy)
    approval = Approval(
        seq=entry.seq,
        given=entry.time,
        actor=entry.actor,
        key=signed.signers[0],
        gates=frozenset(body.gates),
        overridden=frozenset(body.overridden),
        expires=body.expires,
        reason=entry.reason,
    )
    grown = replace(proposal, approvals=(*proposal.approvals, approval))
    return replace(state, proposals={**state.proposals, grown.hash: grown})


def valid_approvals(state: State, proposal: Proposal, *, time: datetime) -> tuple[Approval, ...]:
    """Return the approvals that count at a time, one of each person.

    An approval counts no more once it has expired, its key was revoked or left the policy, its
    person lost a role, a verdict was recorded that it has not seen, or ``champion`` has moved
    since: it was given against another one. So of two that are approved side by side only one is
    promoted. Time never runs back: an approval that had expired at the time of any later entry
    stays so. One that is dated ahead does not count yet: nobody makes an approval last by a date.
    """
    found: dict[str, Approval] = {}
    for approval in proposal.approvals:
        if _counts(state, proposal, approval, time=time):
            found.setdefault(approval.actor.id, approval)
    return tuple(found.values())


def missing(state: State, proposal: Proposal, *, time: datetime) -> tuple[tuple[str, str], ...]:
    """Return what a proposal still needs: the stable name of each rule, and what to do.

    Args:
        state: of the ledger.
        proposal: an open one.
        time: at which it would be promoted, UTC.
    """
    rule = state.policy.rule(proposal.body.target)
    approvals = valid_approvals(state, proposal, time=time)
    return (
        *_verdicts(proposal, rule),
        *_origin(state, proposal),
        *_people(approvals, rule),
        *_overrides(state.policy, proposal, approvals),
    )


def _verdicts(proposal: Proposal, rule: Rule) -> tuple[tuple[str, str], ...]:
    found = []
    if not proposal.has(Verdict.CROSS_VALIDATION):
        found.append(("no_verdict", "its gates were not recorded: shazam registry gates"))
    if rule.locked_verdict and not proposal.has(Verdict.LOCKED):
        found.append(
            (
                "no_locked_verdict",
                "no verdict on a locked cohort with exactly this bundle: shazam locked measure, "
                "then shazam registry gates --locked",
            )
        )
    return tuple(found)


def _origin(state: State, proposal: Proposal) -> tuple[tuple[str, str], ...]:
    """Say of a proposal and its verdicts that whoever signed them could not do so today."""
    again = "withdraw the proposal and propose the bundle again"
    found = []
    if proposal.key in state.revoked:
        found.append(("proposer_revoked", f"the key that proposed it was revoked; {again}"))
    if any(recorder.key in state.revoked for recorder in proposal.recorders.values()):
        found.append(("evaluator_revoked", f"the key that recorded a verdict was revoked; {again}"))
    roles = {recorder.actor.role for recorder in proposal.recorders.values()}
    if state.policy.kind is Kind.PRODUCTION and not roles <= {Role.EVALUATION}:
        found.append(
            ("verdict_by_person", f"a person recorded a verdict, before 'production'; {again}")
        )
    return tuple(found)


def _people(approvals: tuple[Approval, ...], rule: Rule) -> tuple[tuple[str, str], ...]:
    found = []
    if len(approvals) < rule.approvals:
        found.append(
            (
                "too_few_approvals",
                f"{len(approvals)} approval(s) count, and {rule.approvals} people must approve",
            )
        )
    held = {approval.actor.role for approval in approvals}
    found += [
        ("role_missing", f"nobody approved in the role '{role}'")
        for role in rule.roles
        if role not in held
    ]
    return tuple(found)


def _overrides(
    policy: Policy, proposal: Proposal, approvals: tuple[Approval, ...]
) -> tuple[tuple[str, str], ...]:
    failed = proposal.failed
    if not failed:
        return ()
    if never := failed & NEVER_OVERRIDDEN:
        return (("cannot_override", f"failed, and never overridden: {', '.join(sorted(never))}"),)
    agreed = {one.actor.id for one in approvals if one.overridden == failed}
    asked = {one.id: one.name for one in policy.people if not _is_proposer(proposal, one)}
    lacking = sorted(name for id_, name in asked.items() if id_ not in agreed)
    if lacking or not agreed:
        return (
            (
                "gates_failed",
                f"failed: {', '.join(sorted(failed))}; to go on nevertheless all people must "
                f"override with a rationale, and these did not: "
                f"{', '.join(lacking) or 'there is nobody but who proposed it'}",
            ),
        )
    return ()


def _counts(state: State, proposal: Proposal, approval: Approval, *, time: datetime) -> bool:
    holder = state.policy.holder_of(approval.key)
    return (
        approval.given - time <= CLOCKS_APART
        and state.time_since(approval.seq, time=time) < approval.expires
        and approval.seq > state.left.get(approval.key, 0)
        and approval.key not in state.revoked
        and isinstance(holder, Person)
        and holder.id == approval.actor.id
        and approval.actor.role in holder.roles
        and approval.gates == frozenset(proposal.gates)
        and approval.seq > state.champion_since.get(proposal.body.model_name, 0)
    )


def _is_proposer(proposal: Proposal, holder: Holder) -> bool:
    return (
        holder.id == proposal.actor.id
        or folded(holder.name) == folded(proposal.actor.name)
        or not proposal.keys.isdisjoint(holder.fingerprints)
    )


def _check_other(proposal: Proposal, holder: Holder) -> None:
    if _is_proposer(proposal, holder):
        raise RefusedError(
            f"{holder.name} proposed this model, and cannot approve it; another person must",
            reason="proposer",
        )


def _check_once(state: State, proposal: Proposal, holder: Holder, *, time: datetime) -> None:
    for approval in proposal.approvals:
        if approval.actor.id == holder.id and _counts(state, proposal, approval, time=time):
            raise RefusedError(
                f"{holder.name} approved this proposal already (entry {approval.seq}); one person "
                "counts once, with any key and in any role",
                reason="approved_already",
            )


def _check_seen(proposal: Proposal, body: ApproveBody) -> None:
    if set(body.gates) != set(proposal.gates):
        raise RefusedError(
            "the approval names other verdicts than those that are recorded of the proposal; "
            "look at it again: shazam registry show",
            reason="gates_not_seen",
        )


def _check_overridden(proposal: Proposal, body: ApproveBody, *, reason: str) -> None:
    failed = proposal.failed
    if never := failed & NEVER_OVERRIDDEN:
        raise RefusedError(
            f"failed, and never overridden: {', '.join(sorted(never))}", reason="cannot_override"
        )
    if set(body.overridden) != failed:
        raise RefusedError(
            f"failed gates: {', '.join(sorted(failed)) or 'none'}; overridden: "
            f"{', '.join(sorted(body.overridden)) or 'none'}; name exactly those that failed "
            "with --override, or reject the proposal",
            reason="gates_failed",
        )
    if failed and len(reason.strip()) < RATIONALE_CHARACTERS:
        raise RefusedError(
            f"an override needs a written rationale of at least {RATIONALE_CHARACTERS} characters",
            reason="no_rationale",
        )


def _check_expiry(body: ApproveBody, *, time: datetime, policy: Policy) -> None:
    longest = timedelta(days=policy.approval_days, seconds=1)
    if not timedelta(0) < body.expires - time <= longest:  # a sum could pass the last year
        raise RefusedError(
            f"an approval is good for at most {policy.approval_days} days from when it is given",
            reason="expiry",
        )
