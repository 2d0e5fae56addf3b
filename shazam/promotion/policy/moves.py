"""Which aliases a change moves, and to what: the ledger's state alone determines it."""

from __future__ import annotations

from shazam.errors import RefusedError
from shazam.promotion.ledger.actions import AliasMove, Change, Holder
from shazam.promotion.policy.document import Target
from shazam.promotion.policy.state import State

CHAMPION, CHALLENGER, PREVIOUS = Target.CHAMPION.value, Target.CHALLENGER.value, "previous"
ALIASES = (CHAMPION, CHALLENGER, PREVIOUS)


def planned_moves(
    state: State, change: Change, model_name: str, *, proposal: str | None, subject: str
) -> tuple[AliasMove, ...]:
    """Return the moves of a change, aliases that stay left out.

    ``champion``: the one before becomes ``previous``, and ``challenger`` is cleared if it was the
    same bundle. What is champion by a policy of research can become it again by one of
    production: the alias then stays, and the entry says anew why. A rollback brings the last known
    good one back; ``previous`` is then the known good one before that, if any. Retiring a bundle
    clears every alias that points at it.

    Args:
        state: of the ledger.
        change: what is done.
        model_name: the model.
        proposal: hash of the proposal that is promoted.
        subject: digest of the bundle that is retired.

    Raises:
        RefusedError: nothing would move, or there is nothing to move to.
    """
    crowned = CHAMPION if change is Change.PROMOTE else None
    match change:
        case Change.PROMOTE:
            after = _promoted(state, model_name, proposal=proposal)
        case Change.ROLLBACK:
            after = _rolled_back(state, model_name)
        case Change.RETIRE:
            held = state.aliases.get(model_name, {})
            after = {name: None for name in held if held[name].bundle_sha256 == subject}
    moves = tuple(
        AliasMove(alias=alias, before=before, after=after[alias])
        for alias in ALIASES
        if alias in after
        and ((before := state.alias(model_name, alias)) != after[alias] or alias == crowned)
    )
    if not moves:
        raise RefusedError(
            f"model '{model_name}': nothing would move; the aliases are so already",
            reason="nothing_to_move",
        )
    return moves


def _promoted(state: State, model_name: str, *, proposal: str | None) -> dict[str, Holder | None]:
    body = state.proposal(proposal or "").body
    holder = body.holder
    champion = state.alias(model_name, CHAMPION)
    same = champion is not None and champion.bundle_sha256 == holder.bundle_sha256
    if same and state.met(state.champions[model_name][-1]):
        return {}
    if body.target is Target.CHALLENGER:
        return {CHALLENGER: holder}
    after: dict[str, Holder | None] = {CHAMPION: holder}
    if champion is not None and not same:
        after[PREVIOUS] = champion
    challenger = state.alias(model_name, CHALLENGER)
    if challenger is not None and challenger.bundle_sha256 == holder.bundle_sha256:
        after[CHALLENGER] = None
    return after


def _rolled_back(state: State, model_name: str) -> dict[str, Holder | None]:
    good = state.last_known_good(model_name)
    stack = state.champions[model_name]
    earlier = [
        one.holder
        for one in stack[: stack.index(good)]
        if state.is_good(one) and one.holder.bundle_sha256 != good.holder.bundle_sha256
    ]
    return {CHAMPION: good.holder, PREVIOUS: earlier[-1] if earlier else None}
