"""`shazam features`: what a user gets for files, maps, tables and mistakes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from unittest.mock import patch

import h5py
import numpy as np
import pytest

from shazam.cli.features import features_app
from shazam.cli.import_features import OWN_CASES
from shazam.cli.main import main
from shazam.manifests import ImportManifest
from shazam.refs import Ref
from shazam.workspace import Workspace
from tests.command import readme_commands
from tests.features.imports.made import features, grid, write_h5

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # raised inside the contract library
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "theirs"
    folder.mkdir()
    for number, slide_id in enumerate(("S1", "S2", "S3")):
        arrays = {"features": features(seed=number), "coords": grid()}
        write_h5(folder / f"{slide_id}.h5", arrays)
    return folder


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command in this process; its environment is restored."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        words = ["shazam", "features", *map(str, arguments)]
        if "import" in words:
            words += ["-w", str(tmp_path / "ws")]
        monkeypatch.setattr(sys, "argv", words)
        with patch.dict(os.environ), pytest.raises(SystemExit) as raised:
            main()
        out, err = capsys.readouterr()
        return int(raised.value.code or 0), out, err

    return run


def as_json(outcome: tuple[int, str, str]) -> dict[str, object]:
    assert outcome[0] == 0, outcome
    return json.loads(outcome[1])


def dry(run, *arguments: str | Path) -> tuple[int, str, str]:
    return run("import", *arguments, "--teacher", "uni", "--dry-run")


def test_an_import_is_judged_and_its_manifest_is_the_last_line(run, folder, tmp_path):
    code, out, _ = run("import", folder, "--teacher", "uni", "--licence", "CC-BY-4.0")
    assert code == 0
    assert "3 slides of 3 cases, 12 tiles, teacher 'uni' (high 3), 0 quarantined" in out
    assert OWN_CASES in out
    assert "3 files written, 0 were there" in out
    uri = out.splitlines()[-1]
    again = as_json(run("import", folder, "--teacher", "uni", "--licence", "CC-BY-4.0", "--json"))
    stored = again["manifest"]
    assert (again["n_written"], again["n_kept"], stored["uri"]) == (0, 3, uri)
    workspace = Workspace(tmp_path / "ws")
    ref = Ref(uri=uri, sha256=stored["sha256"])
    manifest = workspace.read_manifest(ref, ImportManifest)
    assert [slide.slide_id for slide in manifest.slides] == ["S1", "S2", "S3"]
    assert manifest.teacher.licence == "CC-BY-4.0"
    assert workspace.path(stored["data_docs_uri"]).is_file()


def test_features_that_are_all_the_same_are_warned_of(run, folder):
    write_h5(folder / "S4.h5", {"features": np.ones((4, 3))})
    code, out, _ = run("import", folder, "--teacher", "uni")
    assert code == 0
    assert (
        "warning: features (warning): violated: The features of a slide are not all the same" in out
    )


def test_a_broken_contract_stops_before_there_is_a_manifest(run, folder, tmp_path, monkeypatch):
    from shazam.features.imports import importing

    def write_other_bytes(path, **parts):
        parts["levels"] = {level: array[:, :2] for level, array in parts["levels"].items()}
        return written(path, **parts)

    written = importing.write_features
    monkeypatch.setattr(importing, "write_features", write_other_bytes)
    code, _, err = run("import", folder, "--teacher", "uni")
    assert code == 1
    assert "Each level has the width" in err
    assert not (tmp_path / "ws" / "manifests").exists()


def test_cases_come_from_a_table_or_a_map_which_must_agree(run, folder, tmp_path):
    table = tmp_path / "cohort.csv"
    table.write_text("case_id,slide_id\nC1,S1\nC1,S2\nC2,S3\nC9,S9\n")
    told = as_json(dry(run, folder, "--cohort", table, "--json"))
    assert (told["n_cases"], told["n_slides"], told["dry_run"]) == (2, 3, True)
    assert told["notes"] == [f"1 cases of {table} have no features here"]
    cases = folder / "cases.json"
    cases.write_text('{"C1": ["S1.h5", "S2.h5"], "C2": {"uni": "S3.h5"}}')
    assert as_json(dry(run, "--feature-map", cases, "--json"))["n_cases"] == 2
    assert as_json(dry(run, folder / "S1.h5", "--feature-map", cases, "--json"))["n_slides"] == 1
    assert dry(run, "--feature-map", cases, "--cohort", table)[0] == 0
    cases.write_text('{"C1": "S1.h5", "C2": "S2.h5"}')
    code, _, err = dry(run, "--feature-map", cases, "--cohort", table)
    assert code == 45
    assert "slide 'S2' belongs to case 'C1' here and to case 'C2' in the feature map" in err
    code, _, err = dry(run, folder, "--feature-map", cases)
    assert (code, "S3.h5: in no case of the map" in err) == (45, True)
    table.write_text("case_id,slide_id\nC1,S1\n")
    code, _, err = dry(run, folder, "--cohort", table)
    assert (code, "slide 'S2' (S2.h5) has no row" in err) == (45, True)


def test_the_exit_code_says_what_kind_of_trouble_it_was(run, folder, tmp_path):
    write_h5(folder / "S4.h5", {"features": features() * np.nan})
    code, _, err = dry(run, folder)
    assert (code, "1 of 4 slides are quarantined" in err) == (4, True)
    allowed = ("--max-quarantine-fraction", "0.5")
    code, out, _ = dry(run, folder, *allowed)
    assert (code, "quarantined S4: bad_features: case 'S4'" in out) == (0, True)
    assert dry(run, folder, *allowed, "--strict")[0] == 3
    assert dry(run, folder, "--layout", "other")[0] == 2
    for wrong in (
        (),
        (folder / "gone",),
        (folder, "--feature-root", folder),
        (folder, "--level", "deep"),
        (folder, "--ids", "name"),
        (folder, "--feature-map", folder / "gone.json"),
        ("--feature-map", folder / "gone.json", "--group", "case"),
    ):
        assert dry(run, *wrong)[0] == 45, wrong
    assert not (tmp_path / "ws").exists()


def test_show_tells_what_a_file_holds(run, folder):
    path = write_h5(folder / "S4.h5", {"features": features(), "labels": np.array([2, 0, 0, 1])})
    told = json.loads(run("show", path, "--json")[1])
    assert told["levels"] == {"high": {"dim": 3, "dtype": "float32", "n_inf": 0, "n_nan": 0}}
    assert (told["n_tiles"], told["labels"], told["layout"]) == (4, [0, 1, 2], "clam")
    code, out, _ = run("show", path)
    assert (code, "n_tiles: 4" in out) == (0, True)
    code, _, err = run("show", folder / "gone.h5")
    assert (code, "gone.h5: cannot be opened" in err) == (1, True)


def test_the_commands_of_the_readme_work(run, folder, tmp_path, monkeypatch):
    (tmp_path / "their").mkdir()
    (tmp_path / "my").mkdir()
    folder.rename(tmp_path / "their" / "h5_files")
    (tmp_path / "their" / "cases.json").write_text('{"C1": ["h5_files/S1.h5", "h5_files/S2.h5"]}')
    np.savez(tmp_path / "their" / "views.npz", uni=features(), slide_id=np.array(list("abcd")))
    table = "case_id,slide_id\nC1,S1\nC1,S2\nC2,S3\n"
    (tmp_path / "my" / "cohort.csv").write_text(table)
    monkeypatch.chdir(tmp_path)
    commands = [words[1:] for words in readme_commands() if words[0] == "features"]
    assert [words[0] for words in commands] == ["show", "import", "import", "import"]
    for words in commands:
        assert run(*words, *(["--dry-run"] if words[0] == "import" else []))[0] == 0, words


def test_help_names_both_commands():
    assert {command.name for command in features_app.registered_commands} == {"import", "show"}


def test_show_prints_json_also_of_attributes_that_are_no_numbers(run, tmp_path):
    path = tmp_path / "S1.h5"
    write_h5(path, {"features": features(), "coords": grid()})
    with h5py.File(path, "a") as file:
        file.attrs["mpp"], file.attrs["other"] = float("nan"), float("-inf")
    code, out, _ = run("show", path, "--json")
    assert code == 0
    assert "NaN" not in out
    assert json.loads(out)["attributes"] == {"mpp": "nan", "other": "-inf"}
