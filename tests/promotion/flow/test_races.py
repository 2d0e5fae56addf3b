"""Processes that promote at once, and processes that are killed: one commit, all old or all new."""

import json
import multiprocessing
import os
import signal
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shazam.errors import ConflictError, RefusedError
from shazam.promotion.flow import promote as promotion
from shazam.promotion.flow.changes import Place
from shazam.promotion.flow.reconcile import reconcile
from shazam.promotion.flow.registry import Registry
from shazam.promotion.flow.verify import findings
from shazam.promotion.ledger.actions import Action
from shazam.promotion.ledger.sql import open_ledger
from shazam.workspace import Workspace
from tests.promotion.builder import a_policy, with_rule
from tests.promotion.flow.world import MODEL, WHY, World, hand
from tests.promotion.store import FolderStore

pytestmark = pytest.mark.integration  # processes of their own

ROUNDS, ROUNDS_OF_A_LEDGER = 100, 5  # every entry is verified in each round: few, so it is quick
ONE_APPROVES = with_rule(approvals=1)  # given against one champion: void once another is there
MEMORY = Path("/dev/shm")
SPAWN = multiprocessing.get_context("spawn")


def later():
    return datetime(2026, 3, 2, tzinfo=UTC)


def store_of(world):
    (world.root / "aliases").mkdir(exist_ok=True)
    known = world.store
    return FolderStore(folders=known.folders, digests=known.digests, root=world.root / "aliases")


def describe(world, path, **more):
    store = world.place.store
    told = {
        "url": world.url,
        "trust": str(world.trust),
        "workspace": str(world.workspace.root),
        "aliases": str(store.root),
        "folders": {version: str(folder) for version, folder in store.folders.items()},
        "digests": store.digests,
        **more,
    }
    path.write_text(json.dumps(told))


def opened(path):
    told = json.loads(path.read_text())
    store = FolderStore(
        folders={version: Path(folder) for version, folder in told["folders"].items()},
        digests=told["digests"],
        root=Path(told["aliases"]),
    )
    registry = Registry(store=open_ledger(told["url"]), trust=Path(told["trust"]), clock=later)
    place = Place(store=store, workspace=Workspace(Path(told["workspace"])))
    return told, registry, place


def compete(number, rounds, path, start, end, results):
    for _ in range(rounds):
        start.wait(timeout=120)
        told, registry, place = opened(path)
        proposal = told["proposals"][number % len(told["proposals"])]
        try:
            promotion.promote(proposal, registry=registry, place=place, by=hand("ben"), reason=WHY)
            results.put("won")
        except RefusedError as error:
            results.put(error.reason)
        except ConflictError:
            results.put("conflict")
        end.wait(timeout=120)


def fresh(folder, policy=None):
    folder.mkdir()
    world = World(folder, policy=policy or a_policy()).begin()
    world.place = Place(store=store_of(world), workspace=world.workspace)
    return world


def proposed(world, name):
    proposal = world.propose(world.bundle(name))
    world.record(proposal, verdict="cross_validation")
    world.approve(proposal, by="ann")
    return proposal


@pytest.fixture
def in_memory(tmp_path):
    """A folder where nothing waits for a disk, if there is one."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else tmp_path) as folder:
        yield Path(folder)


def commits(world):
    entries = world.registry.read().entries
    return [one for one in entries if one.entry.action is Action.COMMIT]


@pytest.mark.parametrize("n_processes", [2, 8])
def test_of_promotions_that_race_exactly_one_is_committed(in_memory, n_processes):
    start, end = SPAWN.Barrier(n_processes + 1), SPAWN.Barrier(n_processes + 1)
    results, path = SPAWN.Queue(), in_memory / "round.json"
    processes = [
        SPAWN.Process(target=compete, args=(number, ROUNDS, path, start, end, results))
        for number in range(n_processes)
    ]
    for process in processes:
        process.start()
    won = 0
    try:
        for number in range(ROUNDS):
            if number % ROUNDS_OF_A_LEDGER == 0:
                world = fresh(in_memory / f"ledger-{number}", ONE_APPROVES)
            before = len(commits(world))
            proposals = [proposed(world, f"{number}-{one}") for one in "ab"]
            describe(world, path, proposals=proposals)
            start.wait(timeout=120)
            end.wait(timeout=120)
            told = [results.get(timeout=60) for _ in processes]
            known = world.registry.read()
            champion = known.state.champion(MODEL).holder.version
            assert len(commits(world)) == before + 1, told
            assert world.place.store.alias(MODEL, "champion") == champion
            assert list(findings(known, place=world.place)) == []
            won += 1
    finally:
        for process in processes:
            process.join(timeout=60)
            if process.is_alive():
                process.kill()
    assert won == ROUNDS


@dataclass
class Killing:
    """Passes calls on, and kills this process before or after the n-th that writes."""

    inner: object
    at: int
    after: bool
    calls: int = field(default=0)

    def _write(self, call):
        self.calls += 1
        if self.calls == self.at and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = call()
        if self.calls == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    def append(self, signed):
        return self._write(lambda: self.inner.append(signed))

    def point(self, model_name, *, alias, version):
        return self._write(lambda: self.inner.point(model_name, alias=alias, version=version))

    def __getattr__(self, name):
        return getattr(self.inner, name)


def killed(path, where, at, after, what):
    told, registry, place = opened(path)
    if where == "ledger":
        killing = Killing(registry.store, at, after)
        registry = Registry(store=killing, trust=registry.trust, clock=registry.clock)
    else:
        place = Place(store=Killing(place.store, at, after), workspace=place.workspace)
    how = {"registry": registry, "place": place, "by": hand("ben"), "reason": WHY}
    if what == "promote":
        promotion.promote(told["proposals"][0], **how)
    else:
        promotion.roll_back(MODEL, **how)


WRITES = [(where, at, after) for where in ("ledger", "store") for at in (1, 2) for after in (0, 1)]


@pytest.mark.parametrize("what", ["promote", "roll_back"])
def test_a_kill_at_any_write_leaves_all_old_or_all_new(tmp_path, what):
    old = {"champion": "2", "previous": "1"}
    new = {"promote": {"champion": "3", "previous": "2"}, "roll_back": {"champion": "1"}}[what]
    for number, (where, at, after) in enumerate(WRITES):
        world = fresh(tmp_path / str(number))
        world.crown("one")
        world.crown("two")
        proposal = world.approved(world.bundle("three"))
        path = tmp_path / f"{number}.json"
        describe(world, path, proposals=[proposal])
        process = SPAWN.Process(target=killed, args=(path, where, at, bool(after), what))
        process.start()
        process.join(timeout=120)
        assert process.exitcode == -signal.SIGKILL
        reconcile(registry=world.registry, place=world.place, by=hand("ben"))
        known = world.registry.read()
        told = {a: h.version for a, h in known.state.aliases[MODEL].items()}
        held = {
            a: world.place.store.alias(MODEL, a) for a in ("champion", "challenger", "previous")
        }
        assert {a: v for a, v in held.items() if v is not None} == told
        assert told == (old if (where, at, after) == ("ledger", 1, 0) else new)
