"""Servers on 127.0.0.1 that answer what a test says: the API of Kubernetes, a registry, MLflow."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from kubernetes import client

from shazam.integrations.kubernetes.check_api import Cluster

CORE = "/api/v1/namespaces/shazam"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/shazam"
FORBIDDEN, BROKEN_OFF = 403, 0
Body = Mapping[str, Any]


@dataclass
class Fake:
    """Answers by path: an object, or a status; a path that is not named is absent.

    Reviews of access are answered by ``allowed``, verbs and resources, for everyone; with None
    they are refused.
    """

    objects: dict[str, Body | int] = field(default_factory=dict)
    allowed: set[str] | None = None
    own_reviews: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    port: int = 0

    def hide(self, *paths: str) -> None:
        for path in paths:
            self.objects[path] = FORBIDDEN

    def answer(self, path: str, body: Body | None) -> tuple[int, Body]:
        if body is not None and body.get("kind", "").endswith("AccessReview"):
            return self._reviewed(body)
        found = self.objects.get(path, 404)
        if isinstance(found, int):
            return found, {"kind": "Status", "message": f"HTTP {found} on {path}"}
        return 200, found

    def _reviewed(self, body: Body) -> tuple[int, Body]:
        asked = body["spec"]["resourceAttributes"]
        own = body["kind"].startswith("Self")
        if self.allowed is None or (own and not self.own_reviews):
            return FORBIDDEN, {"kind": "Status", "message": "may not review"}
        part = f"/{asked['subresource']}" if "subresource" in asked else ""
        is_allowed = f"{asked['verb']} {asked['resource']}{part}" in self.allowed
        return 201, {"status": {"allowed": is_allowed}}


@contextmanager
def serving(fake: Fake) -> Iterator[Fake]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Say nothing."""

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            path = urlsplit(self.path).path
            headers = {name.lower(): told for name, told in self.headers.items()}
            fake.asked.append((self.command, path, headers))
            status, value = fake.answer(path, body)
            if status == BROKEN_OFF:
                self.close_connection = True
                return
            text = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            for name, told in fake.headers.items():
                self.send_header(name, told)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text)

        do_GET = do_POST = do_HEAD = _answer

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def cluster_of(fake: Fake) -> Iterator[Cluster]:
    """Serve a fake and yield a client of it, whose connections are closed at the end."""
    with serving(fake):
        settings = client.Configuration(host=f"http://127.0.0.1:{fake.port}")
        settings.retries = False
        with client.ApiClient(settings) as api:
            yield Cluster(api, "shazam")
            api.rest_client.pool_manager.clear()
