"""Registering: a verdict counts by the acceptance file that it was given by."""

from __future__ import annotations

from pathlib import Path

import pytest

from shazam.config.acceptance import AcceptanceConfig
from shazam.digest import digest_of
from shazam.errors import ConfigError
from shazam.promotion.register import register_candidate
from shazam.promotion.store import Registration
from shazam.publish import publish_json
from shazam.refs import EvaluationRef
from shazam.workspace import Workspace


class NoStore:
    """A store that nothing must reach."""

    def register(self, registration: Registration) -> None:
        raise AssertionError(registration)

    def alias(self, model_name: str, alias: str) -> str | None:
        raise AssertionError(alias)

    def point(self, model_name: str, *, alias: str, version: str) -> None:
        raise AssertionError(alias)


def test_a_verdict_by_another_acceptance_file_registers_nothing(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    asked, eased = AcceptanceConfig(floor=0.6), AcceptanceConfig(floor=0.4)
    path = tmp_path / "runs" / "x" / "metrics.json"
    sha256 = publish_json(path, {"acceptance_sha256": digest_of(eased)})
    evaluation = EvaluationRef(
        uri=workspace.uri(path), sha256=sha256, passed=True, report_uri="report.html"
    )
    with pytest.raises(ConfigError, match="evaluate again") as refused:
        register_candidate(
            evaluation,
            models=[],
            model_name="m",
            acceptance=asked,
            store=NoStore(),
            workspace=workspace,
        )
    assert digest_of(asked) in str(refused.value)
    assert digest_of(eased) in str(refused.value)
