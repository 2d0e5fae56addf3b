"""`shazam report`: the page again, where it belongs or elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from shazam.digest import digest_of
from shazam.evaluation.run_folder import publish_pages
from shazam.publish import publish_json
from tests.command import shazam_here
from tests.evaluation.made_report import document


@pytest.fixture
def run(tmp_path) -> Path:
    folder = tmp_path / "ws" / "runs" / digest_of(document().key)
    publish_pages(document(), folder=folder)
    publish_json(folder / "metrics.json", document().result)
    return folder


@pytest.mark.parametrize("state", ["whole", "missing", "altered"])
def test_the_page_is_what_the_run_wrote(tmp_path, run, state):
    page = (run / "report.html").read_bytes()
    if state == "missing":
        (run / "report.html").unlink()
    if state == "altered":
        (run / "report.html").write_text("<p>all is well</p>")
    outcome = shazam_here("report", run.name[:10], "--workspace", tmp_path / "ws")
    assert outcome.code == 0, outcome.text
    assert Path(outcome.last_line) == run / "report.html"
    assert (run / "report.html").read_bytes() == page
    assert (state in outcome.err) == (state != "whole")


def test_the_page_and_its_twin_go_elsewhere(tmp_path, run):
    out = tmp_path / "mine" / "page.html"
    outcome = shazam_here("report", run, "--out", out)
    assert outcome.code == 0, outcome.text
    assert out.read_bytes() == (run / "report.html").read_bytes()
    twin = out.with_suffix(".report.json")
    assert twin.read_bytes() == (run / "report.json").read_bytes()
    card = out.with_suffix(".model_card.md")
    assert card.read_bytes() == (run / "model_card.md").read_bytes()


def test_a_run_that_is_not_there_exits_45(tmp_path, run):
    outcome = shazam_here("report", "0123", "--workspace", tmp_path / "ws")
    assert outcome.code == 45
    assert "no such run" in outcome.err


def test_an_altered_run_exits_1_and_writes_nothing(tmp_path, run):
    twin = run / "report.json"
    twin.write_bytes(twin.read_bytes().replace(b"0.", b"1.", 1))
    out = tmp_path / "page.html"
    outcome = shazam_here("report", run, "--out", out)
    assert outcome.code == 1
    assert "altered since it was written" in outcome.err
    assert not out.exists()


@pytest.mark.parametrize("name", ["page.txt", ".", "ws/runs"])
def test_a_target_that_is_no_page_is_wrong_use(tmp_path, run, name):
    outcome = shazam_here("report", run, "--out", tmp_path / name)
    assert outcome.code == 2
    assert "--out" in outcome.err


def test_the_files_of_the_run_are_not_written_over(run):
    outcome = shazam_here("report", run, "--out", run / "metrics.html")
    assert outcome.code == 2
    assert "leave --out away" in outcome.err
