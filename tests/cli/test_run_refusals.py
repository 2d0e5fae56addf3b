"""What `shazam run` refuses: one complete list, exit 45, nothing written."""

from pathlib import Path

import pytest

from shazam.stages import SOURCE_ROOT
from tests.command import Outcome, fresh_shazam, settings, shazam_here
from tests.real_data import write_table

ROW = {
    "case_id": "c1",
    "slide_id": "s1",
    "slide_path": "s1.svs",
    "site": "h1",
    "time_months": "12.5",
    "event": "1",
}


@pytest.fixture
def cohort(tmp_path) -> Path:
    (tmp_path / "slides").mkdir()
    for number in range(1, 5):
        (tmp_path / "slides" / f"s{number}.svs").write_bytes(b"pixels" * number)
    return tmp_path


def row(number: int, **changes: str) -> dict[str, str]:
    own = {"case_id": f"c{number}", "slide_id": f"s{number}", "slide_path": f"s{number}.svs"}
    return {**ROW, **own, **changes}


def run(cohort: Path, rows: list[dict[str, str]], *more: str) -> Outcome:
    write_table(cohort / "cohort.csv", rows)
    return run_as_it_is(cohort, *more)


def run_as_it_is(cohort: Path, *more: str) -> Outcome:
    sources = [f"cohort.table={cohort / 'cohort.csv'}", f"cohort.slides_dir={cohort / 'slides'}"]
    return shazam_here(
        "run",
        *("-c", SOURCE_ROOT / "configs" / "survival.yaml"),
        *("--workspace", cohort / "workspace"),
        *settings(sources),
        *more,
    )


def assert_refused(outcome: Outcome, cohort: Path, *messages: str) -> None:
    assert outcome.code == 45, outcome.text
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    for message in messages:
        assert message in outcome.err
    assert not (cohort / "workspace").exists()


def test_all_problems_are_listed_at_once(cohort):
    rows = [
        row(1, time_months="-3"),
        row(2, slide_path="absent.svs"),
        row(3, slide_id="s1"),
        row(4, case_id="../c4", event="2"),
    ]
    outcome = run(cohort, rows)
    assert_refused(outcome, cohort, "-3", "absent.svs", "s1", "../c4", "event")
    assert len([line for line in outcome.err.splitlines() if line.startswith("  - ")]) >= 5


def test_missing_columns_are_named(cohort):
    kept = sorted(set(ROW) - {"time_months", "case_id"})
    rows = [{name: row(number)[name] for name in kept} for number in (1, 2)]
    assert_refused(run(cohort, rows), cohort, "time_months", "case_id")


def test_two_names_for_one_content_are_found(cohort):
    (cohort / "slides" / "s2.svs").write_bytes((cohort / "slides" / "s1.svs").read_bytes())
    assert_refused(run(cohort, [row(1), row(2), row(3)]), cohort, "s1", "s2", "same")


def test_a_folder_in_place_of_a_slide_is_unreadable(cohort):
    (cohort / "slides" / "s5.svs").mkdir()
    assert_refused(run(cohort, [row(1), row(5)]), cohort, "s5.svs")


def test_a_path_that_leaves_the_slide_folder_is_refused(cohort):
    (cohort / "secret.svs").write_bytes(b"secret")
    assert_refused(run(cohort, [row(1), row(2, slide_path="../secret.svs")]), cohort, "secret.svs")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00bad", b"case_id,slide_id\n"])
def test_a_table_that_is_none_is_refused(cohort, content):
    (cohort / "cohort.csv").write_bytes(content)
    assert_refused(run_as_it_is(cohort), cohort, "cohort.csv")


def test_an_unknown_teacher_is_refused_with_the_known_ones(cohort):
    outcome = run(cohort, [row(1)], "--set", "extraction.teachers=[nobody]")
    assert_refused(outcome, cohort, "nobody", "efficientnet_lite0")


def test_a_teacher_without_a_lock_entry_is_refused_with_the_command_to_run(cohort):
    outcome = run(cohort, [row(1)], "--set", "extraction.teachers=[uni_v2]")
    assert_refused(outcome, cohort, "shazam teachers fetch uni_v2")


def test_folds_that_cannot_be_made_are_refused_before_any_work(cohort):
    rows = [row(n, event=str(n % 2)) for n in range(1, 5)]
    assert_refused(run(cohort, rows), cohort, "5 folds cannot be made", "1 site")


def test_a_missing_table_is_named(cohort):
    config = SOURCE_ROOT / "configs" / "survival.yaml"
    outcome = fresh_shazam("run", "-c", config, "--workspace", cohort / "workspace")
    assert_refused(outcome, cohort, "cohort.csv")


def test_an_unknown_option_is_wrong_use(cohort):
    assert shazam_here("run", "--nonsense").code == 2
