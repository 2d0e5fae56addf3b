"""Finish or take back what a process that ended left undone, and put aliases right."""

from __future__ import annotations

from dataclasses import dataclass

from shazam.errors import ArtifactError, RefusedError, SignatureError
from shazam.promotion.flow.changes import Place, carry_out, take_back
from shazam.promotion.flow.registry import Known, Registry
from shazam.promotion.flow.signer import Hand
from shazam.promotion.flow.verify import governed_aliases, moved_aliases
from shazam.promotion.ledger.actions import IntentBody
from shazam.promotion.ledger.entry import SignedEntry
from shazam.promotion.policy.changes import check_commit


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was done: entries that settle intents, and aliases that were put right."""

    settled: tuple[SignedEntry, ...]
    aliases: tuple[str, ...]


def reconcile(*, registry: Registry, place: Place, by: Hand) -> Reconciled:
    """Settle every pending intent, then let every alias point where the ledger says.

    An intent is carried out if the rules still allow it and every bundle that it brings under an
    alias is there, whole; otherwise it is taken back.

    Raises:
        RefusedError: a rule forbids it to this signer.
        StoreError: the store fails; run it again.
    """
    known = registry.read()
    settled = tuple(
        _settled(known.entry(digest), registry=registry, place=place, by=by)
        for digest in known.state.pending.values()
    )
    return Reconciled(settled, _put_right(registry.read(), place=place))


def _settled(intent: SignedEntry, *, registry: Registry, place: Place, by: Hand) -> SignedEntry:
    settle = carry_out if _can_be_finished(intent, registry=registry, place=place) else take_back
    return settle(intent, registry=registry, place=place, by=by)


def _can_be_finished(intent: SignedEntry, *, registry: Registry, place: Place) -> bool:
    body, known = intent.entry.of(IntentBody), registry.read()
    try:
        check_commit(known.state, known.state.intents[intent.hash], time=registry.clock())
        for move in body.moves:
            if move.after is not None:
                place.check_whole(body.model_name, move.after, known=known)
    except (ArtifactError, RefusedError, SignatureError):
        return False
    return True


def _put_right(known: Known, *, place: Place) -> tuple[str, ...]:
    done = []
    for model_name, held in sorted(known.state.aliases.items()):
        if not any(True for _ in moved_aliases(known.state, model_name, store=place.store)):
            continue
        for alias in governed_aliases(known.state, model_name):
            holder = held.get(alias)
            wanted = None if holder is None else holder.version
            if place.store.alias(model_name, alias) != wanted:
                place.store.point(model_name, alias=alias, version=wanted)
                done.append(f"{model_name}: {alias} -> {wanted or 'nothing'}")
    return tuple(done)
