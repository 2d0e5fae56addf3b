"""What a run ends with on the terminal; the report's path is the last line."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shazam.cli.launch import RunResults
from shazam.config.acceptance import AcceptanceConfig
from shazam.evaluation.champion_gates import left_to_locked
from shazam.evaluation.drift_result import Drift
from shazam.evaluation.earlier import EarlierFreeze, earlier_sentence
from shazam.evaluation.power import Power
from shazam.manifests import FeatureSetManifest
from shazam.workspace import Workspace


def print_summary(results: RunResults, *, workspace: Workspace) -> None:
    """Print quarantine, arms, gates and registration, then the report's path."""
    console = Console(highlight=False, soft_wrap=True)
    manifest = workspace.read_manifest(results.feature_set, FeatureSetManifest)
    metrics = json.loads(workspace.open_ref(results.evaluation).read_bytes())
    console.print(
        f"{results.feature_set.n_cases} cases, {results.feature_set.n_slides} slides, "
        f"{len(manifest.quarantine)} quarantined; "
        f"{results.n_steps - results.n_cached} steps run, {results.n_cached} cached"
    )
    for entry in manifest.quarantine:
        console.print(
            f"  quarantined {entry.slide_id} at {entry.stage}: {entry.reason}: "
            f"{escape(entry.message)}"
        )
    console.print(_arms_table(metrics))
    if metrics["power"] is not None:
        console.print(f"  {escape(Power.model_validate(metrics['power']).sentence())}")
    earlier = [EarlierFreeze.model_validate(one) for one in metrics["earlier_freezes"]]
    if (told := earlier_sentence(earlier)) is not None:
        console.print(f"  {escape(told)}")
    if metrics["drift"] is not None:
        told = Drift.model_validate(metrics["drift"]).sentence()
        console.print(f"  drift: {escape(told)}")
    for gate in metrics["gates"]:
        mark = "passed" if gate["passed"] else "FAILED"
        console.print(f"  gate {gate['name']}: {mark} ({escape(gate['explanation'])})")
    asked = AcceptanceConfig.model_validate(metrics["acceptance"])
    if (left := left_to_locked(asked)) is not None:
        console.print(f"  not compared to the champion: {left.why_not}")
    registration = results.registration
    alias = f", alias {registration.alias}" if registration.alias else ", no alias"
    console.print(
        f"model {registration.model_name} version {registration.version}{alias}, "
        f"bundle {registration.bundle_sha256[:12]}"
    )
    print(workspace.path(results.evaluation.report_uri))


def _arms_table(metrics: dict[str, Any]) -> Table:
    primary = metrics["primary_metric"]
    table = Table(title=None, box=None)
    table.add_column("arm")
    table.add_column(primary, justify="right")
    table.add_column("95 % interval", justify="right")
    for arm in metrics["arms"]:
        metric = next(m for m in arm["metrics"] if m["name"] == primary)
        name = f"{arm['arm']} *" if arm["arm"] == metrics["candidate"] else arm["arm"]
        table.add_row(
            name, f"{metric['value']:.3f}", f"{metric['lower']:.3f} to {metric['upper']:.3f}"
        )
    return table
