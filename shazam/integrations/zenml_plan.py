"""Which steps of a run would be taken from the cache, asked as ZenML asks when it runs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from zenml.client import Client
from zenml.config.step_configurations import Step
from zenml.enums import StepRunInputArtifactType
from zenml.models import StepRunResponse
from zenml.models.v2.core.step_run import StepRunInputResponse
from zenml.orchestrators.cache_utils import generate_cache_key, get_cached_step_run
from zenml.pipelines.pipeline_definition import Pipeline

from shazam.refs import Ref


class Fate(StrEnum):
    """What a run would do with a step.

    ``depends``: steps before it run, and it runs too unless they give values that it had before.
    ``unknown``: the cache is a server's, and is not asked.
    """

    HIT = "hit"
    RUN = "run"
    DEPENDS = "depends"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StepForecast:
    """What a run would do with one step.

    Args:
        name: the step's name in the run.
        fate: what becomes of it.
        because: the steps that run and whose values decide.
        outputs: the refs that it gave or, as long as the steps before it give equal values, will
            give; none when that is not known.
    """

    name: str
    fate: Fate
    because: tuple[str, ...]
    outputs: Mapping[str, Ref]


def forecast_steps(pipeline: Pipeline, *arguments: object) -> tuple[StepForecast, ...]:
    """Return what a run of a pipeline would do with each step, in their order.

    Nothing is run, and nothing is written but what compiling keeps in memory. A step that is never
    cached is followed as far as it gave a value for equal inputs before.

    Args:
        pipeline: the static pipeline.
        arguments: what it would be called with.
    """
    pipeline.prepare(*arguments)
    snapshot, _, _ = pipeline._compile()  # as a run does first
    known: dict[str, StepRunResponse] = {}
    told: dict[str, StepForecast] = {}
    for name, compiled in snapshot.step_configurations.items():
        # as it comes back from the store, where a tuple has become a list
        step = Step.model_validate_json(compiled.model_dump_json())
        told[name] = _forecast(name, step, known, told)
    return tuple(told.values())


def _forecast(
    name: str,
    step: Step,
    known: dict[str, StepRunResponse],
    told: Mapping[str, StepForecast],
) -> StepForecast:
    before = set(_steps_before(step))
    because = tuple(
        dict.fromkeys(run for other in sorted(before) for run in _deciding(told[other]))
    )
    always = step.config.enable_cache is False
    found = get_cached_step_run(_cache_key(step, known)) if before <= known.keys() else None
    if found is not None:
        known[name] = found
    elif before <= known.keys():
        return StepForecast(name, Fate.RUN, because, {})
    fate = Fate.RUN if always else Fate.DEPENDS if because else Fate.HIT
    return StepForecast(name, fate, because, {} if found is None else _refs_of(found))


def _deciding(before: StepForecast) -> tuple[str, ...]:
    match before.fate:
        case Fate.HIT:
            return ()
        case Fate.DEPENDS:
            return before.because
        case _:
            return (before.name,)


def _steps_before(step: Step) -> Iterator[str]:
    for inputs in step.spec.normalized_inputs.values():
        for one in inputs:
            yield one.step_name


def _cache_key(step: Step, known: Mapping[str, StepRunResponse]) -> str:
    inputs = {
        name: [
            StepRunInputResponse(
                input_type=StepRunInputArtifactType.STEP_OUTPUT,
                index=index,
                chunk_index=one.chunk_index,
                chunk_size=one.chunk_size,
                **known[one.step_name].regular_outputs[one.output_name].model_dump(),
            )
            for index, one in enumerate(sources)
        ]
        for name, sources in step.spec.normalized_inputs.items()
    }
    client = Client()
    return generate_cache_key(
        step=step,
        input_artifacts=inputs,
        artifact_store=client.active_stack.artifact_store,
        project_id=client.active_project.id,
    )


def _refs_of(run: StepRunResponse) -> dict[str, Ref]:
    values = {name: outputs[0].load() for name, outputs in run.outputs.items()}
    return {name: value for name, value in values.items() if isinstance(value, Ref)}
