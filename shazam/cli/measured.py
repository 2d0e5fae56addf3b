"""What `shazam locked measure` ends with on the terminal; the result's path is the last line."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shazam.evaluation.measured import Measured, MeasuredModel
from shazam.evaluation.result import ChampionFound
from shazam.evaluation.wording import metric_label
from shazam.refs import MeasuredRef
from shazam.workspace import Workspace


def print_measured(ref: MeasuredRef, *, workspace: Workspace) -> None:
    """Print metrics, comparison, gates, who could not be scored, then the result's path."""
    console = Console(highlight=False, soft_wrap=True)
    measured = workspace.read_manifest(ref, Measured)
    use = measured.use
    events = "" if measured.n_events is None else f" with {measured.n_events} events"
    console.print(
        f"locked cohort {measured.locked}, use {use.number}: release {escape(use.release)} on "
        f"{measured.n_cases} of {measured.n_locked} cases{events}"
    )
    for case_id in measured.without_features:
        console.print(f"  not scored, as it has no features: {case_id}")
    for entry in measured.quarantine:
        console.print(
            f"  quarantined {entry.slide_id} at {entry.stage}: {entry.reason}: "
            f"{escape(entry.message)}"
        )
    console.print(_metrics_table(measured))
    if measured.compared is not None:
        console.print(f"  {escape(_comparison(measured.compared))}")
    for gate in measured.gates:
        mark = "passed" if gate.passed else "FAILED"
        console.print(f"  gate {gate.name}: {mark} ({escape(gate.explanation)})")
    for left in measured.not_judged:
        console.print(f"  gate {left.name}: not judged here ({escape(left.why)})")
    print(workspace.path(ref.uri))


def _metrics_table(measured: Measured) -> Table:
    table = Table(title=None, box=None)
    for name in ("model", "metric"):
        table.add_column(name)
    for name in ("value", "95 % interval"):
        table.add_column(name, justify="right")
    models = {"release": measured.release, "champion": measured.champion}
    for name, model in models.items():
        if model is not None:
            _add_rows(table, name, model)
    return table


def _add_rows(table: Table, name: str, model: MeasuredModel) -> None:
    label = f"{name} {model.bundle_sha256[:12]}"
    for metric in model.metrics:
        table.add_row(
            label,
            metric_label(metric.name),
            f"{metric.value:.3f}",
            f"{metric.lower:.3f} to {metric.upper:.3f}",
        )
    for absent in model.not_computed:
        table.add_row(label, metric_label(absent), "not computed", "")


def _comparison(found: ChampionFound) -> str:
    compared = found.comparison
    if compared is None:
        return f"not compared to the champion: {found.why_not}"
    return (
        f"release minus champion: {metric_label(compared.metric)} {compared.difference:+.3f} "
        f"({compared.lower:+.3f} to {compared.upper:+.3f})"
    )
