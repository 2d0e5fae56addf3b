"""Move aliases: an intent in the ledger, the aliases, what they then are, and the commit.

The ledger is the truth, aliases follow it. A process may end at any point; `reconcile` finishes
what it began, or takes it back.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shazam.errors import LedgerError, RefusedError
from shazam.promotion.flow.registry import Draft, Known, Registry
from shazam.promotion.flow.signer import Hand
from shazam.promotion.folder_check import SIGNATURE_FILE
from shazam.promotion.ledger.actions import (
    Action,
    AliasMove,
    Change,
    Holder,
    IntentBody,
    SettleBody,
)
from shazam.promotion.ledger.entry import SignedEntry
from shazam.promotion.opened import OpenedBundle, open_version
from shazam.promotion.policy.moves import planned_moves
from shazam.promotion.signing.bundle_signature import verify_bundle
from shazam.promotion.store import ModelStore, StoredVersion
from shazam.publish import publish_bytes
from shazam.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Place:
    """Where models are kept: the store with versions and aliases, and the workspace."""

    store: ModelStore
    workspace: Workspace

    def check_whole(self, model_name: str, holder: Holder, *, known: Known) -> None:
        """Check that the store holds a version's bundle, every byte of it, and the workspace too.

        What the workspace has is not enough: others fetch the champion from the store.

        Raises:
            ArtifactError: it is not there, or a file is missing, altered or too many.
            RefusedError: the store holds another bundle under that version.
            SignatureError: the signature beside it does not hold.
        """
        self.opened(model_name, holder)
        with self._fetched(model_name, holder) as folder:
            _check_signed(folder, holder, known=known)

    def signed(self, model_name: str, holder: Holder, *, known: Known) -> OpenedBundle:
        """Return the bundle of a version, its signature verified.

        A workspace that made the bundle may be another than the one that signed it; the signature
        is taken from the store then.

        Raises:
            ArtifactError: it is not there, or a file is missing, altered or too many.
            RefusedError: the store holds another bundle under that version.
            SignatureError: the signature beside it does not hold.
        """
        bundle = self.opened(model_name, holder)
        target = bundle.folder / SIGNATURE_FILE
        if not target.exists():
            with self._fetched(model_name, holder) as folder:
                _check_signed(folder, holder, known=known)
                publish_bytes(target, (folder / SIGNATURE_FILE).read_bytes())
        _check_signed(bundle.folder, holder, known=known)
        return bundle

    def opened(self, model_name: str, holder: Holder) -> OpenedBundle:
        """Return the bundle of a version, from the workspace or from exactly that version.

        Raises:
            ArtifactError: it is not there, or a file is missing, altered or too many.
            RefusedError: the store holds another bundle under that version.
        """
        held = self.store.versions(model_name).get(holder.version)
        if held != holder.bundle_sha256:
            raise RefusedError(
                f"model '{model_name}' version {holder.version}: the store says bundle "
                f"{held or 'none'}, and the ledger says {holder.bundle_sha256}",
                reason="other_bundle",
            )
        at = StoredVersion(model_name, holder.version, holder.bundle_sha256)
        return open_version(at, store=self.store, workspace=self.workspace)

    @contextmanager
    def _fetched(self, model_name: str, holder: Holder) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / holder.bundle_sha256
            self.store.fetch(model_name, holder.version, folder)
            yield folder


def _check_signed(folder: Path, holder: Holder, *, known: Known) -> None:
    keys = known.keys_ever().values()
    verify_bundle(folder, keys, expected_sha256=holder.bundle_sha256)


def carry_out(intent: SignedEntry, *, registry: Registry, place: Place, by: Hand) -> SignedEntry:
    """Move the aliases of an intent, read them back, and commit.

    Raises:
        RefusedError: the intent was taken back by somebody else meanwhile; the aliases are put
            right again.
        StoreError: the store fails; `reconcile` goes on from there.
    """
    body = intent.entry.of(IntentBody)
    for move in body.moves:
        _point(move, body.model_name, store=place.store)
    _check_moved(body, store=place.store)
    return _settle(intent, Action.COMMIT, registry=registry, by=by)


def take_back(intent: SignedEntry, *, registry: Registry, place: Place, by: Hand) -> SignedEntry:
    """Put the aliases of an intent back to what they were, and void it."""
    body = intent.entry.of(IntentBody)
    for move in body.moves:
        before = AliasMove(alias=move.alias, before=move.after, after=move.before)
        _point(before, body.model_name, store=place.store)
    return _settle(intent, Action.VOID, registry=registry, by=by)


def _point(move: AliasMove, model_name: str, *, store: ModelStore) -> None:
    wanted = None if move.after is None else move.after.version
    if store.alias(model_name, move.alias) != wanted:
        store.point(model_name, alias=move.alias, version=wanted)


def _check_moved(body: IntentBody, *, store: ModelStore) -> None:
    for move in body.moves:
        wanted = None if move.after is None else move.after.version
        found = store.alias(body.model_name, move.alias)
        if found != wanted:
            raise LedgerError(
                f"model '{body.model_name}': the alias '{move.alias}' was set to version "
                f"{wanted} and is {found}; somebody else moves aliases: run "
                "`shazam registry reconcile`"
            )


def _settle(intent: SignedEntry, action: Action, *, registry: Registry, by: Hand) -> SignedEntry:
    def drafting(known: Known) -> Draft | SignedEntry:
        done = known.state.settled.get(intent.hash)
        if done is not None:  # by somebody who reconciled
            return known.entry(done)
        body = SettleBody(intent=intent.hash)
        return Draft(action, body, intent.hash, intent.entry.reason)

    settled = registry.append(drafting, by=by)
    if settled.entry.action is not action:
        raise RefusedError(
            f"entry {intent.entry.seq} was settled by entry {settled.entry.seq} "
            f"({settled.entry.action}) meanwhile; run `shazam registry reconcile`",
            reason="settled",
        )
    return settled


def intend(
    change: Change,
    model_name: str,
    *,
    proposal: str | None,
    subject: str,
    registry: Registry,
    by: Hand,
    reason: str,
) -> SignedEntry:
    """Append the intent of a change, whose moves the ledger's state determines.

    Raises:
        RefusedError: a rule forbids it.
    """

    def drafting(known: Known) -> Draft:
        moves = planned_moves(known.state, change, model_name, proposal=proposal, subject=subject)
        body = IntentBody(change=change, model_name=model_name, proposal=proposal, moves=moves)
        return Draft(Action.INTENT, body, subject, reason)

    return registry.append(drafting, by=by)
