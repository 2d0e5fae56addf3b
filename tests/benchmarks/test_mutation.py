import json

from benchmarks.mutation import summary


def test_mutants_are_counted_and_those_that_live_are_named(tmp_path):
    codes = {"shazam.a.x_f__mutmut_1": 1, "shazam.a.x_f__mutmut_2": 0, "shazam.b.x_g__mutmut_1": 33}
    (tmp_path / "a.py.meta").write_text(json.dumps({"exit_code_by_key": codes}))
    left = {"shazam.c.x_h__mutmut_1": None, "shazam.c.x_h__mutmut_2": -24}
    (tmp_path / "c.py.meta").write_text(json.dumps({"exit_code_by_key": left}))
    found = summary(tmp_path)
    assert (found["killed"], found["tried"], found["not_tried"]) == (2, 4, 1)
    assert found["ratio"] == 0.5
    assert not found["met"]
    assert found["modules"]["shazam.a"] == {"killed": 1, "alive": ["x_f__mutmut_2"]}


def test_where_nothing_was_tried_nothing_is_met(tmp_path):
    assert summary(tmp_path)["tried"] == 0
    assert not summary(tmp_path)["met"]
