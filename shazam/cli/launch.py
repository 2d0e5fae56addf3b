"""Run the training pipeline on the active ZenML stack and read its refs back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from zenml.enums import ExecutionStatus
from zenml.models import PipelineRunResponse
from zenml.orchestrators.exceptions import PipelineSubmissionError
from zenml.pipelines.pipeline_definition import Pipeline

from pipelines.locked import measuring
from pipelines.promotion import promotion
from pipelines.training import training
from shazam.config import Config
from shazam.config.cluster import ClusterConfig
from shazam.config.measure import MeasureRequest
from shazam.errors import ShazamError
from shazam.integrations.environment import quieten
from shazam.integrations.placement import finished, run_placed
from shazam.integrations.zenml import failure_of, last_run
from shazam.promotion.policy.document import Target
from shazam.refs import EvaluationRef, FeatureSetRef, LedgerRef, MeasuredRef, Ref, RegistrationRef

AnyRef = TypeVar("AnyRef", bound=Ref)


@dataclass(frozen=True, slots=True)
class RunResults:
    """Refs of a finished run, and how many of its steps were taken from the cache."""

    feature_set: FeatureSetRef
    evaluation: EvaluationRef
    registration: RegistrationRef
    n_steps: int
    n_cached: int


@dataclass(frozen=True, slots=True)
class Unregistered:
    """The evaluation of a run that registered nothing, and its steps as of :class:`RunResults`."""

    evaluation: EvaluationRef
    n_steps: int
    n_cached: int


def launch(
    config: Config, *, source_digest: str, identities: Mapping[str, str], use_cache: bool
) -> RunResults:
    """Run the pipeline and return its refs.

    Args:
        config: the resolved config.
        source_digest: tells whether the table or the slides changed.
        identities: digest of each teacher's identity, by name.
        use_cache: whether steps may be taken from earlier runs.

    Raises:
        ShazamError: a step failed; carries that step's message and exit code.
    """
    pipeline = training.with_options(enable_cache=use_cache)
    run = _run(pipeline, config, source_digest, dict(identities), cluster=config.cluster)
    return RunResults(
        feature_set=_output(run, "validate_features", "feature_set", FeatureSetRef),
        evaluation=_output(run, "evaluate", "evaluation", EvaluationRef),
        registration=_output(run, "register", "registration", RegistrationRef),
        n_steps=len(run.steps),
        n_cached=_n_cached(run),
    )


def launch_unregistered(
    config: Config, *, source_digest: str, identities: Mapping[str, str], use_cache: bool
) -> Unregistered:
    """Run the pipeline up to the evaluation; arguments and errors as of :func:`launch`."""
    pipeline = training.with_options(enable_cache=use_cache)
    run = _run(pipeline, config, source_digest, dict(identities), False, cluster=config.cluster)
    return Unregistered(
        evaluation=_output(run, "evaluate", "evaluation", EvaluationRef),
        n_steps=len(run.steps),
        n_cached=_n_cached(run),
    )


def launch_measuring(
    config: Config,
    *,
    source_digest: str,
    identities: Mapping[str, str],
    request: MeasureRequest,
) -> tuple[FeatureSetRef, MeasuredRef]:
    """Measure a release on the locked cohort of a config; arguments as of :func:`launch`.

    Raises:
        ShazamError: a step failed; carries that step's message and exit code.
    """
    arguments = (config, source_digest, dict(identities), request)
    run = _run(measuring, *arguments, cluster=config.cluster)
    return (
        _output(run, "validate_features", "feature_set", FeatureSetRef),
        _output(run, "measure_locked", "measured", MeasuredRef),
    )


def launch_promotion(registered: RegistrationRef, *, target: Target) -> tuple[LedgerRef, ...]:
    """Propose a registered version and record its gates; return the entries of the ledger.

    Raises:
        ShazamError: a step failed; carries that step's message and exit code.
    """
    run = _run(promotion, registered, target.value, cluster=None)
    made = [_output(run, "propose", "proposal", LedgerRef)]
    made.append(_output(run, "record_gates", "gates", LedgerRef))
    if "promote_challenger" in run.steps:
        made.append(_output(run, "promote_challenger", "promotion", LedgerRef))
    return tuple(made)


def _run(
    pipeline: Pipeline, *arguments: object, cluster: ClusterConfig | None
) -> PipelineRunResponse:
    quieten()
    before = last_run(pipeline.name)
    try:
        run = run_placed(pipeline, cluster, *arguments)
    except (RuntimeError, PipelineSubmissionError) as error:
        raise _why(pipeline.name, error, before=before) from error
    if run is None:
        raise ShazamError("the orchestrator returned no run; look at the ZenML dashboard")
    return finished(run)


def _why(
    pipeline_name: str, error: Exception, *, before: PipelineRunResponse | None
) -> ShazamError:
    """Return what went wrong in the run; one that was not even submitted has no failed step."""
    made = last_run(pipeline_name)
    began = made is not None and (before is None or before.id != made.id)
    failure = failure_of(made) if made is not None and began else None
    return failure or ShazamError(f"{pipeline_name}: {error}")


def _n_cached(run: PipelineRunResponse) -> int:
    return sum(step.status is ExecutionStatus.CACHED for step in run.steps.values())


def _output(run: PipelineRunResponse, step: str, name: str, kind: type[AnyRef]) -> AnyRef:
    value = run.steps[step].outputs[name][0].load()
    return kind.model_validate(value.model_dump())
