"""Rules of the entries that move aliases, settle that, confirm it, and recall a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from shazam.errors import RefusedError
from shazam.promotion.ledger.actions import (
    Action,
    Change,
    CountersignBody,
    Holder,
    IntentBody,
    RecallBody,
    SettleBody,
)
from shazam.promotion.ledger.entry import SignedEntry
from shazam.promotion.policy.approvals import missing
from shazam.promotion.policy.document import Holder as KeyHolder
from shazam.promotion.policy.document import Person, Role, Service, Target
from shazam.promotion.policy.moves import PREVIOUS, planned_moves
from shazam.promotion.policy.proposals import open_proposal
from shazam.promotion.policy.records import Crowned, Intent
from shazam.promotion.policy.signatures import check_person
from shazam.promotion.policy.state import State


def follow_intent(state: State, signed: SignedEntry, holder: KeyHolder) -> State:
    """Return the state after an intent.

    Raises:
        RefusedError: a rule is broken.
    """
    entry, body = signed.entry, signed.entry.of(IntentBody)
    pending = state.pending_intent(body.model_name)
    if pending is not None:
        raise RefusedError(
            f"model '{body.model_name}': the change that entry {pending.seq} began is under way; "
            "run `shazam registry reconcile` if its process has ended",
            reason="under_way",
        )
    intent = Intent(
        hash=signed.hash,
        seq=entry.seq,
        body=body,
        subject=entry.subject,
        actor=entry.actor,
        key=signed.signers[0],
    )
    _check_mover(state, intent, holder, action=entry.action)
    _check_confirmed(state, intent, holder)
    _check_change(state, intent, time=entry.time)
    return replace(
        state,
        intents={**state.intents, intent.hash: intent},
        pending={**state.pending, body.model_name: intent.hash},
    )


def follow_settle(state: State, signed: SignedEntry, holder: KeyHolder) -> State:
    """Return the state after an intent was committed or voided.

    Raises:
        RefusedError: a rule is broken.
    """
    digest = signed.entry.of(SettleBody).intent
    intent = state.intents.get(digest)
    if intent is None or state.pending.get(intent.body.model_name) != digest:
        raise RefusedError(
            f"no change {digest[:12]} is under way; it was settled already, or never begun",
            reason="not_pending",
        )
    _check_moves_aliases(holder)
    settled = replace(
        state,
        pending={
            name: other for name, other in state.pending.items() if name != intent.body.model_name
        },
        settled={**state.settled, digest: signed.hash},
    )
    if signed.entry.action is Action.VOID:
        return settled
    check_commit(state, intent, time=signed.entry.time)
    return _committed(settled, intent, signed)


def check_commit(state: State, intent: Intent, *, time: datetime) -> None:
    """Ask that what allowed an intent still holds when it is committed; else it is voided.

    A key may have been revoked since, a verdict or another policy have come, an approval expired.

    Raises:
        RefusedError: a rule is broken.
    """
    holder = state.policy.holder_of(intent.key)
    if intent.key in state.revoked or holder is None:
        raise RefusedError(
            f"the key that began the change of entry {intent.seq} signs no more; take the change "
            "back with `shazam registry reconcile`, and begin it again",
            reason="revoked_key",
        )
    for move in intent.body.moves:
        if move.after is not None and move.alias != PREVIOUS:
            state.check_usable(move.after.bundle_sha256)
    _check_change(state, intent, time=time)


def follow_countersign(state: State, signed: SignedEntry, holder: KeyHolder) -> State:
    """Return the state after a second person has confirmed what one did.

    Raises:
        RefusedError: a rule is broken.
    """
    digest = signed.entry.of(CountersignBody).intent
    if digest not in state.unconfirmed:
        raise RefusedError(
            f"entry {digest[:12]} awaits no second signature", reason="not_unconfirmed"
        )
    check_person(holder, actor=signed.entry.actor, action=signed.entry.action)
    intent = state.intents[digest]
    if holder.id == intent.actor.id or intent.key in holder.fingerprints:
        raise RefusedError(
            f"{signed.entry.actor.name} did this; another person must confirm it",
            reason="same_person",
        )
    return replace(state, unconfirmed=state.unconfirmed - {digest})


def follow_recall(state: State, signed: SignedEntry, holder: KeyHolder) -> State:
    """Return the state after a bundle was recalled.

    Raises:
        RefusedError: a rule is broken.
    """
    body = signed.entry.of(RecallBody)
    check_person(holder, actor=signed.entry.actor, action=signed.entry.action)
    if body.bundle_sha256 in state.recalled:
        raise RefusedError(
            f"bundle {body.bundle_sha256[:12]} was recalled already", reason="recalled_already"
        )
    return replace(state, recalled={**state.recalled, body.bundle_sha256: signed.hash})


def _check_mover(state: State, intent: Intent, holder: KeyHolder, *, action: Action) -> None:
    body = intent.body
    if body.change is Change.PROMOTE:
        proposal = open_proposal(state, body.proposal or "")
        if proposal.body.target is not Target.CHAMPION:
            _check_moves_aliases(holder)
            return
    check_person(holder, actor=intent.actor, action=action)


def _check_confirmed(state: State, intent: Intent, holder: KeyHolder) -> None:
    """Ask that nobody rolls back twice alone: one person could go back as far as there is."""
    if intent.body.change is not Change.ROLLBACK:
        return
    for digest in state.unconfirmed:
        known = state.intents[digest]
        own = known.actor.id == holder.id or known.key in holder.fingerprints
        if own and known.body.model_name == intent.body.model_name:
            raise RefusedError(
                f"{holder.name} rolled back model '{known.body.model_name}' by entry {known.seq}, "
                "and nobody has confirmed that; another person must, with `shazam registry "
                "countersign`, or roll back in turn",
                reason="unconfirmed",
            )


def _check_change(state: State, intent: Intent, *, time: datetime) -> None:
    body = intent.body
    if body.change is Change.PROMOTE:
        _check_promotion(state, intent, time=time)
    elif body.proposal is not None:
        raise RefusedError(f"a {body.change} is of no proposal", reason="other_proposal")
    planned = planned_moves(
        state, body.change, body.model_name, proposal=body.proposal, subject=intent.subject
    )
    if body.moves != planned:
        raise RefusedError(
            "the moves are not those that the ledger's state leads to; read it again",
            reason="other_moves",
        )


def _check_promotion(state: State, intent: Intent, *, time: datetime) -> None:
    body = intent.body
    proposal = open_proposal(state, body.proposal or "")
    proposed = proposal.body
    if (proposed.model_name, proposed.bundle_sha256) != (body.model_name, intent.subject):
        raise RefusedError(
            "the intent is of another model or bundle than its proposal", reason="other_bundle"
        )
    state.check_usable(proposed.bundle_sha256)
    lacking = missing(state, proposal, time=time)
    if lacking:
        told = "; ".join(what for _, what in lacking)
        raise RefusedError(
            f"the proposal of entry {proposal.seq} cannot be promoted yet: {told}",
            reason=lacking[0][0],
        )


def _check_moves_aliases(holder: KeyHolder) -> None:
    if isinstance(holder, Person):
        return
    if isinstance(holder, Service) and holder.role is Role.EVALUATION:
        return
    raise RefusedError(
        f"{holder.name} moves no aliases: a person or a service with the role 'evaluation' does",
        reason="not_a_mover",
    )


def _committed(state: State, intent: Intent, signed: SignedEntry) -> State:
    body = intent.body
    held = dict(state.aliases.get(body.model_name, {}))
    for move in body.moves:
        held.pop(move.alias, None)
        if move.after is not None:
            held[move.alias] = move.after
    moved = replace(
        state,
        aliases={**state.aliases, body.model_name: held},
        champions={
            **state.champions,
            body.model_name: _champions(state, intent, seq=signed.entry.seq),
        },
        champion_since=_since(state, intent, seq=signed.entry.seq),
    )
    match body.change:
        case Change.PROMOTE:
            proposal = state.proposals[body.proposal or ""]
            closed = replace(proposal, closed=signed.hash)
            return replace(moved, proposals={**moved.proposals, closed.hash: closed})
        case Change.ROLLBACK:
            return replace(moved, unconfirmed=moved.unconfirmed | {intent.hash})
        case Change.RETIRE:
            bundles = {move.before.bundle_sha256 for move in body.moves if move.before is not None}
            return replace(moved, retired={**moved.retired, **dict.fromkeys(bundles, intent.hash)})


def _champions(state: State, intent: Intent, *, seq: int) -> tuple[Crowned, ...]:
    stack = state.champions.get(intent.body.model_name, ())
    crowned = _new_champion(intent)
    if crowned is None:
        return stack
    if intent.body.change is Change.ROLLBACK:  # what it leaves behind is not known good
        bundles = [one.holder.bundle_sha256 for one in stack]
        last = len(bundles) - 1 - bundles[::-1].index(crowned.bundle_sha256)
        stack = stack[:last]
    return (*stack, Crowned(holder=crowned, seq=seq, kind=state.policy.kind))


def _since(state: State, intent: Intent, *, seq: int) -> Mapping[str, int]:
    if any(move.alias == Target.CHAMPION.value for move in intent.body.moves):
        return {**state.champion_since, intent.body.model_name: seq}
    return state.champion_since


def _new_champion(intent: Intent) -> Holder | None:
    for move in intent.body.moves:
        if move.alias == Target.CHAMPION.value:
            return move.after
    return None
