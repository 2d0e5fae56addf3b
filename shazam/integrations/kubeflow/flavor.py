"""The flavor of ZenML's Kubeflow orchestrator that hands a step's pod on to Kubeflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field
from zenml.integrations.kubeflow.flavors.kubeflow_orchestrator_flavor import (
    KubeflowOrchestratorConfig,
    KubeflowOrchestratorFlavor,
    KubeflowOrchestratorSettings,
)
from zenml.integrations.kubernetes.pod_settings import KubernetesPodSettings

if TYPE_CHECKING:
    from shazam.integrations.kubeflow.orchestrator import KubeflowOrchestrator

KUBEFLOW = "shazam_kubeflow"


class TaskSettings(KubeflowOrchestratorSettings):
    """What a step asks of Kubeflow; ZenML's own ``pod_settings`` keep node selectors only.

    ``by_secret`` are the variables that the pod takes from Secrets.
    """

    pod: KubernetesPodSettings | None = None
    retries: int = Field(default=0, ge=0)
    deadline_s: int | None = Field(default=None, ge=1)
    by_secret: tuple[str, ...] = ()


class TaskConfig(KubeflowOrchestratorConfig):
    """Where Kubeflow is; a failed step is tried again by Kubeflow, in a new pod."""

    @property
    def handles_step_retries(self) -> bool:
        """Tell ZenML not to try steps again inside of their pod, whatever their exit code."""
        return True


class KubeflowFlavor(KubeflowOrchestratorFlavor):
    """Registered with ZenML by `shazam stack register`."""

    @property
    def name(self) -> str:
        """Return the name by which stacks ask for it."""
        return KUBEFLOW

    @property
    def config_class(self) -> type[TaskConfig]:
        """Return the class of its configuration."""
        return TaskConfig

    @property
    def implementation_class(self) -> type[KubeflowOrchestrator]:
        """Return the orchestrator, which needs kfp."""
        from shazam.integrations.kubeflow.orchestrator import KubeflowOrchestrator

        return KubeflowOrchestrator
