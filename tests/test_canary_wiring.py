"""When the pipeline refits the candidate on permuted outcomes."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from shazam.config.load import load_config

CONFIG = Path(__file__).parents[1] / "configs" / "demo.yaml"


@pytest.mark.parametrize(
    ("settings", "refitted"),
    [
        ([], True),
        (["arms.canary_candidate_permutations=0"], False),
        (["acceptance.candidate_canary=left_out"], False),
    ],
)
def test_the_candidate_is_refitted_unless_it_is_left_out(
    monkeypatch: pytest.MonkeyPatch, settings: list[str], refitted: bool
) -> None:
    wiring = importlib.import_module("pipelines.training")
    monkeypatch.setattr(wiring, "canary", lambda *_: "cheap")
    monkeypatch.setattr(wiring, "canary_candidate", lambda *_: "candidate")
    config = load_config(CONFIG, overrides=settings, environment={}).config
    wired = wiring._canaries(config, None, None)
    assert wired == ["cheap", "candidate"][: 1 + refitted]
