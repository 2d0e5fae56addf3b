"""What `shazam cohort check` does: read a table, and tell what was found."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from shazam.cohort.model import Case, Cohort
from shazam.cohort.table import check_table, read_cases_table
from shazam.config import load_config
from shazam.config.cohort import CohortConfig, Task
from shazam.errors import CohortError, ExitCode
from shazam.stages import SOURCE_ROOT

# its cohort says only the task, so what --set and the environment leave is the default
_PLAIN = SOURCE_ROOT / "configs" / "survival.yaml"


def check(
    table: Path | None,
    *,
    slides_dir: Path | None,
    as_json: bool,
    config: Path | None,
    overrides: Sequence[str],
) -> ExitCode:
    """Read a table and print its cases, how it was read and all that is wrong.

    Args:
        table: the table; None for that of the config.
        slides_dir: where its slides lie; None if they are not looked for.
        as_json: whether one JSON object is printed.
        config: YAML file; None for a survival cohort without clinical columns.
        overrides: ``a.b=value`` texts.

    Raises:
        BadParameter: neither a table nor a config is given.
        ConfigError: the configuration is wrong.
    """
    if table is None and config is None:
        raise typer.BadParameter("name a table, or a config that does", param_hint="TABLE")
    cohort = load_config(config or _PLAIN, overrides=overrides).config.cohort
    path = table or cohort.outcomes()
    folder = slides_dir
    if folder is None and config is not None and table is None:
        folder = cohort.slides_dir
    found = _found(path, slides_dir=folder, config=cohort)
    typer.echo(json.dumps(found, indent=2) if as_json else _told(path, found))
    return ExitCode.CONFIGURATION if found["problems"] else ExitCode.DONE


def _found(path: Path, *, slides_dir: Path | None, config: CohortConfig) -> dict[str, Any]:
    try:
        read = (
            read_cases_table(path, config=config)
            if slides_dir is None
            else check_table(path, slides_dir=slides_dir, config=config)
        )
    except CohortError as error:
        return {"problems": list(error.problems), "notes": list(error.notes)}
    return {"problems": [], "notes": list(read.notes), **_summary(read)}


def _summary(cohort: Cohort) -> dict[str, Any]:
    sites = Counter(case.site for case in cohort.cases if case.site is not None)
    return {
        "n_cases": len(cohort.cases),
        "n_slides": len(cohort.slides),
        "n_sites": len(sites),
        "largest_site": max(sites.values(), default=0),
        "outcomes": _outcomes(cohort),
        "clinical": {name: kind.value for name, kind in cohort.clinical_kinds},
        "excluded": Counter(case.reason for case in cohort.excluded),
    }


def _outcomes(cohort: Cohort) -> dict[str, str]:
    match cohort.task:
        case Task.SURVIVAL:
            named = cohort.endpoint or "outcome"
            told = {named: _survival([(c.time_months, c.event) for c in cohort.cases])}
            return told | _others(cohort.cases)
        case Task.CLASSIFICATION:
            labels = Counter(case.label for case in cohort.cases)
            return {str(name): f"{count} cases" for name, count in sorted(labels.items(), key=str)}
        case Task.REGRESSION:
            return {
                name: f"{sum(dict(c.values)[name] is not None for c in cohort.cases)} values"
                for name in cohort.targets
            }


def _others(cases: Sequence[Case]) -> dict[str, str]:
    names = [endpoint.name for endpoint in cases[0].endpoints] if cases else []
    return {
        name: _survival(
            [(e.time_months, e.event) for case in cases for e in case.endpoints if e.name == name]
        )
        for name in names
    }


def _survival(values: Sequence[tuple[float | None, bool | None]]) -> str:
    times = [time for time, _ in values if time is not None]
    n_events = sum(event is True for _, event in values)
    longest = f", followed for up to {max(times):.1f} months" if times else ""
    return f"{n_events} events in {len(times)} cases{longest}"


def _told(path: Path, found: dict[str, Any]) -> str:
    lines = [str(path)]
    if found["problems"]:
        lines += [f"  {len(found['problems'])} problem(s)"]
        lines += [f"    - {problem}" for problem in found["problems"]]
    else:
        lines += [
            f"  {found['n_cases']} cases, {found['n_slides']} slides",
            f"  {found['n_sites']} sites, the largest with {found['largest_site']} cases",
        ]
        lines += [f"  {name}: {text}" for name, text in found["outcomes"].items()]
        lines += [f"  column {name}: {kind}" for name, kind in found["clinical"].items()]
        lines += [f"  left out, {why}: {count} cases" for why, count in found["excluded"].items()]
    lines += [f"  note: {note}" for note in found["notes"]]
    return "\n".join(lines)
