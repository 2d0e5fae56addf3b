"""Contracts: each expectation can fail, critical ones stop, warnings are told."""

import pandas as pd
import pytest

from shazam.contracts import ContractReport
from shazam.errors import ContractError
from shazam.integrations import expectations
from shazam.integrations.expectations import check_contract, load_suite
from shazam.workspace import Workspace

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # raised inside the library
]

GOOD = {
    "cohort": {
        "slide_id": ["a", "b"],
        "sha256": ["x", "y"],
        "case_id": ["c1", "c2"],
        "time_months": [1.0, 2.0],
        "site": ["s1", "s2"],
        "event": [1, 0],
    },
    "slides": {
        "slide_id": ["a", "b"],
        "mpp": [0.25, 0.5],
        "tissue_fraction": [0.5, 1.0],
        "mpp_origin": ["openslide", "tiff"],
        "width_px": [40_000, 20_000],
    },
    "tiles": {
        "slide_id": ["a", "b"],
        "error": ["", ""],
        "sha256": ["x", "y"],
        "sha256_expected": ["x", "y"],
        "n_coords": [30, 40],
        "n_tiles": [30, 40],
        "n_repeated": [0, 0],
        "n_outside": [0, 0],
        "slide_sha256": ["u", "v"],
        "slide_sha256_expected": ["u", "v"],
        "mpp": [0.25, 0.5],
        "mpp_expected": [0.25, 0.5],
    },
    "predictions": {
        "arm": ["a", "b"],
        "n_tested": [40, 40],
        "n_tested_expected": [40, 40],
        "n_repeated": [0, 0],
        "n_elsewhere": [0, 0],
        "worst_sum": [0.0, 1e-9],
        "n_not_finite": [0, 0],
        "spread": [0.3, 0.4],
    },
    "features": {
        "slide_id": ["a", "b"],
        "teacher": ["t", "t"],
        "n_tiles": [3, 4],
        "n_coords": [3, 4],
        "coords_equal": [True, True],
        "dims": ["1/2/3", "1/2/3"],
        "dims_expected": ["1/2/3", "1/2/3"],
        "dtype": ["float16", "float16"],
        "dtype_expected": ["float16", "float16"],
        "n_not_finite": [0, 0],
        "sha256": ["x", "y"],
        "sha256_expected": ["x", "y"],
        "weights_sha256": ["w", "w"],
        "weights_sha256_expected": ["w", "w"],
        "error": ["", ""],
        "std": [0.1, 0.2],
        "transform_sha256": ["p", "p"],
        "transform_sha256_expected": ["p", "p"],
        "revision": ["r", "r"],
        "revision_expected": ["r", "r"],
        "mpp": [0.25, 0.5],
        "mpp_expected": [0.25, 0.5],
        "tiles_key": ["k", "l"],
        "tiles_key_expected": ["k", "l"],
    },
}
BAD = [
    ("cohort", "slide_id", "a", "A slide is named once"),
    ("cohort", "sha256", "x", "same content"),
    ("cohort", "case_id", "../c2", "file names"),
    ("cohort", "time_months", 0.0, "positive"),
    ("slides", "slide_id", "a", "once"),
    ("slides", "mpp", 50.0, "scanners"),
    ("slides", "tissue_fraction", 0.0, "tissue"),
    ("cohort", "event", 2, "event was seen"),
    ("tiles", "slide_id", "a", "tiled once"),
    ("tiles", "error", "OSError: truncated", "can be read"),
    ("tiles", "sha256", "z", "bytes that tiling wrote"),
    ("tiles", "n_coords", 39, "as many coordinates"),
    ("tiles", "n_repeated", 1, "tiled twice"),
    ("tiles", "n_outside", 1, "lies on the slide"),
    ("tiles", "slide_sha256", "z", "exactly these bytes"),
    ("tiles", "mpp", 0.25, "validation measured"),
    ("predictions", "arm", "a", "one table"),
    ("predictions", "n_tested", 39, "predicted by each seed"),
    ("predictions", "n_repeated", 1, "predicted once"),
    ("predictions", "n_elsewhere", 1, "does not belong"),
    ("predictions", "worst_sum", 0.1, "sum to one"),
    ("features", "transform_sha256", "q", "prepared"),
    ("features", "revision", "s", "revision"),
    ("features", "mpp", 0.25, "resolution that validation measured"),
    ("features", "tiles_key", "m", "this tile grid"),
    ("features", "slide_id", "a", "once"),
    ("features", "n_tiles", 5, "each tile"),
    ("features", "coords_equal", False, "exactly the tiles"),
    ("features", "dims", "1/2/4", "width"),
    ("features", "dtype", "float32", "half precision"),
    ("features", "n_not_finite", 1, "NaN"),
    ("features", "sha256", "z", "bytes that extraction wrote"),
    ("features", "weights_sha256", "z", "weights"),
    ("features", "error", "OSError: truncated", "can be read"),
]
WARNED = [
    ("cohort", "site", None, "site of each case"),
    ("cohort", "time_months", 3650.0, "50 years"),
    ("slides", "mpp_origin", "assumed", "not assumed"),
    ("slides", "width_px", 200, "thumbnail"),
    ("predictions", "n_not_finite", 3, "are numbers"),
    ("predictions", "spread", 0.0, "differ between cases"),
    ("features", "std", 0.0, "not all the same"),
]


def table(suite: str, column: str | None = None, value: object = None) -> pd.DataFrame:
    frame = pd.DataFrame(GOOD[suite]).astype(object)
    if column is not None:
        frame.loc[1, column] = value
    return frame


@pytest.mark.parametrize("suite", sorted(GOOD))
def test_a_good_table_passes_and_is_documented(suite, tmp_path):
    result = check_contract(suite, table(suite), workspace=Workspace(tmp_path))
    assert result.warnings == ()
    assert (tmp_path / result.data_docs_uri).is_file()


@pytest.mark.parametrize(("suite", "column", "value", "message"), BAD)
def test_a_broken_critical_expectation_stops(suite, column, value, message, tmp_path):
    with pytest.raises(ContractError, match=message):
        check_contract(suite, table(suite, column, value), workspace=Workspace(tmp_path))


def test_the_rows_that_broke_it_are_named(tmp_path):
    with pytest.raises(ContractError, match=r"scanners produce.*: b$"):
        check_contract("slides", table("slides", "mpp", 50.0), workspace=Workspace(tmp_path))


@pytest.mark.parametrize(("suite", "column", "value", "message"), WARNED)
def test_a_broken_warning_is_told_and_goes_on(suite, column, value, message, tmp_path):
    result = check_contract(suite, table(suite, column, value), workspace=Workspace(tmp_path))
    (warning,) = result.warnings
    assert message in warning
    assert "(warning)" in warning


def test_a_slide_of_few_tiles_is_told(tmp_path):
    frame = table("tiles").assign(n_tiles=[30, 9], n_coords=[30, 9])
    (warning,) = check_contract("tiles", frame, workspace=Workspace(tmp_path)).warnings
    assert warning.endswith("its features say little.: b")


def test_every_rule_is_tried_here():
    rules = {(name, rule["meaning"]) for name in GOOD for rule in load_suite(name)}
    tried = {
        (suite, meaning)
        for suite, meaning in rules
        for bad_suite, _, _, message in [*BAD, *WARNED, ("tiles", "n_tiles", 9, "ten tiles")]
        if suite == bad_suite and message in meaning
    }
    assert rules - tried == set()


def test_the_same_table_is_documented_once(tmp_path):
    workspace = Workspace(tmp_path)
    first = check_contract("slides", table("slides"), workspace=workspace)
    again = check_contract("slides", table("slides"), workspace=workspace)
    assert first == again
    assert len(list((tmp_path / "data_docs" / "slides").iterdir())) == 1


def result_of(workspace: Workspace, suite: str) -> ContractReport:
    (path,) = (workspace.root / "data_docs" / suite).glob("*/result.json")
    return ContractReport.model_validate_json(path.read_bytes())


def test_the_result_is_kept_beside_the_pages_under_its_digest(tmp_path):
    workspace = Workspace(tmp_path)
    checked = check_contract("features", table("features"), workspace=workspace)
    path = workspace.open(checked.result_uri, checked.result_sha256)
    report = ContractReport.model_validate_json(path.read_bytes())
    assert (report.n_rows, report.not_applied) == (2, ())
    assert all(outcome.passed for outcome in report.outcomes)
    assert len(report.outcomes) == checked.n_expectations == len(load_suite("features"))


def test_pictures_and_styles_of_pages_are_stored_once(tmp_path):
    workspace = Workspace(tmp_path)
    for suite in ("slides", "tiles"):
        check_contract(suite, table(suite), workspace=workspace)
    pages = [path for path in tmp_path.glob("data_docs/*/*/static/**/*") if path.is_file()]
    kept = {path.stat().st_ino for path in (tmp_path / "data_docs" / "static").iterdir()}
    assert len(pages) > len(kept) > 5
    assert {path.stat().st_ino for path in pages} == kept


def test_a_table_without_rows_or_without_names_is_held_against_what_it_has(tmp_path):
    workspace = Workspace(tmp_path)
    assert check_contract("slides", pd.DataFrame(), workspace=workspace).n_expectations == 0
    broken = table("features", "n_tiles", 5).drop(columns="slide_id")
    with pytest.raises(ContractError, match=r"each tile\.: row 1$"):
        check_contract("features", broken, workspace=workspace)


def test_the_result_of_a_broken_contract_is_kept_and_names_its_rows(tmp_path):
    workspace = Workspace(tmp_path)
    broken = table("features", "n_not_finite", 7)
    with pytest.raises(ContractError, match="NaN"):
        check_contract("features", broken, workspace=workspace, label=("slide_id", "teacher"))
    (outcome,) = result_of(workspace, "features").broken("critical")
    assert (outcome.n_broken, outcome.rows) == (1, ("b t",))


def test_what_could_not_be_asked_is_listed(tmp_path):
    workspace = Workspace(tmp_path)
    check_contract("cohort", table("cohort").drop(columns="site"), workspace=workspace)
    (meaning,) = result_of(workspace, "cohort").not_applied
    assert "site leakage" in meaning


def test_another_rule_gives_another_result(tmp_path, monkeypatch):
    workspace = Workspace(tmp_path)
    rules = load_suite("slides")
    monkeypatch.setattr(expectations, "load_suite", lambda name: rules[1:])
    fewer = check_contract("slides", table("slides"), workspace=workspace)
    monkeypatch.undo()
    whole = check_contract("slides", table("slides"), workspace=workspace)
    assert fewer.suite_sha256 != whole.suite_sha256
    assert fewer.result_uri != whole.result_uri
