"""Where Kubeflow is, as the file of a stack says it, and our flavor as ZenML knows it."""

from __future__ import annotations

from typing import Any

from zenml.client import Client
from zenml.enums import StackComponentType

from shazam.config.cluster import DnsName
from shazam.config.section import Section
from shazam.errors import ConfigError
from shazam.integrations.kubeflow.flavor import KUBEFLOW, KubeflowFlavor


class Kubeflow(Section):
    """Where Kubeflow Pipelines is, and whose namespace there runs are in.

    Without ``host`` it is reached through the cluster of the stack's ``context``; a deployment of
    many users needs both ``host`` and ``user_namespace``.
    """

    host: str | None = None
    namespace: DnsName = "kubeflow"
    user_namespace: DnsName | None = None


def kubeflow_configuration(asked: Kubeflow, *, context: str | None) -> dict[str, Any]:
    """Return the configuration of the orchestrator.

    Args:
        asked: where Kubeflow is.
        context: one of the kubeconfig, by which it is reached where no host is given.

    Raises:
        ConfigError: there is neither.
    """
    configuration: dict[str, Any] = {"kubeflow_namespace": asked.namespace}
    if asked.user_namespace is not None:
        configuration["user_namespace"] = asked.user_namespace
    if asked.host is not None:
        return {**configuration, "kubeflow_hostname": asked.host}
    if context is not None:
        return {**configuration, "kubernetes_context": context}
    raise ConfigError(
        "kubeflow: give the host of Kubeflow Pipelines, or the stack's context by which it is "
        "reached"
    )


def register_flavor(client: Client) -> bool:
    """Make our flavor known to ZenML; return False where it was.

    Raises:
        ConfigError: kfp is not installed.
    """
    kind = StackComponentType.ORCHESTRATOR
    try:
        client.get_flavor_by_name_and_type(KUBEFLOW, kind)
    except KeyError:
        source = f"{KubeflowFlavor.__module__}.{KubeflowFlavor.__qualname__}"
        try:
            client.create_flavor(source, kind)
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"orchestrator: kubeflow needs kfp; install 'shazam[kubeflow]' ({error})"
            ) from error
        return True
    return False
