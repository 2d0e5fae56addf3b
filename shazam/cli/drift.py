"""`shazam drift`: hold one cohort's features and clinical columns against another's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shazam.config.drift import DriftConfig, Severity
from shazam.digest import canonical_json
from shazam.errors import ExitCode

if TYPE_CHECKING:
    from shazam.evaluation.drift_result import Drift

_USUAL = DriftConfig()


def drift_command(
    reference: Annotated[
        str,
        typer.Option(
            "--reference", metavar="RUN_OR_DIGEST", help="A run, or the digest of a feature set."
        ),
    ],
    new: Annotated[
        str, typer.Option("--new", metavar="RUN_OR_DIGEST", help="What is held against it.")
    ],
    workspace: Annotated[
        Path, typer.Option("--workspace", "-w", help="Folder in which everything is kept.")
    ] = Path("workspace"),
    severity: Annotated[
        Severity, typer.Option("--severity", help="critical: drift ends with exit code 5.")
    ] = _USUAL.severity,
    max_psi: Annotated[
        float, typer.Option("--max-psi", min=1e-6, help="Population stability index of a column.")
    ] = _USUAL.max_psi,
    max_frechet_ratio: Annotated[
        float,
        typer.Option(
            "--max-frechet-ratio", min=1.0, help="Distance, by that of parts of the reference."
        ),
    ] = _USUAL.max_frechet_ratio,
    alpha: Annotated[
        float, typer.Option("--alpha", min=0.0001, max=0.2, help="Chance that is accepted.")
    ] = _USUAL.alpha,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the random parts.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare a new cohort to a reference: clinical columns, and features of every teacher."""
    from shazam.evaluation.drift_cohorts import drift_between, find_feature_set
    from shazam.training.case_means import read_case_means
    from shazam.workspace import Workspace

    home = Workspace(workspace)
    then, now = (find_feature_set(name, workspace=home) for name in (reference, new))
    config = DriftConfig(
        reference=then.sha256,
        severity=severity,
        max_psi=max_psi,
        max_frechet_ratio=max_frechet_ratio,
        alpha=alpha,
        seed=seed,
    )
    found = drift_between(then, now, config=config, read=read_case_means, workspace=home)
    if as_json:
        print(canonical_json(found).decode())
    else:
        _print(found)
    if found.refused:
        raise SystemExit(int(ExitCode.REFUSED))


def _print(found: Drift) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=None, box=None)
    for name in ("what", "measure", "value", "bound", "p (Holm)", "verdict"):
        table.add_column(name, justify="left" if name in {"what", "measure"} else "right")
    bounds = found.config
    for one in found.teachers:
        table.add_row(
            escape(f"features of {one.teacher}"),
            "Frechet ratio",
            *_numbers(one.ratio, bounds.max_frechet_ratio, one.p_holm),
            _verdict(one.remark, exceeded=one.exceeded),
        )
    for row in found.columns:
        table.add_row(
            escape(f"column {row.column}"),
            "PSI",
            *_numbers(row.psi, bounds.max_psi, row.p_holm),
            _verdict(row.remark, exceeded=row.exceeded),
        )
    console = Console(highlight=False, soft_wrap=True)
    console.print(table)
    console.print(escape(found.sentence()))


def _numbers(value: float | None, bound: float, p_holm: float | None) -> tuple[str, str, str]:
    shown = "-" if value is None else f"{value:.3f}"
    return shown, f"{bound:g}", "-" if p_holm is None else f"{p_holm:.3g}"


def _verdict(remark: str | None, *, exceeded: bool) -> str:
    if remark is not None:
        return "not judged"
    return "DRIFTED" if exceeded else "alike"
