"""The ZenML stack of a cluster: described in a file, registered as often as one likes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from pydantic import Field, ValidationError
from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.exceptions import ZenMLBaseException

from shazam.config.cluster import DnsName
from shazam.config.load import YAML_FAULTS
from shazam.config.section import Section
from shazam.errors import ConfigError, ShazamError
from shazam.integrations.kubeflow.flavor import KUBEFLOW
from shazam.integrations.kubeflow.registration import (
    Kubeflow,
    kubeflow_configuration,
    register_flavor,
)
from shazam.integrations.kubernetes.check_servers import no_connection
from shazam.integrations.zenml_store import store_is_remote, store_url

STACK_FILE = "stack.yaml"
_LOCAL, _S3 = "local", "s3"
_LOOK = "look at ZENML_STORE_URL and ZENML_STORE_API_KEY"
_SCHEMES = {"s3://": _S3, "/": _LOCAL}


class Orchestrator(StrEnum):
    """What starts the pods of steps."""

    KUBERNETES = "kubernetes"
    KUBEFLOW = "kubeflow"


class StackDescription(Section):
    """What the stack of an overlay is made of.

    ``context`` names one of the kubeconfig; in a pod of the cluster none is needed, but for
    Kubeflow. ``kubeflow`` says where that is, if it is the ``orchestrator``.
    ``artifact_store`` is an S3 uri, or a folder of the workspace that every pod has: it holds
    references only, no slide, feature or model. ``registry`` is where images are pulled from.
    """

    name: DnsName
    orchestrator: Orchestrator = Orchestrator.KUBERNETES
    kubeflow: Kubeflow = Kubeflow()
    namespace: DnsName = "shazam"
    context: str | None = None
    registry: str = Field(min_length=1)
    artifact_store: str
    s3_endpoint: str | None = None


class Change(StrEnum):
    """What registering did with one part."""

    MADE = "made"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Part:
    """A component of a stack, or the stack itself, and what was done with it."""

    kind: str
    name: str
    change: Change


def read_stack(path: Path) -> StackDescription:
    """Return the description in a file.

    Raises:
        ConfigError: there is none, or it is none.
    """
    try:
        return StackDescription.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except ValidationError as error:
        raise ConfigError(f"{path}: describes no stack: {error}") from error
    except YAML_FAULTS as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error


def register_stack(asked: StackDescription) -> tuple[Part, ...]:
    """Register or change a stack and its components, and make it the active one of this workspace.

    Raises:
        ConfigError: the artifact store is neither an S3 uri nor an absolute path, Kubeflow is
            nowhere or kfp not installed, or a component of that name and another flavor is there.
        ShazamError: ZenML's server cannot be reached, or refuses the key.
    """
    if store_is_remote() and (why := no_connection(store_url())):
        raise ShazamError(f"ZenML's server: {store_url()}: {why}; {_LOOK}")
    try:
        return _register(Client(), asked)
    except (ZenMLBaseException, RuntimeError) as error:
        raise ShazamError(f"ZenML's server: {error}; {_LOOK}") from error


def _register(client: Client, asked: StackDescription) -> tuple[Part, ...]:
    components = _components(asked)
    parts, ids = [], {}
    if asked.orchestrator is Orchestrator.KUBEFLOW:
        made = register_flavor(client)
        parts.append(Part("flavor", KUBEFLOW, Change.MADE if made else Change.UNCHANGED))
    for kind, (flavor, configuration) in components.items():
        part, ids[kind] = _component(client, asked.name, kind, flavor, configuration)
        parts.append(part)
    parts.append(_stack(client, asked.name, ids))
    client.activate_stack(asked.name)
    return tuple(parts)


def _components(
    asked: StackDescription,
) -> Mapping[StackComponentType, tuple[str, dict[str, Any]]]:
    return {
        StackComponentType.ORCHESTRATOR: _orchestrator(asked),
        StackComponentType.ARTIFACT_STORE: _artifact_store(asked),
        StackComponentType.CONTAINER_REGISTRY: ("default", {"uri": asked.registry}),
        StackComponentType.IMAGE_BUILDER: (_LOCAL, {}),  # asked for by ZenML; images are prebuilt
    }


def _orchestrator(asked: StackDescription) -> tuple[str, dict[str, Any]]:
    match asked.orchestrator:
        case Orchestrator.KUBERNETES:
            return asked.orchestrator.value, _kubernetes(asked)
        case Orchestrator.KUBEFLOW:
            return KUBEFLOW, kubeflow_configuration(asked.kubeflow, context=asked.context)


def _kubernetes(asked: StackDescription) -> dict[str, Any]:
    configuration: dict[str, Any] = {
        "kubernetes_namespace": asked.namespace,
        "incluster": True,  # where there is no cluster around, the context is used
        "pass_zenml_token_as_secret": True,  # else everyone who sees a pod sees the token
        "skip_local_validations": True,  # a local artifact store is the volume of all pods
    }
    if asked.context is not None:
        configuration["kubernetes_context"] = asked.context
    return configuration


def _artifact_store(asked: StackDescription) -> tuple[str, dict[str, Any]]:
    for scheme, flavor in _SCHEMES.items():
        if asked.artifact_store.startswith(scheme):
            configuration: dict[str, Any] = {"path": asked.artifact_store}
            if flavor == _S3 and asked.s3_endpoint is not None:
                configuration["client_kwargs"] = {"endpoint_url": asked.s3_endpoint}
            return flavor, configuration
    raise ConfigError(
        f"artifact_store: {asked.artifact_store}: give s3://bucket/folder, or the absolute path of "
        "a folder of the workspace as pods see it"
    )


def _component(
    client: Client,
    name: str,
    kind: StackComponentType,
    flavor: str,
    configuration: dict[str, Any],
) -> tuple[Part, UUID]:
    try:
        found = client.get_stack_component(kind, name, allow_name_prefix_match=False)
    except KeyError:
        made = client.create_stack_component(
            name=name, flavor=flavor, component_type=kind, configuration=configuration
        )
        return Part(kind.value, name, Change.MADE), made.id
    if found.flavor_name != flavor:
        raise ConfigError(
            f"a {kind.value} '{name}' of the flavor {found.flavor_name} is registered, and "
            f"{flavor} is asked for; delete it, or give the stack another name"
        )
    if all(found.configuration.get(key) == value for key, value in configuration.items()):
        return Part(kind.value, name, Change.UNCHANGED), found.id
    client.update_stack_component(found.id, kind, configuration=configuration)
    return Part(kind.value, name, Change.CHANGED), found.id


def _stack(client: Client, name: str, ids: Mapping[StackComponentType, UUID]) -> Part:
    try:
        found = client.get_stack(name, allow_name_prefix_match=False)
    except KeyError:
        client.create_stack(name, components=dict(ids))
        return Part("stack", name, Change.MADE)
    now = {kind: [one.id for one in parts] for kind, parts in found.components.items()}
    if all(now.get(kind) == [own] for kind, own in ids.items()):
        return Part("stack", name, Change.UNCHANGED)
    client.update_stack(found.id, component_updates=dict(ids))
    return Part("stack", name, Change.CHANGED)
