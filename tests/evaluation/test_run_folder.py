"""A run's folder gives its report again, byte for byte, or says what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shazam.digest import canonical_json, digest_of
from shazam.errors import ArtifactError, ConfigError
from shazam.evaluation.attended import link_pictures
from shazam.evaluation.document import ReportDocument
from shazam.evaluation.run_folder import find_run, pages_of, publish_pages, read_document
from shazam.publish import publish_bytes, publish_json, publish_sealed
from shazam.workspace import Workspace
from tests.evaluation.made_report import attended_found, document


def run_in(runs: Path, *, name: str | None = None) -> Path:
    folder = runs / (name or digest_of(document().key))
    publish_pages(document(), folder=folder)
    publish_json(folder / "metrics.json", document().result)
    return folder


def test_what_is_read_back_gives_the_same_bytes(tmp_path):
    folder = run_in(tmp_path)
    again = pages_of(read_document(folder), folder=folder)
    assert again.html == (folder / "report.html").read_bytes()
    assert again.json == (folder / "report.json").read_bytes()


def test_the_twin_holds_the_numbers_of_the_metrics(tmp_path):
    folder = run_in(tmp_path)
    assert canonical_json(document().result) in (folder / "report.json").read_bytes()


def test_a_copy_under_another_name_is_read(tmp_path):
    assert read_document(run_in(tmp_path, name="my copy")) == document()


@pytest.mark.parametrize("name", ["report.json", "metrics.json"])
def test_altered_numbers_are_refused(tmp_path, name):
    folder = run_in(tmp_path)
    path = folder / name
    path.write_bytes(path.read_bytes().replace(b'"passed":true', b'"passed":false', 1))
    with pytest.raises(ArtifactError, match=rf"{name}.*run again with --no-cache"):
        read_document(folder)


@pytest.mark.parametrize("name", ["report.json", "report.json.sha256", "metrics.json"])
def test_missing_files_are_named(tmp_path, name):
    folder = run_in(tmp_path)
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match=r"report\.json|metrics\.json"):
        read_document(folder)


def test_a_twin_of_another_form_is_refused(tmp_path):
    folder = run_in(tmp_path)

    def write(path: Path) -> None:
        path.write_text('{"format":"shazam-report-0"}')

    publish_sealed(folder / "report.json", write)
    with pytest.raises(ArtifactError, match="not the twin of a report"):
        read_document(folder)


def test_the_folder_of_another_run_is_refused(tmp_path):
    folder = run_in(tmp_path, name="f" * 64)
    with pytest.raises(ArtifactError, match="not of the folder's name"):
        read_document(folder)


@pytest.mark.parametrize("length", [1, 8, 64])
def test_a_run_is_found_by_the_start_of_its_digest(tmp_path, length):
    (tmp_path / ("a" * 64)).mkdir()
    (tmp_path / ("b" * 64)).mkdir()
    assert find_run("b" * length, runs=tmp_path).name == "b" * 64


def test_a_run_is_found_by_its_folder_or_a_file_in_it(tmp_path):
    folder = run_in(tmp_path)
    for path in (folder, folder / "report.html", folder / "metrics.json"):
        assert find_run(str(path), runs=tmp_path / "elsewhere") == folder


def test_the_start_of_two_digests_is_refused_with_both(tmp_path):
    for tail in ("1", "2"):
        (tmp_path / ("a" * 15 + tail + "0" * 48)).mkdir()
    with pytest.raises(ConfigError, match=r"2 runs .*aaaaaaaaaaaaaaa1, aaaaaaaaaaaaaaa2"):
        find_run("aaa", runs=tmp_path)


@pytest.mark.parametrize("name", ["abc", "nowhere/abc", "", "A" * 64, "../x"])
def test_an_unknown_run_is_refused_with_those_that_there_are(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / ("d" * 64)).mkdir(parents=True)
    with pytest.raises(ConfigError, match="dddddddddddd"):
        find_run(name, runs=tmp_path / "runs")


def test_a_workspace_without_runs_says_so(tmp_path):
    with pytest.raises(ConfigError, match="it holds none"):
        find_run("abc", runs=tmp_path / "runs")


def pictured(root: Path) -> tuple[ReportDocument, Path]:
    """Return a document with pictures, and the folder of its run."""
    found, pixels = attended_found()
    for picture in found.pictures():
        publish_bytes(root / picture.uri, pixels[picture.sha256])
    shown = document().context.model_copy(update={"explanations": found})
    own = document().model_copy(update={"context": shown})
    folder = root / "runs" / digest_of(own.key)
    link_pictures(found, folder=folder, workspace=Workspace(root))
    publish_pages(own, folder=folder)
    publish_json(folder / "metrics.json", own.result)
    return own, folder


def test_pictures_lie_in_the_folder_and_the_page_is_made_again_with_them(tmp_path):
    own, folder = pictured(tmp_path / "ws")
    copy = (tmp_path / "my copy").resolve()
    folder.rename(copy)
    again = pages_of(read_document(copy), folder=copy)
    assert again.html == (copy / "report.html").read_bytes()
    assert again.html.count(b"data:image/jpeg") == 3
    names = {path.name for path in (copy / "attention").iterdir()}
    assert names == {f"{p.sha256}.jpg" for p in own.context.explanations.pictures()}


@pytest.mark.parametrize(("state", "told"), [("missing", "missing"), ("altered", "altered")])
def test_a_picture_that_is_missing_or_altered_is_named(tmp_path, state, told):
    own, folder = pictured(tmp_path)
    path = sorted((folder / "attention").iterdir())[0]
    path.unlink()
    if state == "altered":
        path.write_bytes(b"other")
    with pytest.raises(ArtifactError, match=rf"{path.name}: {told}.*run again with --no-cache"):
        pages_of(own, folder=folder)


def test_a_picture_that_was_altered_in_the_workspace_enters_no_run(tmp_path):
    found, _ = attended_found()
    publish_bytes(tmp_path / found.pictures()[0].uri, b"other")
    with pytest.raises(ArtifactError, match="altered since it was written"):
        link_pictures(found, folder=tmp_path / "run", workspace=Workspace(tmp_path))
