"""A cohort without signal, judged by the shown acceptance file, must not pass."""

import re

import pytest

from tests.command import settings, shazam

pytestmark = pytest.mark.integration


def test_a_cohort_without_signal_fails_the_gates(tmp_path):
    quick = settings(
        [
            *("demo.signal=0", "demo.n_cases=54", "tiling.tile_um=160"),
            *("student.n_blocks=1", "student.dim=16"),
        ]
    )
    outcome = shazam("demo", "--workspace", tmp_path / "workspace", *quick)
    assert outcome.code == 5, outcome.text
    failed = set(re.findall(r"gate (\w+): FAILED", outcome.out))
    assert "floor" in failed
    assert failed <= {"floor", "non_inferiority"}
    assert "version 1, no alias" in outcome.out
