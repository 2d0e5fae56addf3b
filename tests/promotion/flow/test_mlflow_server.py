"""Promotion on a real MLflow server that fails: one commit, no split brain, no version twice."""

import shutil
import threading

import pytest

from shazam.errors import RefusedError, StoreAccessError, StoreError
from shazam.integrations.mlflow import MlflowModelStore
from shazam.promotion import Registration, build_bundle
from shazam.promotion.flow.changes import Place
from shazam.promotion.flow.load import open_champion
from shazam.promotion.flow.reconcile import reconcile
from shazam.promotion.flow.verify import findings
from shazam.promotion.ledger.actions import Action
from shazam.promotion.signing.bundle_signature import sign_bundle
from shazam.publish import publish_bytes, publish_json
from tests.mlflow_server import ADMIN, PASSWORD, Fault, faulty, mlflow_server
from tests.promotion.builder import KEYS
from tests.promotion.flow.world import MODEL, World, hand

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore"),  # the library's own notices on import
]
ROUNDS = 5


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with mlflow_server(tmp_path_factory.mktemp("server")) as port:
        yield port


class Served(World):
    """The same world with a real store, whose model is of this world alone."""

    def serve(self, uri):
        self.store = MlflowModelStore(uri, artifacts=None)
        self.place = Place(store=self.store, workspace=self.workspace)
        return self

    def bundle(self, name):
        folder = self.root / "made" / name
        files = {}
        for part in ("metrics.json", "acceptance.json"):
            publish_bytes(folder / part, f'{{"of":"{self.root.name} {name} {part}"}}'.encode())
            files[part] = folder / part
        bundle = build_bundle(files)
        publish_json(folder / "bundle.json", bundle)
        made = self.store.register(
            Registration(
                model_name=MODEL,
                bundle_sha256=bundle.sha256,
                files=files,
                extras={"bundle.json": folder / "bundle.json"},
                metrics={},
                parameters={},
                tags={},
            )
        )
        self.store.attach(MODEL, made.version, sign_bundle(folder, KEYS["training"]))
        (self.workspace.root / "bundles").mkdir(parents=True, exist_ok=True)
        shutil.copytree(folder, self.workspace.root / "bundles" / bundle.sha256)
        return bundle.sha256


@pytest.fixture
def served(port, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", ADMIN)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    with faulty(port) as (uri, proxy):
        world = Served(tmp_path).begin().serve(uri)
        for alias in ("champion", "challenger", "previous"):
            if world.store.versions(MODEL):
                world.store.point(MODEL, alias=alias, version=None)
        yield world, proxy


def check_agrees(world):
    known = world.registry.read()
    assert list(findings(known, place=world.place)) == []
    assert not known.state.pending
    return known


@pytest.mark.parametrize("kind", ["500", "lost", "slow"])
def test_a_reply_that_fails_once_changes_nothing(served, kind):
    world, proxy = served
    bundle = world.bundle("one")
    proposal = world.approved(bundle)
    proxy.faults.append(fault := Fault(kind, "registered-models/alias"))
    done = world.promote(proposal)
    assert fault.seen == 1
    assert done.entry.action is Action.COMMIT
    check_agrees(world)
    assert open_champion(MODEL, registry=world.registry, place=world.place).bundle.sha256 == bundle


def stuck(kind):
    return Fault(kind, "registered-models/alias", times=100, method="POST")


@pytest.mark.parametrize(("kind", "error"), [("500", StoreError), ("401", StoreAccessError)])
def test_a_store_that_goes_on_failing_leaves_an_intent_that_is_finished_later(served, kind, error):
    world, proxy = served
    first = world.crown("one")
    proposal = world.approved(world.bundle("two"))
    proxy.faults.append(fault := stuck(kind))
    with pytest.raises(error):
        world.promote(proposal)
    fault.times = 0
    assert list(world.registry.read().state.pending) == [MODEL]
    now = open_champion(MODEL, registry=world.registry, place=world.place)
    assert now.bundle.sha256 == first
    reconcile(registry=world.registry, place=world.place, by=hand("ben"))
    known = check_agrees(world)
    assert known.state.champion(MODEL).holder.bundle_sha256 != first


def test_of_promotions_that_race_exactly_one_is_committed(served):
    world, _ = served
    for number in range(ROUNDS):
        proposals = [world.approved(world.bundle(f"{number}-{one}")) for one in "ab"]
        before = len(world.registry.read().entries)
        barrier, refusals = threading.Barrier(2), []

        def race(proposal, barrier=barrier, refusals=refusals):
            barrier.wait()
            try:
                world.promote(proposal)
            except RefusedError as error:
                refusals.append(error.reason)

        threads = [threading.Thread(target=race, args=(one,)) for one in proposals]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        known = check_agrees(world)
        new = [signed.entry.action for signed in known.entries[before:]]
        assert new == [Action.INTENT, Action.COMMIT], refusals
        assert len(refusals) == 1
