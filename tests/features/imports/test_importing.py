"""The import as a whole: equal values, nothing written twice, bad files set aside."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import h5py
import hypothesis.extra.numpy as arrays_of
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.config.imports import MissingValues, StoredDtype
from shazam.digest import digest_of
from shazam.errors import CohortError, ConfigError, QuarantineExceededError
from shazam.features.imports.bag import ImportOptions
from shazam.features.imports.importing import NOT_WRITTEN
from shazam.features.imports.layouts import CoordsUnit, Layout
from shazam.features.imports.rows import imported_rows
from shazam.features.imports.sources import find_files
from shazam.features.imports.teacher import ImportedTeacher, ImportKey
from shazam.features.store import read_attrs, read_coords, read_features, read_labels
from shazam.manifests import LevelDims
from shazam.workspace import Workspace
from tests.features.imports.made import features, grid, imported, write_h5


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "theirs"
    folder.mkdir()
    write_h5(folder / "A1.h5", {"features": features(), "coords": grid()})
    write_h5(folder / "A2.h5", {"features": features(2, seed=1)[None], "coords": grid(2)})
    torch.save((torch.from_numpy(features(5, seed=2)), torch.arange(5)), folder / "B1.pt")
    return folder


def files_in(workspace: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(workspace).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(workspace.rglob("*"))
        if path.is_file()
    }


def test_files_become_feature_files_with_their_provenance(folder, tmp_path):
    result = imported(folder, tmp_path / "ws")
    manifest = result.manifest
    assert (result.n_written, result.n_kept, manifest.quarantine) == (3, 0, ())
    assert manifest.teacher.dims == LevelDims(high=3)
    assert (manifest.teacher.weights_sha256, manifest.teacher.licence) == (None, "CC-BY-4.0")
    assert [(s.slide_id, s.case_id, s.n_tiles) for s in manifest.slides] == [
        ("A1", "A", 4),
        ("A2", "A", 2),
        ("B1", "B", 5),
    ]
    path = Workspace(tmp_path / "ws").open(manifest.slides[2].uri, manifest.slides[2].sha256)
    np.testing.assert_array_equal(
        read_features(path)["high"], features(5, seed=2).astype(np.float16)
    )
    assert read_labels(path).tolist() == [0, 1, 2, 3, 4]
    assert read_coords(path) is None
    attrs = read_attrs(path)
    assert (attrs.teacher, attrs.source_sha256) == ("uni", manifest.slides[2].source_sha256)
    assert attrs.without_coords == "the file holds none"


def test_a_second_import_rewrites_nothing_and_says_the_same(folder, tmp_path):
    first = imported(folder, tmp_path / "ws")
    before = files_in(tmp_path / "ws")
    again = imported(folder, tmp_path / "ws")
    assert digest_of(again.manifest) == digest_of(first.manifest)
    assert (again.n_written, again.n_kept) == (0, 3)
    assert files_in(tmp_path / "ws") == before


def test_what_was_altered_since_is_written_again(folder, tmp_path):
    first = imported(folder, tmp_path / "ws")
    before = {name: content for name, (content, _) in files_in(tmp_path / "ws").items()}
    with h5py.File(tmp_path / "ws" / first.manifest.slides[0].uri, "r+") as file:
        file["high"][0, 0] += 1
    again = imported(folder, tmp_path / "ws")
    assert (again.n_written, again.n_kept) == (1, 2)
    after = {name: content for name, (content, _) in files_in(tmp_path / "ws").items()}
    assert after == before


def test_a_changed_source_or_option_is_another_key(folder, tmp_path):
    first = imported(folder, tmp_path / "ws").manifest
    write_h5(folder / "A1.h5", {"features": features(seed=7), "coords": grid()})
    second = imported(folder, tmp_path / "ws")
    assert (second.n_written, second.n_kept) == (1, 2)
    assert second.manifest.slides[0].uri != first.slides[0].uri
    third = imported(folder, tmp_path / "ws", options=ImportOptions(levels=("low",)))
    assert third.n_kept == 0


def test_a_dry_run_judges_the_same_and_writes_nothing(folder, tmp_path):
    dry = imported(folder, tmp_path / "ws", write=False)
    assert not (tmp_path / "ws").exists()
    wet = imported(folder, tmp_path / "ws").manifest
    assert [s.model_copy(update={"sha256": NOT_WRITTEN}) for s in wet.slides] == list(
        dry.manifest.slides
    )


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (np.nan, "1 NaN, 0 Inf, 0 beyond"),
        (-np.inf, "0 NaN, 1 Inf, 0 beyond"),
        (65520.0, "0 NaN, 0 Inf, 1 beyond"),
    ],
)
def test_what_float16_cannot_hold_is_set_aside_with_its_count(folder, tmp_path, value, told):
    bad = features(6)
    bad[4, 1] = value
    write_h5(folder / "C1.h5", {"features": bad})
    result = imported(folder, tmp_path / "ws")
    (entry,) = result.manifest.quarantine
    assert (entry.slide_id, entry.stage, entry.reason) == ("C1", "import:uni", "bad_features")
    assert "case 'C', teacher 'uni': level high: 1 of 6 tiles" in entry.message
    assert told in entry.message
    assert "C1" not in {slide.slide_id for slide in result.manifest.slides}


def test_the_largest_number_of_float16_is_kept(tmp_path):
    write_h5(tmp_path / "C1.h5", {"features": np.full((1, 1), 65504.0)})
    (slide,) = imported(tmp_path / "C1.h5", tmp_path / "ws").manifest.slides
    assert read_features(tmp_path / "ws" / slide.uri)["high"] == 65504


def test_each_bad_file_is_set_aside_with_its_reason(folder, tmp_path):
    (folder / "C1.h5").write_bytes((folder / "A1.h5").read_bytes()[:900])
    (folder / "C2.pt").write_text("not tensors")
    write_h5(folder / "C3.h5", {"embeddings": features()})
    write_h5(folder / "C4.h5", {"features": features(), "coords": grid(3)})
    write_h5(folder / "C5.h5", {"features": features(dim=8)})
    result = imported(folder, tmp_path / "ws", max_quarantine_fraction=0.9)
    assert {entry.slide_id: entry.reason for entry in result.manifest.quarantine} == {
        "C1": "unreadable",
        "C2": "unreadable",
        "C3": "unknown_layout",
        "C4": "bad_features",
        "C5": "bad_features",
    }
    assert "has high 8 where most files have high 3" in result.manifest.quarantine[-1].message
    with pytest.raises(QuarantineExceededError, match="5 of 8 slides"):
        imported(folder, tmp_path / "ws")


def test_nothing_understood_is_a_matter_of_options(tmp_path):
    write_h5(tmp_path / "A.h5", {"embeddings": features()})
    write_h5(tmp_path / "B.h5", {"embeddings": features(seed=1)})
    with pytest.raises(CohortError, match=r"2 problem(.|\n)*'embeddings' float32(.|\n)*--dataset"):
        imported(tmp_path, tmp_path / "ws")
    assert not (tmp_path / "ws").exists()


def test_nothing_usable_is_too_many_quarantined(tmp_path):
    (tmp_path / "A.h5").write_bytes(b"")
    with pytest.raises(QuarantineExceededError, match="it is empty"):
        imported(tmp_path, tmp_path / "ws", max_quarantine_fraction=1.0)


def test_files_that_disagree_about_widths_are_not_one_teacher(tmp_path):
    write_h5(tmp_path / "A.h5", {"features": features(dim=3)})
    write_h5(tmp_path / "B.h5", {"low": features(dim=3), "high": features(dim=3)})
    with pytest.raises(ConfigError, match="1 of high 3; 1 of low 3, high 3"):
        imported(tmp_path, tmp_path / "ws")


def test_features_of_another_teacher_of_ours_are_not_renamed(folder, tmp_path):
    imported(folder, tmp_path / "ws")
    for number, path in enumerate(sorted((tmp_path / "ws" / "features" / "uni").rglob("*.h5"))):
        path.replace(tmp_path / f"{number}.h5")
    result = imported(tmp_path, tmp_path / "ws2")
    assert [slide.layout for slide in result.manifest.slides] == ["shazam"] * 3
    with pytest.raises(QuarantineExceededError, match="features of teacher 'uni'"):
        imported(tmp_path, tmp_path / "ws3", teacher="other")


def test_rows_of_a_table_are_set_aside_one_by_one(tmp_path):
    values = features(4)
    values[2, 0] = np.nan
    np.savez(tmp_path / "table.npz", X=values, name=np.array(["A1", "B1", "C1", "A2"]))
    options = ImportOptions(datasets=("X",), ids="name")
    result = imported(tmp_path, tmp_path / "ws", options=options)
    assert [slide.slide_id for slide in result.manifest.slides] == ["A1", "A2", "B1"]
    assert [entry.slide_id for entry in result.manifest.quarantine] == ["C1"]
    found = read_features(tmp_path / "ws" / result.manifest.slides[1].uri)["high"]
    np.testing.assert_array_equal(found, values[3:].astype(np.float16))
    assert imported(tmp_path, tmp_path / "ws", options=options).n_written == 0


def test_a_slide_cannot_come_from_two_files(tmp_path):
    write_h5(tmp_path / "A.h5", {"features": features()})
    torch.save(torch.from_numpy(features(seed=1)), tmp_path / "A.pt")
    write_h5(tmp_path / "bad name.h5", {"features": features(seed=2)})
    with pytest.raises(CohortError) as raised:
        imported(tmp_path, tmp_path / "ws")
    here = tmp_path.name
    for part in (
        f"'A' comes from {here}/A.h5 and from {here}/A.pt",
        f"'bad name' ({here}/bad name.h5) is not a valid id",
    ):
        assert part in str(raised.value)


def test_a_link_names_the_slide_and_not_its_target(tmp_path):
    cached = write_h5(tmp_path / "5f3a", {"features": features()})
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "S1.h5").symlink_to(cached)
    (slide,) = imported(tmp_path / "theirs", tmp_path / "ws").manifest.slides
    assert (slide.slide_id, slide.source) == ("S1", "S1.h5")


def test_the_same_content_under_two_names_would_leak(tmp_path):
    path = write_h5(tmp_path / "A.h5", {"features": features()})
    (tmp_path / "B.h5").write_bytes(path.read_bytes())
    with pytest.raises(CohortError, match=r"A\.h5 and B\.h5 have the same content"):
        imported(tmp_path, tmp_path / "ws")


def test_paths_that_hold_nothing_are_listed(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CohortError) as raised:
        find_files([tmp_path / "empty", tmp_path / "gone"])
    assert len(raised.value.problems) == 2
    path = write_h5(tmp_path / "A.h5", {"features": features()})
    (tmp_path / ".B.h5").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("x")
    assert [file.path for file in find_files([tmp_path, path])] == [path]


def test_a_file_that_changes_during_the_import_is_set_aside(folder, tmp_path, monkeypatch):
    from shazam.features.imports import importing

    def read_and_touch(path, *, options):
        bag = importing_read(path, options=options)
        if path.name == "A2.h5":
            os.utime(path, ns=(1, 1))
        return bag

    importing_read = importing.read_bag
    monkeypatch.setattr(importing, "read_bag", read_and_touch)
    result = imported(folder, tmp_path / "ws")
    assert [(e.slide_id, e.reason) for e in result.manifest.quarantine] == [
        ("A2", "changed_during_run")
    ]


def test_every_field_changes_the_key():
    key = ImportKey("S1", "a" * 64, "uni", "1", None, ImportOptions())
    changed = {
        "levels": ("low",),
        "datasets": ("X",),
        "layout": Layout.LEVELS,
        "ids": "i",
        "group": "g",
        "labels": "y",
        "classes": ("a",),
        "coords_unit": CoordsUnit.UM,
        "mpp": 0.5,
        "dtype": StoredDtype.FLOAT32,
        "missing_values": MissingValues.IMPUTE,
    }
    assert set(changed) == set(asdict(ImportOptions()))
    keys = [replace(key, options=ImportOptions(**{n: v})) for n, v in changed.items()]
    keys += [replace(key, **{n: f"{v}x"}) for n, v in asdict(key).items() if n != "options"]
    assert len({digest_of(one) for one in [key, *keys]}) == len(keys) + 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"levels": ("deep",)}, "choose of low, mid, high"),
        ({"levels": ("low", "low")}, "each once"),
        ({"levels": ("low", "mid"), "datasets": ("X",)}, "one --level for each"),
        ({"levels": ("low", "mid"), "datasets": ("X", "X")}, "named twice"),
        ({"datasets": ("X", "Y")}, "one --level for each"),
        ({"classes": ("a", "a")}, "named twice"),
        ({"mpp": 20.0}, r"from 0\.05 to 5"),
        ({"mpp": float("nan")}, r"from 0\.05 to 5"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(wrong, message):
    with pytest.raises(ConfigError, match=message):
        ImportOptions(**wrong)


def test_a_teacher_has_a_name_that_can_be_a_folder():
    with pytest.raises(ConfigError, match="not a valid name"):
        ImportedTeacher("../uni", "1", "x")
    with pytest.raises(ConfigError, match="SHA-256"):
        ImportedTeacher("uni", "1", "x", "abc")


def test_the_rows_of_the_contract_find_what_happened_to_a_file(folder, tmp_path):
    manifest = imported(folder, tmp_path / "ws").manifest
    workspace = Workspace(tmp_path / "ws")
    rows = imported_rows([manifest], workspace=workspace)
    assert Counter(rows["error"]) == {"": 3}
    assert rows["dims"].tolist() == rows["dims_expected"].tolist() == ["-/-/3"] * 3
    assert rows["coords_equal"].all()
    assert rows["n_tiles"].tolist() == rows["n_coords"].tolist() == [4, 2, 5]
    assert "weights_sha256" not in rows
    with h5py.File(workspace.path(manifest.slides[0].uri), "r+") as file:
        file["coords"][0, 0] = 7
    workspace.path(manifest.slides[1].uri).unlink()
    rows = imported_rows([manifest], workspace=workspace)
    assert rows["coords_equal"].tolist()[0] is False
    assert rows["sha256"][0] != rows["sha256_expected"][0]
    assert rows["error"][1].startswith("ArtifactError")


HALVES = arrays_of.arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(1, 5)),
    elements=st.floats(-65504, 65504, width=32),
)


@settings(max_examples=25, deadline=None)
@given(values=HALVES, kind=st.sampled_from(["h5", "pt", "npz"]), leading=st.booleans())
def test_what_is_written_is_imported_up_to_float16(tmp_path_factory, values, kind, leading):
    folder = tmp_path_factory.mktemp("round")
    stored = values[None] if leading else values
    match kind:
        case "h5":
            write_h5(folder / "S.h5", {"features": stored})
        case "pt":
            torch.save(torch.from_numpy(stored.copy()), folder / "S.pt")
        case "npz":
            np.savez(folder / "S.npz", features=stored)
    (slide,) = imported(folder, folder / "ws").manifest.slides
    found = read_features(folder / "ws" / slide.uri)["high"]
    np.testing.assert_array_equal(found, values.astype(np.float16))
