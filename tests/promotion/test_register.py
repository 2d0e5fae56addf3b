"""Registering: a verdict counts by the acceptance file that it was given by."""

from __future__ import annotations

from pathlib import Path

import pytest

from shazam.config.acceptance import AcceptanceConfig
from shazam.digest import digest_of
from shazam.errors import ConfigError
from shazam.promotion import register as register_module
from shazam.promotion.bundle import Bundle
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


def test_another_machine_or_commit_makes_no_other_bundle_of_the_same_model(tmp_path):
    workspace = Workspace(tmp_path)
    files = {"metrics.json": "1" * 64, "models/student.json": "2" * 64}
    first = Bundle(files={**files, "environment.json": "3" * 64, "manifests/code.json": "4" * 64})
    publish_json(tmp_path / "bundles" / first.sha256 / "bundle.json", first)
    (tmp_path / "bundles" / ("f" * 64)).mkdir()
    (tmp_path / "bundles" / ("f" * 64) / "bundle.json").write_bytes(b"{}")
    moved = Bundle(files={**files, "environment.json": "5" * 64, "manifests/code.json": "6" * 64})
    assert register_module._equal(moved, workspace=workspace) == first
    other = Bundle(files={**moved.files, "metrics.json": "7" * 64})
    assert register_module._equal(other, workspace=workspace) == other
