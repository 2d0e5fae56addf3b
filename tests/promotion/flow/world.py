"""A ledger in SQLite, a model store in memory, a workspace with bundles, and people with keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from shazam.promotion import build_bundle, open_bundle
from shazam.promotion.flow import promote as promotion
from shazam.promotion.flow.changes import Place
from shazam.promotion.flow.policies import begin
from shazam.promotion.flow.proposals import (
    Asked,
    VerdictFound,
    approve,
    propose,
    record_gates,
)
from shazam.promotion.flow.registry import Registry
from shazam.promotion.flow.signer import Hand
from shazam.promotion.ledger.actions import GateFound, Verdict
from shazam.promotion.ledger.entry import SignedEntry
from shazam.promotion.ledger.sql import create_ledger
from shazam.promotion.policy.document import Policy, Target
from shazam.promotion.signing.bundle_signature import sign_bundle
from shazam.publish import publish_bytes, publish_json
from shazam.workspace import Workspace
from tests.promotion.builder import KEYS, PASSED, ROLE_OF, START_TIME, a_policy
from tests.promotion.store import MemoryStore

WHY = "as the procedure asks"
MODEL = "luad"


def hand(*names: str) -> Hand:
    return Hand(keys=tuple(KEYS[name] for name in names), role=ROLE_OF.get(names[0]))


@dataclass
class World:
    root: Path
    policy: Policy = field(default_factory=a_policy)
    time: datetime = START_TIME

    def __post_init__(self) -> None:
        self.store = MemoryStore()
        self.workspace = Workspace(self.root / "workspace")
        self.trust = self.root / "trust.json"
        self.url = f"sqlite:///{self.root / 'ledger.db'}"
        self.ledger = create_ledger(self.url)
        self.registry = Registry(store=self.ledger, trust=self.trust, clock=self.now)
        self.place = Place(store=self.store, workspace=self.workspace)

    def now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time

    def begin(self) -> World:
        begin(
            self.policy,
            store=self.ledger,
            trust=self.trust,
            clock=self.now,
            by=hand("root_a", "root_b"),
            reason=WHY,
        )
        return self

    def bundle(self, name: str) -> str:
        """Register a bundle with the store and return its digest."""
        folder = self.root / "made" / name
        files = {}
        for part in ("metrics.json", "acceptance.json", "models/student.json"):
            path = folder / part
            publish_bytes(path, f'{{"of":"{name} {part}"}}'.encode())
            files[part] = path
        publish_bytes(folder / "models/student.safetensors", name.encode() * 50)
        files["models/student.safetensors"] = folder / "models/student.safetensors"
        bundle = build_bundle(files)
        publish_json(folder / "bundle.json", bundle)
        sign_bundle(folder, KEYS["training"])
        self.store.add(folder, bundle.sha256)
        return bundle.sha256

    def propose(self, bundle: str, *, by: str = "training", target: str = "champion") -> str:
        opened = open_bundle(bundle, store=self.store, workspace=self.workspace)
        found = self.store.find(bundle)
        assert found is not None
        asked = Asked(model_name=MODEL, version=found.version, target=Target(target))
        made = propose(asked, bundle=opened, registry=self.registry, by=hand(by), reason=WHY)
        return made.hash

    def record(self, proposal: str, *, verdict: str, found: dict[str, bool] | None = None) -> str:
        gates = tuple(GateFound(name=n, passed=p) for n, p in (found or PASSED).items())
        made = VerdictFound(verdict=Verdict(verdict), sha256="1" * 64, gates=gates)
        return record_gates(
            proposal, found=made, registry=self.registry, by=hand("evaluation"), reason=WHY
        ).hash

    def approve(self, proposal: str, *, by: str) -> SignedEntry:
        return approve(
            proposal,
            gates=self.verdicts(proposal),
            registry=self.registry,
            by=hand(by),
            reason=WHY,
        )

    def verdicts(self, proposal: str) -> tuple[str, ...]:
        return tuple(self.registry.read().state.proposals[proposal].gates)

    def approved(self, bundle: str) -> str:
        proposal = self.propose(bundle)
        self.record(proposal, verdict="cross_validation")
        self.record(proposal, verdict="locked")
        self.approve(proposal, by="ann")
        self.approve(proposal, by="ben")
        return proposal

    def promote(self, proposal: str, *, by: str = "ben") -> SignedEntry:
        return promotion.promote(
            proposal, registry=self.registry, place=self.place, by=hand(by), reason=WHY
        )

    def crown(self, name: str) -> str:
        bundle = self.bundle(name)
        self.promote(self.approved(bundle))
        return bundle

    def roll_back(self, *, by: str = "cem") -> SignedEntry:
        return promotion.roll_back(
            MODEL, registry=self.registry, place=self.place, by=hand(by), reason=WHY
        )
