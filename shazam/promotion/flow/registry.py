"""The ledger as it is used: read whole and checked each time, and appended to under its rules."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from shazam.errors import ConflictError, LedgerError
from shazam.promotion.flow.signer import Hand
from shazam.promotion.ledger.actions import Action, Body, PolicyBody
from shazam.promotion.ledger.chain import Flag, Head, read_chain
from shazam.promotion.ledger.entry import START, SignedEntry, make_entry, sign_entry
from shazam.promotion.ledger.store import LedgerStore
from shazam.promotion.ledger.trust import check_trusted, keep_trust, read_trust
from shazam.promotion.policy.replay import Replay, follow
from shazam.promotion.policy.signatures import keys_of
from shazam.promotion.policy.state import State
from shazam.promotion.signing.keys import PublicKey

_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it has a place: what is said, of what, and why."""

    action: Action
    body: Body
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger says: every entry, checked, and the state that they lead to."""

    entries: tuple[SignedEntry, ...]
    flags: tuple[Flag, ...]
    state: State

    @property
    def head(self) -> Head:
        """The last entry; 0 and ``START`` where there is none."""
        if not self.entries:
            return Head(0, START)
        last = self.entries[-1]
        return Head(last.entry.seq, last.hash)

    def entry(self, digest: str) -> SignedEntry:
        """Return the entry with a hash, or with the beginning of one.

        Raises:
            LedgerError: there is none, or more than one.
        """
        found = [signed for signed in self.entries if signed.hash.startswith(digest)]
        if len(found) != 1:
            raise LedgerError(
                f"{len(found)} entries of the ledger begin with {digest[:12]}; "
                "`shazam registry log` lists all"
            )
        return found[0]

    def keys_ever(self) -> dict[str, PublicKey]:
        """Return every key that any policy of the ledger has named, by fingerprint."""
        policies = [
            signed.entry.of(PolicyBody).policy
            for signed in self.entries
            if signed.entry.action is Action.POLICY
        ]
        return keys_of(holder for one in policies for holder in one.holders)


Drafting = Callable[[Known], Draft | SignedEntry]


@dataclass(frozen=True, slots=True)
class Registry:
    """A ledger with what it is checked against.

    Args:
        store: keeps the entries.
        trust: the trust file, outside of the store.
        clock: gives the time of entries.
    """

    store: LedgerStore
    trust: Path
    clock: Callable[[], datetime]

    def read(self) -> Known:
        """Return what the ledger says, after every entry was checked; the trust file moves on.

        Raises:
            LedgerError: there is no trust file, or the ledger is not whole, older than what was
                seen, or another one.
            SignatureError: a signature does not hold.
            RefusedError: an entry breaks a rule of the policy.
        """
        trust = read_trust(self.trust)
        replay = Replay(roots=trust.roots)
        chain = read_chain(self.store.texts(), visit=replay)
        check_trusted(chain.entries, trust)
        self._keep(chain.entries)
        return Known(entries=chain.entries, flags=chain.flags, state=replay.state)

    def append(self, drafting: Drafting, *, by: Hand) -> SignedEntry:
        """Append what is drafted from the ledger as it is, and return it.

        If another entry comes first, the ledger is read and the draft made again.

        Args:
            drafting: gives the draft; an entry instead of one means that nothing is to be done.
            by: who signs.

        Raises:
            RefusedError: a rule forbids it.
            ConflictError: others kept coming first.
            LedgerError, SignatureError: as for ``read``.
        """
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._append(drafting, by=by)
            except ConflictError:
                continue
        return self._append(drafting, by=by)

    def check_first(self, draft: Draft, *, roots: Sequence[str], by: Hand) -> None:
        """Refuse a first entry that the rules forbid, before a trust file pins its roots.

        Raises:
            RefusedError: a rule forbids it.
        """
        nothing = Known(entries=(), flags=(), state=State(roots=tuple(roots)))
        follow(nothing.state, self._signed(draft, known=nothing, by=by))

    def _append(self, drafting: Drafting, *, by: Hand) -> SignedEntry:
        known = self.read()
        draft = drafting(known)
        if isinstance(draft, SignedEntry):
            return draft
        signed = self._signed(draft, known=known, by=by)
        follow(known.state, signed)
        self.store.append(signed)
        self._keep((*known.entries, signed))
        return signed

    def _keep(self, entries: Sequence[SignedEntry]) -> None:
        # a pod mounts the trust file to read; those who keep one bring theirs up to date
        if os.access(self.trust, os.W_OK) and os.access(self.trust.parent, os.W_OK):
            keep_trust(self.trust, entries)

    def _signed(self, draft: Draft, *, known: Known, by: Hand) -> SignedEntry:
        first = draft.body.policy if isinstance(draft.body, PolicyBody) else None
        signer = by.signer(known.state.policy_in_force or first or known.state.policy)
        entry = make_entry(
            draft.body,
            action=draft.action,
            actor=signer.actor,
            reason=draft.reason,
            subject=draft.subject,
            seq=known.head.seq + 1,
            previous=known.head.hash,
            time=self.clock(),
        )
        return sign_entry(entry, keys=signer.keys)
