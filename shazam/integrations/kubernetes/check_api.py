"""Questions to the API server of a cluster: answered, refused, or not answered within seconds."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kubernetes import client
from kubernetes import config as kubeconfig
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from shazam.errors import ShazamError
from shazam.integrations.kubernetes.check_rows import TooSlowError, within

Object = Mapping[str, Any]
CONNECT_S, READ_S, LOGIN_S = 3.0, 5.0, 15.0
_JSON = "application/json"
# asks for name and labels alone, so that the values of a Secret do not even travel
METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_SILENT = (ConnectTimeoutError, NewConnectionError, ReadTimeoutError)


class NoClusterError(ShazamError):
    """There is neither a cluster around nor a context that names one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said; ``status`` is that of HTTP, 0 when it said nothing."""

    status: int
    value: Object
    why: str = ""

    @property
    def is_found(self) -> bool:
        """Tell whether the object is there."""
        return self.status in range(200, 300)

    @property
    def is_absent(self) -> bool:
        """Tell whether the server says that there is no such object."""
        return self.status == 404

    @property
    def items(self) -> list[Object]:
        """Objects of a list."""
        return list(self.value.get("items") or [])


@dataclass(slots=True)
class Cluster:
    """The API server, and the namespace that is looked at.

    Once it has not answered in time it is not asked again, so that a check ends within seconds.
    """

    api: client.ApiClient
    namespace: str
    _silent: str = field(default="", init=False)

    def get(self, path: str, *, accept: str = _JSON) -> Answer:
        """Return the object at an absolute path, or the objects of a list."""
        return self._ask("GET", path, accept=accept)

    def named(self, resource: str, name: str, *, accept: str = _JSON) -> Answer:
        """Return an object of the namespace, of the core API."""
        return self.get(f"/api/v1/namespaces/{self.namespace}/{resource}/{name}", accept=accept)

    def every(self, resource: str) -> Answer:
        """Return all objects of a kind in the namespace, of the core API."""
        return self.get(f"/api/v1/namespaces/{self.namespace}/{resource}")

    def post(self, path: str, body: Object) -> Answer:
        """Return the answer to a review."""
        return self._ask("POST", path, body=body)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        body: Object | None = None,
        accept: str = _JSON,
    ) -> Answer:
        if self._silent:
            return Answer(0, {}, self._silent)
        try:
            text, status, _ = self.api.call_api(
                path,
                method,
                header_params={"Accept": accept, "Content-Type": _JSON},
                body=body,
                auth_settings=["BearerToken"],
                response_type="str",
                _preload_content=False,
                _request_timeout=(CONNECT_S, READ_S),
            )
            return Answer(int(status), _object(text.data))
        except ApiException as error:
            return Answer(int(error.status or 0), {}, _message(error))
        except _SILENT as error:
            self._silent = f"the API server does not answer: {error}"
            return Answer(0, {}, self._silent)
        except HTTPError as error:
            return Answer(0, {}, f"the API server broke off: {error}")


def connect(context: str | None, *, namespace: str) -> Cluster:
    """Return the cluster around this process, else that of a context of the kubeconfig.

    Args:
        context: its name; None takes the current one.
        namespace: where runs go.

    Raises:
        NoClusterError: there is none, or its login takes too long.
    """
    settings = client.Configuration()
    try:
        kubeconfig.load_incluster_config(client_configuration=settings)
    except ConfigException:
        _from_file(context, settings)
    settings.retries = False
    return Cluster(client.ApiClient(settings), namespace)


def _from_file(context: str | None, settings: client.Configuration) -> None:
    def load() -> None:  # may start a program that logs in
        kubeconfig.load_kube_config(
            os.environ.get("KUBECONFIG"), context=context, client_configuration=settings
        )

    try:
        within(LOGIN_S, load)
    except (ConfigException, OSError, TooSlowError) as error:
        raise NoClusterError(str(error)) from error


def _object(text: bytes) -> Object:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _message(error: ApiException) -> str:
    told = _object(
        (error.body or "").encode() if isinstance(error.body, str) else error.body or b""
    )
    return str(told.get("message") or error.reason or f"HTTP {error.status}")
