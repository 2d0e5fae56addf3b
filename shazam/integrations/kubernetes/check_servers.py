"""The servers of a run: ZenML, with its key and the stack, and MLflow."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import zenml
from httpx2 import Client as Http
from httpx2 import HTTPError, InvalidURL, Response
from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.exceptions import AuthorizationException, ZenMLBaseException
from zenml.models import StackResponse

from shazam.config.cluster import ClusterConfig
from shazam.integrations.kubernetes.check_rows import Row, State, TooSlowError, within
from shazam.integrations.placement import refuse_kubeflow
from shazam.integrations.zenml_store import store_url

TIMEOUT_S, ZENML_S = 5.0, 30.0
_PORTS = {"http": 80, "https": 443}
MLFLOW = "MLFLOW_TRACKING_URI"
_ZENML, _MLFLOW = "ZenML server", "MLflow server"
_KEY = (
    "export ZENML_STORE_URL=https://..., and ZENML_STORE_API_KEY of a service account of the server"
)
_FORWARD = "start it, change the address, or: kubectl -n NAMESPACE port-forward svc/NAME PORT"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the stack sends runs; what ``shazam stack register`` gives by default, if unknown."""

    namespace: str = "shazam"
    context: str | None = None
    hides_token: bool = True


def zenml_rows(config: ClusterConfig) -> tuple[tuple[Row, ...], Place]:
    """Return whether server and stack are there, and where the stack sends runs.

    Raises:
        ConfigError: Kubeflow starts the steps of the stack.
    """
    server = _server()
    stack = f"stack {config.stack}"
    if server.state is not State.OK:
        told = "the ZenML server must answer first; namespace and context are the defaults"
        return (server, Row(stack, State.UNASKED, told, _KEY)), Place()
    try:
        found = within(ZENML_S, lambda: _stack(config.stack))
    except KeyError:
        fix = "shazam stack register --overlay NAME, or set cluster.stack to one that exists"
        return (server, Row(stack, State.MISSING, "it is not registered", fix)), Place()
    except AuthorizationException as error:
        refused = Row(_ZENML, State.MISSING, f"it does not accept the key: {error}", _KEY)
        return (refused, Row(stack, State.UNASKED, "the key is not accepted", _KEY)), Place()
    except (TooSlowError, ZenMLBaseException, RuntimeError, ValueError, OSError) as error:
        return (server, Row(stack, State.UNASKED, str(error), _KEY)), Place()
    refuse_kubeflow(found, command="shazam stack check")
    row, place = _placed(stack, found)
    return (replace(server, found=f"{server.found}; it accepts the key"), row), place


def _server() -> Row:
    url = store_url()
    if not url.startswith(("http://", "https://")):
        told = "none is set: a store in the workspace is not reached by pods"
        return Row(_ZENML, State.MISSING, told, _KEY)
    try:
        answer = _get(f"{url.rstrip('/')}/api/v1/info")
        found: Mapping[str, object] = answer.json() if answer.is_success else {}
    except (HTTPError, InvalidURL, ValueError) as error:
        return Row(_ZENML, State.MISSING, f"{url}: {error or 'no answer'}", _FORWARD)
    version = str(found.get("version", "")) if isinstance(found, dict) else ""
    if not version:
        told = f"{url} answers {answer.status_code}, which is no ZenML server's"
        return Row(_ZENML, State.MISSING, told, _KEY)
    if version.split(".")[:2] != zenml.__version__.split(".")[:2]:
        told = f"{url} is {version}, the client {zenml.__version__}"
        return Row(_ZENML, State.MISSING, told, f"run a server of {zenml.__version__}")
    return Row(_ZENML, State.OK, f"{url}, {version}")


def _stack(name: str) -> StackResponse:
    return Client().get_stack(name, allow_name_prefix_match=False)


def _placed(what: str, stack: StackResponse) -> tuple[Row, Place]:
    orchestrator = stack.components[StackComponentType.ORCHESTRATOR][0]
    if orchestrator.flavor_name != "kubernetes":
        told = f"its orchestrator is '{orchestrator.flavor_name}', which is none of a cluster"
        fix = "shazam stack register --overlay NAME, and set cluster.stack to it"
        return Row(what, State.MISSING, told, fix), Place()
    given = orchestrator.configuration
    place = Place(
        namespace=str(given.get("kubernetes_namespace") or "zenml"),
        context=given.get("kubernetes_context"),
        hides_token=bool(given.get("pass_zenml_token_as_secret")),
    )
    return Row(what, State.OK, f"namespace {place.namespace}"), place


def mlflow_row(config: ClusterConfig, *, settings: Mapping[str, str]) -> Row:
    """Return whether the MLflow server answers from here.

    Args:
        config: the section of the config.
        settings: what the ConfigMap of settings holds; empty when it could not be read.
    """
    asked = [os.environ.get(MLFLOW, ""), config.env.get(MLFLOW, ""), settings.get(MLFLOW, "")]
    url = next((one for one in asked if one.startswith(("http://", "https://"))), "")
    if not url and config.settings is not None and not settings:
        told = f"the ConfigMap {config.settings} names it, and could not be read"
        return Row(_MLFLOW, State.UNASKED, told, f"export {MLFLOW}=https://...")
    if not url:
        fix = f"set it in the overlay's settings.yaml, or cluster.env.{MLFLOW}"
        return Row(_MLFLOW, State.MISSING, "none is set: a store of a pod ends with it", fix)
    try:
        answer = _get(f"{url.rstrip('/')}/health")
    except (HTTPError, InvalidURL) as error:
        if _is_unknown(url):
            told = f"{urlsplit(url).hostname} is no name here; pods may know it"
            return Row(_MLFLOW, State.UNASKED, told, _FORWARD)
        return Row(_MLFLOW, State.MISSING, f"{url}: {error or 'no answer'}", _FORWARD)
    if answer.status_code >= 500 or answer.status_code == 404:
        return Row(_MLFLOW, State.MISSING, f"{url} answers {answer.status_code}", _FORWARD)
    return Row(_MLFLOW, State.OK, url)


def no_connection(url: str) -> str:
    """Return why nothing listens at an address, or nothing; a way through a proxy is not tried."""
    parts = urlsplit(url)
    host, scheme = parts.hostname or "", parts.scheme
    if scheme not in _PORTS or (getproxies().get(scheme) and not proxy_bypass(host)):
        return ""
    try:
        socket.create_connection((host, parts.port or _PORTS[scheme]), TIMEOUT_S).close()
    except OSError as error:
        return str(error) or "no answer"
    return ""


def _get(url: str) -> Response:
    with Http(timeout=TIMEOUT_S, follow_redirects=True) as asking:
        return asking.get(url)


def _is_unknown(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        within(TIMEOUT_S, lambda: socket.getaddrinfo(host, None))
    except (OSError, TooSlowError):
        return True
    return False
