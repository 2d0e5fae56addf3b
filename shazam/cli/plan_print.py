"""What a plan holds, and how it is told."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from shazam.integrations.zenml_plan import StepForecast
    from shazam.upkeep.todo import TeacherToDo

_ARM_STEPS = ("train_", "distill_", "fuse_", "canary")


@dataclass(frozen=True, slots=True)
class Slides:
    """The slides of the plan, and how sure it is of them."""

    n_slides: int
    origin: str


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run would do; ``cache`` says what its steps were held against."""

    cache: str
    steps: tuple[StepForecast, ...]
    slides: Slides | None
    teachers: tuple[TeacherToDo, ...]

    def pods(self) -> dict[str, int]:
        """Return how many pods a cluster would start at most: of extraction, of arms, in all."""
        names = [step.name for step in self.steps if step.fate != "hit"]
        return {
            "extract": sum(name.startswith("extract_") for name in names),
            "arms": sum(name.startswith(_ARM_STEPS) for name in names),
            "all": len(names),
        }


def print_plan(plan: RunPlan, *, as_json: bool) -> None:
    """Print a plan for a reader, or as one JSON object."""
    if as_json:
        typer.echo(json.dumps(_plain(plan), indent=1))
        return
    typer.echo(f"cache: {plan.cache}")
    width = max(len(step.name) for step in plan.steps)
    for step in plan.steps:
        because = f"  on {', '.join(step.because)}" if step.because else ""
        typer.echo(f"  {step.name:{width}}  {step.fate}{because}")
    if plan.slides is not None:
        typer.echo(f"slides: {plan.slides.n_slides} ({plan.slides.origin})")
    for one in plan.teachers:
        estimated = (
            f", {one.n_tiles_estimated:,} of them estimated" if one.n_tiles_estimated else ""
        )
        typer.echo(
            f"  {one.teacher}: {one.n_slides} to do, {one.n_tiles:,} tiles{estimated}, "
            f"{one.n_bytes / 1e9:.3f} GB; {one.hours_here:.2f} h here ({one.here.origin}), "
            f"{one.gpu_hours:.2f} GPU h ({one.gpu.origin})"
        )
    pods = plan.pods()
    typer.echo(
        f"pods on a cluster: at most {pods['all']}, of which extraction {pods['extract']} "
        f"and arms {pods['arms']}"
    )


def _plain(plan: RunPlan) -> dict[str, object]:
    return {
        "cache": plan.cache,
        "steps": [
            {"name": step.name, "fate": str(step.fate), "because": list(step.because)}
            for step in plan.steps
        ],
        "slides": None if plan.slides is None else asdict(plan.slides),
        "teachers": [
            asdict(one) | {"hours_here": one.hours_here, "gpu_hours": one.gpu_hours}
            for one in plan.teachers
        ],
        "pods": plan.pods(),
    }
