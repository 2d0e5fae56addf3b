"""Seconds that promoting a bundle of 50 MB takes: every byte compared, two entries, the alias."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.bench import timed
from benchmarks.rows import Bound, Row
from shazam.integrations.environment import mlflow_uri
from shazam.integrations.mlflow import MlflowModelStore
from shazam.promotion import Registration, build_bundle, open_bundle
from shazam.promotion.bundle import BUNDLE_FILE
from shazam.promotion.flow import promote, proposals
from shazam.promotion.flow.changes import Place
from shazam.promotion.flow.policies import begin
from shazam.promotion.flow.registry import Registry
from shazam.promotion.flow.signer import Hand
from shazam.promotion.ledger.actions import GateFound, Verdict
from shazam.promotion.ledger.sql import create_ledger
from shazam.promotion.policy.document import Kind, Person, Policy, Role, Root, Rule, Target
from shazam.promotion.signing.bundle_signature import sign_bundle
from shazam.promotion.signing.keys import KeyKind, PrivateKey
from shazam.publish import publish_bytes, publish_json
from shazam.workspace import Workspace

NAME = "promotion: 50 MB, seconds"
_MOST_S = 5.0
_BYTES = 50_000_000
_MODEL, _WHY = "model", "a benchmark"


def measure(*, only: str | None) -> Iterator[Row]:
    """Promote an approved bundle with the embedded stores."""
    if only is not None and only not in NAME:
        return
    with tempfile.TemporaryDirectory() as folder:
        lab = _Lab.at(Path(folder))
        proposal = lab.approved()
        seconds = timed(lambda: lab.promote(proposal))
    yield Row(NAME, "embedded MLflow and SQLite", seconds, Bound.AT_MOST, _MOST_S, {})


@dataclass(frozen=True, slots=True)
class _Lab:
    root: Path
    key: PrivateKey
    registry: Registry
    place: Place

    @classmethod
    def at(cls, root: Path) -> _Lab:
        names = ("root-a", "root-b", "ann", "ben")
        keys = {name: PrivateKey.generate(KeyKind.ED25519) for name in names}
        pem = {name: (key.public.pem,) for name, key in keys.items()}
        policy = Policy(
            name="lab",
            kind=Kind.RESEARCH,
            roots=tuple(Root(id=name, name=name, keys=pem[name]) for name in names[:2]),
            people=tuple(
                Person(id=name, name=name, keys=pem[name], roles=(Role.QUALITY,))
                for name in names[2:]
            ),
            champion=Rule(approvals=0),
        )
        ledger = create_ledger(f"sqlite:///{root}/ledger.db")
        both = Hand(keys=(keys["root-a"], keys["root-b"]))
        trust = root / "trust.json"
        begin(policy, store=ledger, trust=trust, clock=_now, by=both, reason=_WHY)
        workspace = Workspace(root / "workspace")
        store = MlflowModelStore(mlflow_uri(root), artifacts=root / "mlartifacts")
        registry = Registry(store=ledger, trust=trust, clock=_now)
        return cls(root, keys["ann"], registry, Place(store=store, workspace=workspace))

    def approved(self) -> str:
        bundle, version = self._registered()
        by = Hand(keys=(self.key,))
        asked = proposals.Asked(model_name=_MODEL, version=version, target=Target.CHAMPION)
        opened = open_bundle(bundle, store=self.place.store, workspace=self.place.workspace)
        made = proposals.propose(
            asked, bundle=opened, registry=self.registry, by=by, reason=_WHY
        ).hash
        found = proposals.VerdictFound(
            verdict=Verdict.CROSS_VALIDATION,
            sha256=bundle,
            gates=(GateFound(name="floor", passed=True),),
        )
        proposals.record_gates(made, found=found, registry=self.registry, by=by, reason=_WHY)
        return made

    def promote(self, proposal: str) -> None:
        by = Hand(keys=(self.key,))
        promote.promote(proposal, registry=self.registry, place=self.place, by=by, reason=_WHY)

    def _registered(self) -> tuple[str, str]:
        folder = self.root / "made"
        tensors = np.random.default_rng(0).bytes(_BYTES)
        contents = {
            "metrics.json": b"{}",
            "acceptance.json": b"{}",
            "models/student.safetensors": tensors,
        }
        for name, content in contents.items():
            publish_bytes(folder / name, content)
        files = {name: folder / name for name in contents}
        bundle = build_bundle(files)
        publish_json(folder / BUNDLE_FILE, bundle)
        made = self.place.store.register(
            Registration(
                model_name=_MODEL,
                bundle_sha256=bundle.sha256,
                files=files,
                extras={BUNDLE_FILE: folder / BUNDLE_FILE},
                metrics={},
                parameters={},
                tags={},
            )
        )
        self.place.store.attach(_MODEL, made.version, sign_bundle(folder, self.key))
        return bundle.sha256, made.version


def _now() -> datetime:
    return datetime.now(UTC)
