"""A verdict counts if the bundled evidence gives it again, and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from shazam.digest import canonical_json
from shazam.errors import ArtifactError, RefusedError
from shazam.promotion.evidence import recompute
from shazam.promotion.evidence.compared import compared
from tests.promotion.evidence import made as evidence

CANDIDATE = "evidence/predictions/fusion_student_v2.parquet"


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "bundle"
    evidence.write_evidence(evidence.inputs_of().under(evidence.PSEUDONYMS), folder)
    return folder


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "bundle"))


def change(path: Path, edit: Callable[[Any], None]) -> None:
    document = json.loads(path.read_bytes())
    edit(document)
    path.write_bytes(canonical_json(document))


def refused(folder: Path) -> str:
    with pytest.raises(RefusedError) as error:
        recompute(folder)
    assert error.value.reason == "differs"
    return str(error.value)


def test_what_the_evidence_gives_is_accepted(folder):
    found = recompute(folder)
    claimed = json.loads((folder / "metrics.json").read_bytes())
    assert (found.passed, found.acceptance_sha256) == (
        claimed["passed"],
        claimed["acceptance_sha256"],
    )
    assert found.n_compared > 300
    assert claimed["champion"]["comparison"]["n_cases"] > 2


def test_the_numbers_are_those_of_the_named_cases():
    named, unnamed = (
        json.loads(canonical_json(inputs.evaluated()))
        for inputs in (
            evidence.inputs_of(),
            evidence.inputs_of().under(evidence.PSEUDONYMS),
        )
    )
    differ = [told for told in compared(named, unnamed) if told is not None]
    assert [told.split(" ")[0] for told in differ] == ["cohort_sha256", "splits_sha256"]


def numbers_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each number and boolean."""
    match value:
        case dict():
            for name, inner in value.items():
                yield from numbers_of(inner, (*path, name))
        case list():
            for place, inner in enumerate(value):
                yield from numbers_of(inner, (*path, place))
        case bool() | int() | float():
            yield path


def test_any_changed_number_is_refused(folder):
    claimed = json.loads((folder / "metrics.json").read_bytes())
    paths = list(numbers_of(claimed))
    assert len(paths) > 200
    for path in paths:
        changed, shown = with_other_number(claimed, path)
        (told,) = [text for text in compared(changed, claimed) if text is not None]
        assert told.startswith(f"{shown} is ")
    for path in paths[:: len(paths) // 4]:
        changed, shown = with_other_number(claimed, path)
        (folder / "metrics.json").write_bytes(canonical_json(changed))
        assert f"gives: {shown} is " in refused(folder)


def with_other_number(document: Any, path: tuple[Any, ...]) -> tuple[Any, str]:
    """Return a copy in which one number is another, and how its path is shown."""
    changed = json.loads(json.dumps(document))
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    old = inner[path[-1]]
    step = 1 if isinstance(old, int) else 1e-6 * max(1.0, abs(old))
    inner[path[-1]] = not old if isinstance(old, bool) else old + step
    return changed, "".join(f"[{n}]" if isinstance(n, int) else f".{n}" for n in path)[1:]


def test_another_verdict_of_a_gate_is_refused(folder):
    def flip(document: Any) -> None:
        document["gates"][0]["passed"] = not document["gates"][0]["passed"]

    change(folder / "metrics.json", flip)
    assert "gates[0].passed is" in refused(folder)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda document: document.pop("passed"), 'passed is "nothing", made again'),
        (lambda document: document.update(more=1), 'more is 1, made again "nothing"'),
        (lambda document: document["arms"].pop(), "arms has 1 entries, made again 2"),
        (lambda document: document.update(task="regression"), 'task is "regression"'),
        (lambda document: document.update(n_cases=54.0), "n_cases is 54.0, made again 54"),
    ],
)
def test_another_structure_is_refused(folder, edit, told):
    change(folder / "metrics.json", edit)
    assert told in refused(folder)


def test_a_changed_prediction_is_refused(folder):
    frame = pd.read_parquet(folder / CANDIDATE)
    row = frame.index[frame["part"] == "test"][3]
    frame.loc[row, "risk"] += 5.0
    frame.to_parquet(folder / CANDIDATE, index=False)
    assert "arms[0]" in refused(folder)


def test_a_missing_prediction_is_refused(folder):
    frame = pd.read_parquet(folder / CANDIDATE)
    frame[frame["part"] != "test"].to_parquet(folder / CANDIDATE, index=False)
    assert "gives no verdict: arm fusion_student_v2: no prediction for" in refused(folder)


def test_a_missing_arm_is_refused(folder):
    def without(document: Any) -> None:
        document["arms"].remove("late_ensemble")

    change(folder / "evidence/beside.json", without)
    assert "acceptance.compared_to is 'late_ensemble'" in refused(folder)


def test_a_missing_or_damaged_file_is_an_error_of_its_own(folder):
    (folder / CANDIDATE).write_bytes(b"PAR1")
    with pytest.raises(ArtifactError, match=r"fusion_student_v2\.parquet: missing or no table"):
        recompute(folder)
    (folder / "metrics.json").write_text('{"passed": NaN}')
    with pytest.raises(ArtifactError, match="NaN is no number"):
        recompute(folder)
    (folder / "metrics.json").unlink()
    with pytest.raises(ArtifactError, match=r"metrics\.json: missing"):
        recompute(folder)


def test_another_acceptance_file_is_refused(folder):
    change(folder / "acceptance.json", lambda document: document.update(floor=0.1))
    assert "acceptance.floor is 0.5, made again 0.1" in refused(folder)


def test_an_acceptance_file_that_is_written_otherwise_is_refused(folder):
    path = folder / "acceptance.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()), indent=1))
    assert "acceptance.json is" in refused(folder)


def test_a_config_that_asks_another_acceptance_file_is_refused(folder):
    change(folder / "config.json", lambda document: document["acceptance"].update(floor=0.1))
    assert "and config.json asks" in refused(folder)


def test_another_number_of_draws_is_refused(folder):
    change(folder / "config.json", lambda document: document["evaluation"].update(bootstrap=101))
    assert "arms[0].metrics[0].lower" in refused(folder)
