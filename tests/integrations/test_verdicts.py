"""Whoever approves makes every verdict again, and is shown nothing else than what was compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from shazam.digest import digest_of
from shazam.errors import RefusedError
from shazam.evaluation.result import Gate
from shazam.integrations import verdicts
from shazam.promotion import OpenedBundle, build_bundle
from shazam.promotion.flow.changes import Place
from shazam.promotion.ledger.actions import GateFound, GatesBody, ProposeBody, Verdict
from shazam.promotion.ledger.entry import Actor
from shazam.promotion.policy.document import Role, Target
from shazam.promotion.policy.records import Proposal
from shazam.publish import publish_bytes
from shazam.workspace import Workspace
from tests.promotion.store import MemoryStore


@pytest.fixture
def bundle(tmp_path: Path) -> OpenedBundle:
    folder = tmp_path / "bundle"
    for name in ("metrics.json", "acceptance.json"):
        publish_bytes(folder / name, name.encode())
    files = {name: folder / name for name in ("metrics.json", "acceptance.json")}
    return OpenedBundle(folder, build_bundle(files))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(store=MemoryStore(), workspace=Workspace(tmp_path / "ws"))


def proposed(bundle: OpenedBundle, *recorded: GatesBody, **changed: str) -> Proposal:
    fields = {
        "metrics_sha256": bundle.digest("metrics.json"),
        "acceptance_sha256": bundle.digest("acceptance.json"),
        **changed,
    }
    body = ProposeBody(
        model_name="luad",
        version="1",
        bundle_sha256=bundle.sha256,
        target=Target.CHAMPION,
        **fields,
    )
    actor = Actor(id="trainer", name="Training", role=Role.TRAINING)
    gates = {digest_of(one): one for one in recorded}
    return Proposal("1" * 64, 2, body, actor, "2" * 64, frozenset(), gates=gates)


def recorded(bundle: OpenedBundle, *, verdict: Verdict, sha256: str) -> GatesBody:
    return GatesBody(
        proposal="1" * 64,
        bundle_sha256=bundle.sha256,
        verdict=verdict,
        verdict_sha256=sha256,
        gates=(GateFound(name="floor", passed=True),),
    )


@dataclass
class Found:
    """What an evaluation gives."""

    metrics_sha256: str
    passed: bool = True

    @property
    def result(self) -> Found:
        return self

    @property
    def gates(self) -> tuple[Gate, ...]:
        gate = Gate(name="floor", passed=self.passed, observed=1, required=0, explanation="")
        return (gate,)


def differs():
    return pytest.raises(RefusedError, check=lambda error: error.reason == "differs")


@pytest.mark.parametrize("changed", ["metrics_sha256", "acceptance_sha256"])
def test_a_proposal_that_names_other_numbers_than_its_bundle_is_refused(bundle, place, changed):
    verdicts.check_recorded(proposed(bundle), bundle=bundle, place=place)
    with differs():
        other = proposed(bundle, **{changed: "0" * 64})
        verdicts.check_recorded(other, bundle=bundle, place=place)


@pytest.mark.parametrize(("sha256", "passed"), [("0" * 64, True), (None, False)])
def test_a_recorded_verdict_that_is_not_what_the_evidence_gives_is_refused(
    bundle, place, monkeypatch, sha256, passed
):
    own = bundle.digest("metrics.json")
    monkeypatch.setattr(verdicts, "recompute", lambda _: Found(own, passed=passed))
    claimed = recorded(bundle, verdict=Verdict.CROSS_VALIDATION, sha256=sha256 or own)
    with differs():
        verdicts.check_recorded(proposed(bundle, claimed), bundle=bundle, place=place)


def test_what_a_training_pod_swaps_while_it_is_evaluated_is_not_seen(bundle, place, monkeypatch):
    """The folder is shared with pods that train: the evaluation reads a copy of its own."""
    seen = {}

    def evaluating(folder: Path) -> Found:
        (bundle.folder / "metrics.json").unlink()
        (bundle.folder / "metrics.json").write_bytes(b"better")
        seen["metrics"] = (folder / "metrics.json").read_bytes()
        return Found(bundle.digest("metrics.json"))

    monkeypatch.setattr(verdicts, "recompute", evaluating)
    verdicts.cross_validated(bundle)
    assert seen["metrics"] == b"metrics.json"


def test_the_verdict_on_a_locked_cohort_is_found_among_several(bundle, place, monkeypatch):
    found = {("a", 1): Found("a"), ("b", 1): Found("b")}
    monkeypatch.setattr(verdicts, "_measured", lambda *_, **__: list(found))
    monkeypatch.setattr(verdicts, "digest_of", lambda one: digest_of(one.metrics_sha256))
    monkeypatch.setattr(
        verdicts, "recompute_registered", lambda name, *, number, **_: found[name, number]
    )
    for name in ("a", "b"):
        claimed = recorded(bundle, verdict=Verdict.LOCKED, sha256=digest_of(name))
        verdicts.check_recorded(proposed(bundle, claimed), bundle=bundle, place=place)
    with differs():
        claimed = recorded(bundle, verdict=Verdict.LOCKED, sha256=digest_of("c"))
        verdicts.check_recorded(proposed(bundle, claimed), bundle=bundle, place=place)


def test_a_bundle_that_was_measured_on_no_locked_cohort_is_told(bundle, place):
    claimed = recorded(bundle, verdict=Verdict.LOCKED, sha256="0" * 64)
    with pytest.raises(RefusedError, match="not measured on any locked cohort of this"):
        verdicts.check_recorded(proposed(bundle, claimed), bundle=bundle, place=place)
