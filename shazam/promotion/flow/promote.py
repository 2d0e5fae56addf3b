"""Promote, roll back and retire: checked first, then carried out."""

from __future__ import annotations

import tempfile
from pathlib import Path

from shazam.errors import RefusedError
from shazam.promotion.flow.changes import Place, carry_out, intend
from shazam.promotion.flow.promotion_card import PROMOTION_CARD, promotion_card
from shazam.promotion.flow.registry import Draft, Known, Registry
from shazam.promotion.flow.signer import Hand
from shazam.promotion.flow.verify import check_aliases
from shazam.promotion.ledger.actions import (
    Action,
    Change,
    CountersignBody,
    Holder,
    RecallBody,
)
from shazam.promotion.ledger.entry import SignedEntry
from shazam.promotion.policy.records import Proposal
from shazam.publish import publish_bytes


def promote(
    proposal: str, *, registry: Registry, place: Place, by: Hand, reason: str
) -> SignedEntry:
    """Let the alias of an approved proposal point at its bundle, and return the commit.

    What was promoted already is left as it is: the same commit is returned. The approvals are then
    shown beside the version; the ledger is what counts.

    Raises:
        RefusedError: a rule forbids it, or an alias is not what the ledger says.
        ArtifactError: the store does not hold the bundle whole; nothing was changed.
        StoreError: the store fails; ``reconcile`` goes on from there.
    """
    known = registry.read()
    proposed = known.state.proposal(proposal)
    if proposed.closed is not None and _is_commit(known, proposed.closed):
        done = known.entry(proposed.closed)
    else:
        done = _carry_out(proposed, registry=registry, place=place, by=by, reason=reason)
    _show(proposed, place=place)
    return done


def _carry_out(
    proposal: Proposal, *, registry: Registry, place: Place, by: Hand, reason: str
) -> SignedEntry:
    body = proposal.body
    return _change(
        Change.PROMOTE, body.model_name, body.holder, proposal=proposal.hash,
        registry=registry, place=place, by=by, reason=reason,
    )  # fmt: skip


def roll_back(
    model_name: str, *, registry: Registry, place: Place, by: Hand, reason: str
) -> SignedEntry:
    """Let ``champion`` point at the last known good bundle again, byte for byte.

    One person may; a second signature is then asked for.

    Raises:
        RefusedError: there is none before, or a rule forbids it.
        ArtifactError: its bytes are not all there; nothing was changed.
    """
    known = registry.read()
    holder = known.state.last_known_good(model_name).holder
    return _change(
        Change.ROLLBACK, model_name, holder, proposal=None,
        registry=registry, place=place, by=by, reason=reason,
    )  # fmt: skip


def retire(
    model_name: str, bundle_sha256: str, *, registry: Registry, place: Place, by: Hand, reason: str
) -> SignedEntry:
    """Take a bundle out of use for good: no alias points at it any more.

    Raises:
        RefusedError: it is not in use, or a rule forbids it.
    """
    known = registry.read()
    check_aliases(known.state, model_name, store=place.store)
    intent = intend(
        Change.RETIRE, model_name, proposal=None, subject=bundle_sha256,
        registry=registry, by=by, reason=reason,
    )  # fmt: skip
    return carry_out(intent, registry=registry, place=place, by=by)


def recall(
    model_name: str, bundle_sha256: str, *, registry: Registry, by: Hand, reason: str
) -> SignedEntry:
    """Forbid a bundle from now on; a champion that is recalled cannot be loaded any more.

    Raises:
        RefusedError: a rule forbids it.
    """

    def drafting(known: Known) -> Draft | SignedEntry:
        done = known.state.recalled.get(bundle_sha256)
        if done is not None:
            return known.entry(done)
        body = RecallBody(model_name=model_name, bundle_sha256=bundle_sha256)
        return Draft(Action.RECALL, body, bundle_sha256, reason)

    return registry.append(drafting, by=by)


def countersign(intent: str, *, registry: Registry, by: Hand, reason: str) -> SignedEntry:
    """Put a second signature under a change that one person made.

    Raises:
        RefusedError: it needs none, or it is by the same person.
    """

    def drafting(known: Known) -> Draft:
        digest = known.entry(intent).hash
        return Draft(Action.COUNTERSIGN, CountersignBody(intent=digest), digest, reason)

    return registry.append(drafting, by=by)


def _change(
    change: Change,
    model_name: str,
    holder: Holder,
    *,
    proposal: str | None,
    registry: Registry,
    place: Place,
    by: Hand,
    reason: str,
) -> SignedEntry:
    known = registry.read()
    if (pending := known.state.pending.get(model_name)) is not None:
        raise RefusedError(
            f"model '{model_name}': the change that entry {known.entry(pending).entry.seq} began "
            "is under way; run `shazam registry reconcile` if its process has ended",
            reason="under_way",
        )
    check_aliases(known.state, model_name, store=place.store)
    place.check_whole(model_name, holder, known=known)
    intent = intend(
        change, model_name, proposal=proposal, subject=holder.bundle_sha256,
        registry=registry, by=by, reason=reason,
    )  # fmt: skip
    return carry_out(intent, registry=registry, place=place, by=by)


def _show(proposal: Proposal, *, place: Place) -> None:
    body = proposal.body
    with tempfile.TemporaryDirectory() as scratch:
        card = Path(scratch) / PROMOTION_CARD
        publish_bytes(card, promotion_card(proposal).encode())
        place.store.attach(body.model_name, body.version, card)


def _is_commit(known: Known, digest: str) -> bool:
    return known.entry(digest).entry.action is Action.COMMIT
