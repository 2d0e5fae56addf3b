"""What a retraining found, as a short table and as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shazam.config import Config
from shazam.upkeep.criteria import CriteriaChange
from shazam.upkeep.decision import Decision
from shazam.upkeep.new_data import NewData, OutcomeKind
from shazam.upkeep.registered import RegisteredRun
from shazam.workspace import Workspace

if TYPE_CHECKING:
    from shazam.cli.launch import RunResults

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """Whether to train, and why.

    ``config`` is what is trained with; ``found`` and ``last`` are None for the first run.
    """

    config: Config
    decision: Decision
    found: NewData | None = None
    last: RegisteredRun | None = None
    elsewhere: tuple[str, ...] = ()
    changes: tuple[CriteriaChange, ...] = ()
    other_changes: tuple[str, ...] = ()


def print_plan(plan: Plan) -> None:
    """Print what is new, what differs in the config, and whether the pipeline runs."""
    console = Console(highlight=False, soft_wrap=True)
    name = plan.config.cohort.name
    if plan.last is not None and plan.found is not None:
        console.print(
            f"model {name} version {plan.last.version}, run {plan.last.folder.name[:12]}; "
            "since then:"
        )
        console.print(_table(plan.found))
    for line in _notes(plan):
        console.print(escape(line))
    reasons = "; ".join(plan.decision.reasons)
    told = "retraining" if plan.decision.retrain else "nothing to retrain for"
    console.print(f"{told}: {escape(reasons)}")


def printed_json(
    plan: Plan, *, results: RunResults | None = None, workspace: Workspace | None = None
) -> str:
    """Return the plan as one JSON object, with the registration once it was carried out."""
    criteria = plan.config.retraining.new_criteria
    told: dict[str, Any] = {
        "model": plan.config.cohort.name,
        "retrain": plan.decision.retrain,
        "first": plan.last is None,
        "reasons": plan.decision.reasons,
        "compared_to": plan.last
        and {
            "version": plan.last.version,
            "run": plan.last.folder.name,
            "cohort_sha256": plan.last.document.result.cohort_sha256,
            "acceptance_sha256": plan.last.document.result.acceptance_sha256,
        },
        "versions_elsewhere": plan.elsewhere,
        "new": plan.found and asdict(plan.found),
        "changed_criteria": [asdict(change) for change in plan.changes],
        "new_criteria": criteria and criteria.model_dump(mode="json"),
        "other_changes": plan.other_changes,
        "registration": None,
        "passed": None,
        "report": None,
    }
    if results is not None and workspace is not None:
        told["registration"] = results.registration.model_dump(mode="json")
        told["passed"] = results.evaluation.passed
        told["report"] = str(workspace.path(results.evaluation.report_uri))
    return json.dumps(told, indent=2)


def _notes(plan: Plan) -> Iterator[str]:
    if plan.elsewhere:
        yield (
            f"note: version {', '.join(plan.elsewhere)} is registered, but not from this workspace"
        )
    if plan.other_changes:
        yield f"note: also differs in the config: {', '.join(plan.other_changes)}"
    recorded = plan.config.retraining.new_criteria
    if recorded is not None:
        named = ", ".join(recorded.before)
        yield f"other criteria than before ({named}), accepted because: {recorded.why}"
    elif plan.changes:
        named = ", ".join(change.section for change in plan.changes)
        yield (
            f"note: the criteria differ ({named}); once there is something to train on, this is "
            "refused without --accept-new-criteria"
        )


def _table(found: NewData) -> Table:
    table = Table(title=None, box=None, show_header=False)
    table.add_column("what")
    table.add_column("count", justify="right")
    table.add_column("which")
    for what, names in _rows(found):
        shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        table.add_row(what, str(len(names)), escape(shown))
    return table


def _rows(found: NewData) -> Iterator[tuple[str, Sequence[str]]]:
    yield "new cases", found.new_cases
    yield "lost cases", found.lost_cases
    yield "new slides", found.new_slides
    yield "changed slides", found.changed_slides
    yield "lost slides", found.lost_slides
    yield "late events", _told(found, OutcomeKind.CAME)
    yield "longer follow-ups", _told(found, OutcomeKind.LONGER)
    yield "corrected outcomes", _told(found, OutcomeKind.CORRECTED)
    yield "changed sites", found.changed_sites
    yield "changed clinical values", found.changed_clinical
    if found.changed_files or found.changed_tables:
        yield "changed feature files", (*found.changed_files, *found.changed_tables)


def _told(found: NewData, kind: OutcomeKind) -> list[str]:
    return [
        f"{change.case_id} ({change.before} -> {change.now})"
        for change in found.outcomes
        if change.kind is kind
    ]
