"""Load the champion: what it is says the ledger, and every byte is compared."""

from __future__ import annotations

from dataclasses import dataclass

from shazam.promotion.flow.changes import Place
from shazam.promotion.flow.registry import Registry
from shazam.promotion.flow.verify import check_aliases
from shazam.promotion.opened import OpenedBundle


@dataclass(frozen=True, slots=True)
class Champion:
    """The bundle in clinical use, verified, and the entry of the ledger that made it so."""

    bundle: OpenedBundle
    version: str
    seq: int


def open_champion(model_name: str, *, registry: Registry, place: Place) -> Champion:
    """Return the champion of a model.

    Raises:
        LedgerError: there is no trust file, or the ledger is not the trusted one, whole.
        RefusedError: there is no champion, it was recalled, or its alias or version in the store
            is not what the ledger says.
        ArtifactError: a byte of the bundle is not what it was, or its signature is missing.
        SignatureError: the signature beside the bundle does not hold.
    """
    known = registry.read()
    crowned = known.state.champion(model_name)
    check_aliases(known.state, model_name, store=place.store)
    holder = crowned.holder
    bundle = place.signed(model_name, holder, known=known)
    return Champion(bundle=bundle, version=holder.version, seq=crowned.seq)
