"""What `shazam run` refuses of imports before it writes anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from shazam.cli.preflight import preflight
from shazam.config import load_config
from shazam.errors import ConfigError, LeakError
from tests.imported import CASES, counts, make, rows


@pytest.fixture
def config(tmp_path) -> Path:
    return make(tmp_path / "mine")


def checked(config: Path, *overrides: str):
    return preflight(load_config(config, overrides=overrides, environment={}).config)


def test_what_is_right_passes_with_a_digest_for_each_teacher(config):
    assert set(checked(config).identities) == {"uni_v2", "cell_counts"}


def test_a_digest_changes_with_the_bytes_of_a_file_and_for_its_teacher_alone(config):
    before = checked(config).identities
    np.savez(config.parent / "counts.npz", counts=counts() + 1, case_id=np.array(CASES))
    after = checked(config).identities
    assert before["cell_counts"] != after["cell_counts"]
    assert before["uni_v2"] == after["uni_v2"]


def test_both_sections_or_neither_are_refused(config):
    with pytest.raises(ConfigError, match="has both of 'extraction'"):
        checked(config, "extraction.teachers=[efficientnet_lite0]")
    tree = yaml.safe_load(config.read_text())
    del tree["imports"]
    config.write_text(yaml.safe_dump(tree))
    with pytest.raises(ConfigError, match="has neither of 'extraction'"):
        checked(config)


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        ({"paths": "counts.npz", "name": "uni_v2"}, "uni_v2 is listed twice"),
        ({"name": "other"}, "names no files"),
        ({"name": "other", "paths": "nowhere"}, "no such file or folder"),
        ({"name": "other", "paths": "uni_v2", "feature_root": "."}, "feature_root belongs to"),
        ({"name": "o", "feature_map": "a.json", "ids": "case_id"}, "a table has ids or group"),
        ({"name": "o", "paths": "uni_v2", "levels": ["low"]}, "which every arm reads"),
        ({"name": "o", "paths": "uni_v2", "levels": ["deep"]}, "'low', 'mid' or 'high'"),
        ({"name": "o", "paths": "uni_v2", "arrays": ["a", "b"]}, "2 dataset"),
        ({"name": "o", "paths": "uni_v2", "typo": 1}, "Extra inputs"),
        ({"name": "o", "paths": "counts.npz", "arrays": ["nope"], "ids": "case_id"}, "no array"),
        ({"name": "o", "paths": "counts.npz", "arrays": ["counts"], "ids": "nope"}, "no array"),
        ({"name": "o", "paths": "uni_v2", "ids": "case_id"}, "belong to tables"),
    ],
)
def test_a_teacher_that_cannot_be_imported_is_refused(config, teacher, message):
    tree = yaml.safe_load(config.read_text())
    tree["imports"]["teachers"].append(teacher)
    config.write_text(yaml.safe_dump(tree))
    with pytest.raises(ConfigError, match=message):
        checked(config)


def test_rows_that_are_not_one_for_each_name_are_refused(config):
    np.savez(config.parent / "counts.npz", counts=counts()[:-1], case_id=np.array(CASES))
    with pytest.raises(ConfigError, match="'counts' has 31 rows, and --ids 32"):
        checked(config)


def test_a_name_that_stands_twice_in_a_table_of_features_is_refused(config):
    names = np.array([CASES[0], *CASES[:-1]])
    np.savez(config.parent / "counts.npz", counts=counts(), case_id=names)
    with pytest.raises(ConfigError, match="'c00' names rows 0, 1"):
        checked(config)


def test_a_case_that_stands_twice_or_in_two_sites_is_refused(config):
    repeated = [*rows(), {**rows()[0], "site": "h7"}]
    made = make(config.parent / "again", repeated)
    with pytest.raises(ConfigError) as raised:
        checked(made)
    assert "case 'c00' already stands in line 2; keep one row" in str(raised.value)
    assert "a case has one site" in str(raised.value)


def test_a_table_with_slides_may_name_a_case_more_than_once(config):
    table = [{**row, "slide_id": f"{row['case_id']}.{n}"} for row in rows() for n in (1, 2)]
    assert checked(make(config.parent / "slides", table))


def test_tiles_need_classes(config):
    with pytest.raises(ConfigError, match="unit tile needs task classification"):
        checked(config, "cohort.unit=tile")


def write_folds(config: Path, *, first: int) -> None:
    """Write two folds by site, of which the second is tested from case ``first`` on."""
    halves = [
        [c for n, c in enumerate(CASES) if n % 8 < 4],
        [c for n, c in enumerate(CASES) if n % 8 > 3],
    ]
    folder = config.parent / "splits"
    folder.mkdir()
    for number, (train, test) in enumerate((halves, halves[::-1])):
        pairs = zip(train, test[first * number :] + train[: first * number], strict=True)
        lines = [f"{n},{own},{other}" for n, (own, other) in enumerate(pairs)]
        (folder / f"splits_{number}.csv").write_text("\n".join([",train,test", *lines]) + "\n")
    text = config.read_text()
    config.write_text(text.replace("splits:", "splits:\n  scheme: files\n  files: [splits]", 1))


def test_folds_from_files_pass_or_are_refused_before_anything_is_written(config):
    write_folds(config, first=0)
    loaded = load_config(config, environment={}).config
    assert loaded.splits.files == (config.parent / "splits",)
    assert loaded.asked().splits.files == (Path("splits"),)
    checked(config)
    (config.parent / "splits" / "splits_1.csv").unlink()
    with pytest.raises(ConfigError, match="tested in no fold"):
        checked(config)


def test_folds_from_files_that_leak_are_refused(config):
    write_folds(config, first=1)
    with pytest.raises(LeakError, match=r"splits_1\.csv: cases in train and test: c04"):
        checked(config)
