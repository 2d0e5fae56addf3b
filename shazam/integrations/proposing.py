"""Propose what a run registered, record its verdict, and let the challenger point at it."""

from __future__ import annotations

import os
from pathlib import Path

from shazam.errors import ConfigError
from shazam.integrations.mlflow import MlflowModelStore
from shazam.integrations.verdicts import cross_validated
from shazam.promotion import open_bundle
from shazam.promotion.flow import proposals
from shazam.promotion.flow.changes import Place
from shazam.promotion.flow.opening import open_registry
from shazam.promotion.flow.promote import promote
from shazam.promotion.flow.registry import Known, Registry
from shazam.promotion.flow.signer import Hand
from shazam.promotion.folder_check import SIGNATURE_FILE
from shazam.promotion.ledger.entry import SignedEntry
from shazam.promotion.policy.document import Target
from shazam.promotion.signing.bundle_signature import sign_bundle, verify_bundle
from shazam.promotion.signing.key_files import read_private_key
from shazam.refs import LedgerRef, RegistrationRef
from shazam.workspace import Workspace

TRAINING_KEY, EVALUATION_KEY = "SHAZAM_TRAINING_KEY_FILE", "SHAZAM_EVALUATION_KEY_FILE"
_BY_PIPELINE = "by the promotion pipeline"


def propose_registered(
    registered: RegistrationRef,
    *,
    target: Target,
    registry: Registry,
    place: Place,
    by: Hand,
    reason: str,
) -> SignedEntry:
    """Propose the version that a run registered; its bundle is verified, and signed beside it.

    Raises:
        ArtifactError: the bundle is not whole.
        SignatureError: it has a signature that does not hold.
        RefusedError: a rule forbids it.
    """
    bundle = open_bundle(registered.bundle_sha256, store=place.store, workspace=place.workspace)
    asked = proposals.Asked(
        model_name=registered.model_name, version=registered.version, target=target
    )
    made = proposals.propose(asked, bundle=bundle, registry=registry, by=by, reason=reason)
    signature = _signature(bundle.folder, by=by, known=registry.read())
    place.store.attach(registered.model_name, registered.version, signature)
    return made


def _signature(folder: Path, *, by: Hand, known: Known) -> Path:
    """Return the signature beside a bundle; one that is there must hold, and stays."""
    if (folder / SIGNATURE_FILE).is_file():
        verify_bundle(folder, known.keys_ever().values())
        return folder / SIGNATURE_FILE
    return sign_bundle(folder, by.keys[0])


def propose_by_service(
    registered: RegistrationRef, *, target: Target, workspace: Workspace
) -> LedgerRef:
    """Propose with the key of the training service.

    Raises:
        ConfigError: there is no such key here.
        ShazamError: as of :func:`propose_registered`.
    """
    made = propose_registered(
        registered,
        target=target,
        registry=open_registry(workspace),
        place=_place(workspace),
        by=_service(TRAINING_KEY),
        reason=_BY_PIPELINE,
    )
    return ref_of(made)


def record_by_service(proposal: LedgerRef, *, workspace: Workspace) -> LedgerRef:
    """Make the verdict on a proposal again, and record it with the key of the evaluation service.

    Raises:
        ConfigError: there is no such key here.
        RefusedError: the bundle's numbers are not those that its evidence gives.
    """
    registry, place = open_registry(workspace), _place(workspace)
    body = registry.read().state.proposal(proposal.sha256).body
    bundle = place.opened(body.model_name, body.holder)
    made = proposals.record_gates(
        proposal.sha256,
        found=cross_validated(bundle),
        registry=registry,
        by=_service(EVALUATION_KEY),
        reason=_BY_PIPELINE,
    )
    return ref_of(made)


def promote_by_service(proposal: LedgerRef, *, workspace: Workspace) -> LedgerRef:
    """Let ``challenger`` point at a proposal whose gates passed; a champion is up to people.

    Raises:
        ConfigError: there is no key of the evaluation service here.
        RefusedError: a rule forbids it, such as a failed gate.
    """
    made = promote(
        proposal.sha256,
        registry=open_registry(workspace),
        place=_place(workspace),
        by=_service(EVALUATION_KEY),
        reason=_BY_PIPELINE,
    )
    return ref_of(made)


def ref_of(signed: SignedEntry) -> LedgerRef:
    """Return the ref of an entry."""
    return LedgerRef(uri=f"ledger/{signed.entry.seq}", sha256=signed.hash, seq=signed.entry.seq)


def _place(workspace: Workspace) -> Place:
    return Place(store=MlflowModelStore.of(workspace), workspace=workspace)


def _service(variable: str) -> Hand:
    named = os.environ.get(variable)
    if not named:
        raise ConfigError(
            f"{variable} names no key of a service; make one with `shazam registry key --service`, "
            "have two roots put it into the policy, and mount it where this step runs"
        )
    return Hand(keys=(read_private_key(Path(named), passphrase=None),))
