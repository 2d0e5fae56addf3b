"""Compare the model store with the ledger: aliases that moved, versions that are gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shazam.errors import ArtifactError, RefusedError, SignatureError
from shazam.promotion.flow.changes import Place
from shazam.promotion.flow.registry import Known
from shazam.promotion.ledger.actions import Holder
from shazam.promotion.policy.document import Target
from shazam.promotion.policy.moves import ALIASES
from shazam.promotion.policy.state import State
from shazam.promotion.store import ModelStore


@dataclass(frozen=True, slots=True)
class Finding:
    """What is not as the ledger says, and of which model."""

    model_name: str
    what: str


def check_aliases(state: State, model_name: str, *, store: ModelStore) -> None:
    """Refuse to go on where an alias is not what the ledger says.

    Raises:
        RefusedError: names it.
    """
    for finding in moved_aliases(state, model_name, store=store):
        raise RefusedError(
            f"model '{model_name}': {finding.what}; run `shazam registry reconcile`, and find out "
            "who moved it",
            reason="alias_moved",
        )


def moved_aliases(state: State, model_name: str, *, store: ModelStore) -> Iterator[Finding]:
    """Yield the aliases of a model that point elsewhere than the ledger says.

    While a change is under way its aliases may be as before or as after it. A challenger from
    before there was a ledger may stay until the ledger has moved one.
    """
    held = state.aliases.get(model_name, {})
    for alias in governed_aliases(state, model_name):
        allowed = {_version(held.get(alias))} | _under_way(state, model_name, alias)
        found = store.alias(model_name, alias)
        if found not in allowed:
            told = _version(held.get(alias))
            yield Finding(
                model_name,
                f"the alias '{alias}' points at {_named(found)}, and the ledger says "
                f"{_named(told)}",
            )


def findings(known: Known, *, place: Place) -> Iterator[Finding]:
    """Yield everything in the model store that is not as the ledger says."""
    for model_name in _models(known.state):
        yield from moved_aliases(known.state, model_name, store=place.store)
        yield from _unusable(known.state, model_name)
        held = known.state.aliases.get(model_name, {})
        for holder in sorted(set(held.values()), key=lambda one: one.version):
            try:
                place.check_whole(model_name, holder, known=known)
            except (ArtifactError, RefusedError, SignatureError) as error:
                yield Finding(model_name, f"version {holder.version}: {error}")
    for model_name, pending in sorted(known.state.pending.items()):
        seq = known.entry(pending).entry.seq
        yield Finding(model_name, f"the change that entry {seq} began is not settled")
    for digest in sorted(known.state.unconfirmed):
        intent = known.state.intents[digest]
        yield Finding(
            intent.body.model_name, f"entry {intent.seq} awaits the signature of a second person"
        )


def _models(state: State) -> list[str]:
    """Return the models that the ledger speaks of, those that never got an alias among them."""
    return sorted({*state.aliases, *(one.body.model_name for one in state.proposals.values())})


def _unusable(state: State, model_name: str) -> Iterator[Finding]:
    """Yield why the champion of a model cannot be loaded, such as that it was recalled."""
    if state.alias(model_name, Target.CHAMPION.value) is None:
        return
    try:
        state.champion(model_name)
    except RefusedError as error:
        yield Finding(model_name, str(error))


def governed_aliases(state: State, model_name: str) -> tuple[str, ...]:
    """Return the aliases of a model that are the ledger's business."""
    moved = {
        move.alias
        for digest, intent in state.intents.items()
        if intent.body.model_name == model_name and digest in state.settled
        for move in intent.body.moves
    }
    return tuple(one for one in ALIASES if one != Target.CHALLENGER.value or one in moved)


def _under_way(state: State, model_name: str, alias: str) -> set[str | None]:
    intent = state.pending_intent(model_name)
    if intent is None:
        return set()
    return {_version(move.after) for move in intent.body.moves if move.alias == alias}


def _version(holder: Holder | None) -> str | None:
    return None if holder is None else holder.version


def _named(version: str | None) -> str:
    return "nothing" if version is None else f"version {version}"
