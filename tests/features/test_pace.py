"""How fast extraction went, kept for those who plan the next one."""

import pytest

from shazam.features.pace import read_pace, write_pace
from shazam.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


def test_teachers_that_ran_together_add_up_to_what_they_took(workspace):
    made = {"a": [100, 100, 100], "b": [100, 100, 100, 300]}
    write_pace(made, seconds=90, device_type="cpu", workspace=workspace)
    hours_s = 0.0
    for name, slides in made.items():
        pace = read_pace(name, device_type="cpu", workspace=workspace)
        assert pace is not None
        assert pace.n_slides == len(slides)
        hours_s += sum(slides) / pace.tiles_per_s
    assert hours_s == pytest.approx(90)


@pytest.mark.parametrize("made", [{"a": [500, 500]}, {"a": [0, 0, 0]}, {}])
def test_too_little_work_tells_nothing(made, workspace):
    write_pace(made, seconds=1, device_type="cpu", workspace=workspace)
    assert list(workspace.root.iterdir()) == []


def test_the_last_one_counts(workspace):
    for seconds in (60, 30):
        write_pace({"a": [10, 10, 10]}, seconds=seconds, device_type="cpu", workspace=workspace)
    pace = read_pace("a", device_type="cpu", workspace=workspace)
    assert pace is not None
    assert pace.tiles_per_s == 1


def test_an_illegible_record_tells_nothing(workspace):
    write_pace({"a": [10, 10, 10]}, seconds=1, device_type="cpu", workspace=workspace)
    (path,) = workspace.root.rglob("cpu.json")
    path.write_text("{}")
    assert read_pace("a", device_type="cpu", workspace=workspace) is None
