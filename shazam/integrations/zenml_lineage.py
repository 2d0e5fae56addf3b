"""What ZenML's cache gives again: the refs of earlier steps, by run, and how they are let go."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from zenml.client import Client
from zenml.enums import ExecutionStatus
from zenml.models import StepRunResponse, StepRunUpdate
from zenml.utils.time_utils import utc_now

from shazam.refs import EvaluationRef, Ref
from shazam.upkeep.contents import digests_in_text

_PAGE = 200


@dataclass(frozen=True, slots=True)
class StepValues:
    """The digests that stand in what one step of a run gave; ``run`` and ``step`` are ZenML's ids.

    ``evaluated`` are those of an evaluation, the key of its folder among them. ``reusable``: a
    later run may take the step from the cache.
    """

    run: UUID
    step: UUID
    digests: frozenset[str]
    evaluated: frozenset[str]
    reusable: bool


def step_values() -> tuple[StepValues, ...]:
    """Return what all successful steps of all runs gave."""
    return tuple(_values(step) for step in _steps())


def forget(steps: Collection[UUID]) -> None:
    """Let no later run take these steps from the cache."""
    store = Client().zen_store
    for step in steps:
        store.update_run_step(step, StepRunUpdate(cache_expires_at=utc_now()))


def _steps() -> Iterator[StepRunResponse]:
    page, pages = 1, 1
    while page <= pages:
        found = Client().list_run_steps(page=page, size=_PAGE, hydrate=True)
        pages = found.total_pages
        yield from (step for step in found.items if step.status.is_successful)
        page += 1


def _values(step: StepRunResponse) -> StepValues:
    values = [output.load() for outputs in step.outputs.values() for output in outputs]
    refs = [value for value in values if isinstance(value, Ref)]
    return StepValues(
        run=step.pipeline_run_id,
        step=step.id,
        digests=_digests(refs),
        evaluated=_digests([ref for ref in refs if isinstance(ref, EvaluationRef)]),
        reusable=step.status is ExecutionStatus.COMPLETED,
    )


def _digests(refs: Iterable[Ref]) -> frozenset[str]:
    return frozenset(digest for ref in refs for digest in digests_in_text(ref.model_dump_json()))
