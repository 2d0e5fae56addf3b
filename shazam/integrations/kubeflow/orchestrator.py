"""ZenML's Kubeflow orchestrator with a pod of its own for each step. Needs kfp."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from kfp import dsl, kubernetes
from kfp.compiler import Compiler
from zenml.config.step_configurations import Step
from zenml.entrypoints import StepEntrypointConfiguration
from zenml.enums import StackComponentType
from zenml.integrations.kubeflow.orchestrators import kubeflow_orchestrator as zenml_kubeflow
from zenml.models import PipelineRunResponse, PipelineSnapshotResponse
from zenml.orchestrators import SubmissionResult
from zenml.orchestrators.utils import get_orchestrator_run_name
from zenml.stack import Stack, StackValidator

from shazam.integrations.kubeflow.environment import open_variables
from shazam.integrations.kubeflow.flavor import TaskSettings
from shazam.integrations.kubeflow.tasks import RUN_LABEL, bounded, in_pod, set_variables


class KubeflowOrchestrator(zenml_kubeflow.KubeflowOrchestrator):
    """Compiles each step to a task with mounts, GPUs, tolerations and secrets of its own.

    ZenML's own keeps none of them, shares one node selector between all steps and writes the token
    of its server into the pipeline.
    """

    @property
    def settings_class(self) -> type[TaskSettings]:
        """Return the class of a step's settings."""
        return TaskSettings

    @property
    def validator(self) -> StackValidator:
        """Return what a stack must have; unlike ZenML's, a local artifact store may be one of it.

        It is a folder of the workspace, whose claim is mounted in every pod.
        """
        return StackValidator(
            required_components={
                StackComponentType.CONTAINER_REGISTRY,
                StackComponentType.IMAGE_BUILDER,
            },
            custom_validation_function=self._reachable,
        )

    def submit_pipeline(
        self,
        snapshot: PipelineSnapshotResponse,
        stack: Stack,
        base_environment: dict[str, str],
        step_environments: dict[str, dict[str, str]],
        placeholder_run: PipelineRunResponse | None = None,
    ) -> SubmissionResult | None:
        """Compile the pipeline, hand it to Kubeflow and start it.

        Args:
            snapshot: the pipeline as it was compiled by ZenML.
            stack: the stack; not used.
            base_environment: of all steps; not used.
            step_environments: variables of each step.
            placeholder_run: the run; not used.

        Raises:
            ConfigError: a secret would stand in the pipeline, or a quantity is none of Kubeflow's.
        """
        del stack, base_environment, placeholder_run
        name = get_orchestrator_run_name(snapshot.pipeline_configuration.name).replace("_", "-")
        folder = Path(self.pipeline_directory)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.yaml"
        wired = dsl.pipeline(
            lambda: self._wire(snapshot, step_environments), name=name, display_name=name
        )
        Compiler().compile(wired, package_path=str(path))
        return self._upload_and_run_pipeline(
            snapshot=snapshot, pipeline_file_path=str(path), run_name=name
        )

    def _wire(
        self, snapshot: PipelineSnapshotResponse, environments: dict[str, dict[str, str]]
    ) -> None:
        steps = snapshot.step_configurations
        tasks = {
            name: self._task(snapshot, name, step, environments[name])
            for name, step in steps.items()
        }
        for name, step in steps.items():
            tasks[name].after(*(tasks[before] for before in step.spec.upstream_steps))

    def _task(
        self,
        snapshot: PipelineSnapshotResponse,
        name: str,
        step: Step,
        environment: dict[str, str],
    ) -> dsl.PipelineTask:
        settings = cast("TaskSettings", self.get_settings(step))
        component = self._create_dynamic_component(
            self.get_image(snapshot=snapshot, step_name=name),
            StepEntrypointConfiguration.get_entrypoint_command(),
            StepEntrypointConfiguration.get_entrypoint_arguments(
                step_name=name, snapshot_id=snapshot.id
            ),
            name,
        )
        task = component().set_display_name(name).set_caching_options(enable_caching=False)
        set_variables(task, open_variables(environment, by_secret=settings.by_secret))
        kubernetes.use_field_path_as_env(task, zenml_kubeflow.ENV_KFP_RUN_ID, RUN_LABEL)
        if settings.pod is not None:
            in_pod(task, settings.pod)
        bounded(task, retries=settings.retries, deadline_s=settings.deadline_s)
        return task

    def _reachable(self, _stack: Stack) -> tuple[bool, str]:
        config = self.config
        if self.connector or config.kubernetes_context or config.kubeflow_hostname:
            return True, ""
        return False, (
            f"the orchestrator '{self.name}' knows no Kubeflow: register the stack with "
            "kubeflow.host, or with the context of a cluster"
        )
