"""Locked cohorts: never trained on, used once for each release, and their record is not altered."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shazam.cohort.folds import Fold, Splits
from shazam.cohort.locked import check_not_locked, lock_cohort, locked_cohorts
from shazam.cohort.locked_uses import Use, record_use, uses_of
from shazam.cohort.model import Cohort
from shazam.cohort.store import write_cohort
from shazam.errors import ArtifactError, ConfigError, LeakError
from shazam.workspace import Workspace
from tests.cohort.made import cohort_of, survival_case
from tests.command import shazam_here

TEST = cohort_of([survival_case(f"t{n}", site=f"s{n % 2}") for n in range(4)])
MINE = cohort_of([survival_case(f"m{n}", site=f"h{n % 2}") for n in range(4)])


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    home = Workspace(tmp_path / "ws")
    lock_cohort(TEST, name="external", sites_preserved=True, workspace=home)
    return home


def use(workspace: Workspace, release: str = "1.0", bundle: str = "a", **changed: str) -> Use:
    return record_use(
        "external",
        release=release,
        bundle_sha256=bundle * 64,
        who=changed.get("who", "ann"),
        why=changed.get("why", "release"),
        when=datetime(2026, 1, 2, tzinfo=UTC),
        workspace=workspace,
    )


def with_content(cohort: Cohort, sha256: str) -> Cohort:
    slides = (replace(cohort.slides[0], sha256=sha256), *cohort.slides[1:])
    return replace(cohort, slides=slides)


def test_nothing_that_is_locked_is_trained_on(workspace: Workspace) -> None:
    check_not_locked(MINE, workspace=workspace)
    for cohort, told in (
        (cohort_of([*MINE.cases, TEST.cases[1]]), "cases: t1"),
        (with_content(MINE, TEST.slides[0].sha256), "slide contents of cases: m0"),
        (cohort_of([*MINE.cases, survival_case("new", site="s1")]), "sites: s1"),
        (cohort_of([*MINE.cases, survival_case("T1", site="h0")]), "cases: T1"),
        (cohort_of([*MINE.cases, survival_case("new", site=" S1")]), "sites:  S1"),
        (TEST, "cases: t0, t1, t2, t3"),
    ):
        with pytest.raises(LeakError, match=told):
            check_not_locked(cohort, workspace=workspace)


def test_sites_may_be_shared_where_it_was_not_promised(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    lock_cohort(TEST, name="external", sites_preserved=False, workspace=workspace)
    check_not_locked(cohort_of([survival_case("new", site="s1")]), workspace=workspace)


def test_a_cohort_that_the_workspace_knows_cannot_be_locked(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write_cohort(cohort_of([*MINE.cases, TEST.cases[0]]), workspace=workspace)
    write_cohort(TEST, workspace=workspace)
    with pytest.raises(LeakError, match="cases: t0"):
        lock_cohort(TEST, name="external", sites_preserved=False, workspace=workspace)
    assert locked_cohorts(workspace) == ()
    lock_cohort(
        cohort_of([survival_case("z")]), name="external", sites_preserved=False, workspace=workspace
    )


def test_cases_that_a_run_was_split_over_cannot_be_locked(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write_cohort(TEST, workspace=workspace)
    fold = Fold(train=("t0",), validation=("t1",), test=("t2", "t3"))
    workspace.write_manifest("split", Splits(folds=(fold,), sites_preserved=False))
    with pytest.raises(LeakError, match=r"was split over its cases .*: t0, t1, t2, t3"):
        lock_cohort(TEST, name="external", sites_preserved=False, workspace=workspace)


def test_a_cohort_whose_record_was_removed_is_noticed(workspace: Workspace) -> None:
    (workspace.root / "locked" / "external" / "cohort.json").unlink()
    for action in (locked_cohorts, lambda home: check_not_locked(MINE, workspace=home)):
        with pytest.raises(ArtifactError, match="altered or damaged"):
            action(workspace)


def test_a_name_holds_one_cohort(workspace: Workspace) -> None:
    lock_cohort(TEST, name="external", sites_preserved=True, workspace=workspace)
    with pytest.raises(ConfigError, match="locked already, with other cases"):
        lock_cohort(MINE, name="external", sites_preserved=True, workspace=workspace)
    for name in ("", "a/b", "../out"):
        with pytest.raises(ConfigError, match="no valid name"):
            lock_cohort(MINE, name=name, sites_preserved=True, workspace=workspace)
    with pytest.raises(ConfigError, match="not all are known"):
        lock_cohort(
            cohort_of([survival_case("q")]), name="q", sites_preserved=True, workspace=workspace
        )


def test_a_case_is_locked_under_one_name(workspace: Workspace) -> None:
    part = cohort_of([survival_case("T1", site="h0"), survival_case("new", site="h0")])
    copied = with_content(MINE, TEST.slides[0].sha256)
    for cohort, told in (
        (TEST, "cases of it are locked as 'external' already .t0, t1, t2, t3"),
        (part, "locked as 'external' already .T1"),
        (copied, "1 slide content"),
    ):
        with pytest.raises(LeakError, match=told):
            lock_cohort(cohort, name="again", sites_preserved=False, workspace=workspace)
    lock_cohort(MINE, name="again", sites_preserved=False, workspace=workspace)


@pytest.mark.parametrize("locked", ["same tiles", "other tiles"])
def test_cases_whose_tiles_a_run_was_split_over_cannot_be_locked(
    tmp_path: Path, locked: str
) -> None:
    def tiles(*numbers: int) -> Cohort:
        made = [
            replace(survival_case(f"p{patient}.s#{n}"), group=f"p{patient}")
            for patient in range(3)
            for n in numbers
        ]
        return replace(cohort_of(made), slides=())

    workspace = Workspace(tmp_path)
    write_cohort(tiles(0), workspace=workspace)
    fold = Fold(train=("p0.s#0",), validation=("p1.s#0",), test=("p2.s#0",))
    workspace.write_manifest("split", Splits(folds=(fold,), sites_preserved=False))
    cohort = tiles(0) if locked == "same tiles" else tiles(1)
    with pytest.raises(LeakError, match=r"was split over its cases .*: p0\.s#0"):
        lock_cohort(cohort, name="tiles", sites_preserved=False, workspace=workspace)


def test_cases_that_a_run_spelt_otherwise_cannot_be_locked(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    fold = Fold(train=("T0",), validation=("T1",), test=("T2", "T3"))
    workspace.write_manifest("split", Splits(folds=(fold,), sites_preserved=False))
    with pytest.raises(LeakError, match=r"was split over its cases .*: T0, T1, T2, T3"):
        lock_cohort(TEST, name="external", sites_preserved=False, workspace=workspace)


def test_a_release_is_measured_once(workspace: Workspace) -> None:
    first = use(workspace)
    second = use(workspace, release="1.1", bundle="b")
    assert (first.number, second.number) == (1, 2)
    assert uses_of("external", workspace=workspace) == (first, second)
    with pytest.raises(LeakError, match=r"used for release 1\.0 .* use 1 of 2"):
        use(workspace, bundle="c")
    with pytest.raises(LeakError, match=r"used for release 1\.1"):
        use(workspace, release="1.2", bundle="b")
    assert len(uses_of("external", workspace=workspace)) == 2


def test_a_use_needs_who_why_and_a_bundle(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match="who:"):
        use(workspace, who="")
    with pytest.raises(ConfigError, match="why:"):
        use(workspace, why="")
    with pytest.raises(ConfigError, match="bundle_sha256:"):
        use(workspace, bundle="")
    with pytest.raises(ConfigError, match="release:"):
        use(workspace, release="")
    with pytest.raises(ConfigError, match=r"no locked cohort 'other'.*there are: external"):
        uses_of("other", workspace=workspace)
    assert uses_of("external", workspace=workspace) == ()


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("what", ["altered", "removed", "damaged"])
def test_an_altered_record_is_noticed(workspace: Workspace, number: int, what: str) -> None:
    for bundle in "abc":
        use(workspace, release=f"r{bundle}", bundle=bundle)
    path = workspace.root / "locked" / "external" / "uses" / f"{number:06d}.json"
    match what:
        case "altered":
            path.write_text(json.dumps(json.loads(path.read_text()) | {"who": "bob"}))
        case "removed":
            path.unlink()
        case _:
            path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(ArtifactError, match="altered"):
        uses_of("external", workspace=workspace)
    with pytest.raises(ArtifactError, match="altered"):
        use(workspace, release="next", bundle="d")


def test_an_altered_cohort_is_noticed_once_it_was_used(workspace: Workspace) -> None:
    use(workspace)
    path = workspace.root / "locked" / "external" / "cohort.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"case_ids": ["none"]}))
    with pytest.raises(ArtifactError, match="does not follow use 0"):
        uses_of("external", workspace=workspace)


def test_a_stop_between_use_and_head_counts_as_a_use(workspace: Workspace) -> None:
    use(workspace)
    head = workspace.root / "locked" / "external" / "head.json"
    before = head.read_bytes()
    use(workspace, release="1.1", bundle="b")
    head.write_bytes(before)
    assert len(uses_of("external", workspace=workspace)) == 2
    assert use(workspace, release="1.2", bundle="c").number == 3


def test_the_commands_lock_count_and_refuse(tmp_path: Path) -> None:
    home = tmp_path / "ws"
    at = ("-w", home)
    assert "no locked cohort" in shazam_here("locked", "status", *at).out
    file = Workspace(tmp_path / "other").path(
        write_cohort(TEST, workspace=Workspace(tmp_path / "other")).uri
    )
    added = shazam_here("locked", "add", "external", "--cohort", file, "--site-preserved", *at)
    assert added.code == 0, added.text
    given = ("--release", "1.0", "--bundle", "a" * 64, "--who", "ann", "--why", "release")
    assert shazam_here("locked", "use", "external", *given, *at).code == 0
    again = shazam_here("locked", "use", "external", *given, *at)
    assert again.code == 5, again.text
    assert "use 1 of 1" in again.err
    status = shazam_here("locked", "status", *at)
    assert status.code == 0
    assert "external: 4 cases, sites 2 kept apart, used 1 times" in status.out
    assert "release 1.0, bundle aaaaaaaaaaaa, ann: release" in status.out
    assert shazam_here("locked", "use", "nobody", *given, *at).code == 45
