"""A real MLflow server with basic authentication, and a proxy before it that fails as it is told.

Both listen on 127.0.0.1 and end with the test that started them.
"""

from __future__ import annotations

import http.client
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from werkzeug.security import generate_password_hash

ADMIN, PASSWORD = "admin", "a-long-test-password"
_HOP = frozenset({"connection", "transfer-encoding", "content-length", "host"})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mlflow_server(folder: Path, *, seconds: float = 90) -> Iterator[int]:
    """Start `mlflow server` and yield its port."""
    port = free_port()
    (folder / "auth.ini").write_text(
        "[mlflow]\ndefault_permission = READ\n"
        f"database_uri = sqlite:///{folder / 'auth.db'}\n"
        f"admin_username = {ADMIN}\nadmin_password = {PASSWORD}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    environment = {
        **os.environ,
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "a-secret-of-this-test",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    arguments = [
        *(sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder / 'server.db'}"),
        *("--artifacts-destination", str(folder / "artifacts")),
    ]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(arguments, env=environment, stdout=log, stderr=log)
        try:
            _wait(port, server, deadline=time.monotonic() + seconds, log=folder / "server.log")
            _hash_quickly(folder / "auth.db")
            yield port
        finally:
            server.terminate()
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _hash_quickly(database: Path) -> None:
    """Keep the password in a form that is quick to check: each request checks it, three times."""
    quick = generate_password_hash(PASSWORD, method="pbkdf2:sha256:1")
    with closing(sqlite3.connect(database)) as connection, connection:
        changed = connection.execute("UPDATE users SET password_hash = ?", (quick,))
        assert changed.rowcount == 1, "the server keeps its users elsewhere"


def _wait(port: int, server: subprocess.Popen[bytes], *, deadline: float, log: Path) -> None:
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended: {log.read_text()[-2000:]}")
        try:
            urlopen(f"http://127.0.0.1:{port}/health", timeout=2)
            return
        except (URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"the server did not start: {log.read_text()[-2000:]}")


@dataclass
class Fault:
    """One failure of the requests whose path ends so; ``times`` are left. ``method``: if not any.

    ``kind``: ``500`` before the server is asked, ``lost`` after it did what was asked, ``401``,
    or ``slow``: the server is asked, and the reply is kept back.
    """

    kind: str
    path: str
    times: int = 1
    seen: int = 0
    method: str = ""


@dataclass
class Proxy:
    """Forwards to a port but for the faults; counts what reached the server."""

    target: int
    faults: list[Fault] = field(default_factory=list)
    forwarded: list[str] = field(default_factory=list)
    slow_seconds: float = 2.5

    def fault_of(self, path: str, *, method: str) -> Fault | None:
        for fault in self.faults:
            if (
                fault.method in ("", method)
                and fault.times > 0
                and path.split("?", maxsplit=1)[0].endswith(fault.path)
            ):
                fault.times -= 1
                fault.seen += 1
                return fault
        return None


@contextmanager
def faulty(target: int) -> Iterator[tuple[str, Proxy]]:
    """Yield the address of a proxy before a server, and what it is told."""
    proxy = Proxy(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            fault = proxy.fault_of(self.path, method=self.command)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if fault is not None and fault.kind in ("500", "401"):
                return self._reply(int(fault.kind), {}, b"told to fail")
            status, headers, content = self._forward(body)
            if fault is not None and fault.kind == "slow":
                time.sleep(proxy.slow_seconds)
            if fault is not None and fault.kind == "lost":
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return None
            return self._reply(status, headers, content)

        def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            proxy.forwarded.append(f"{self.command} {self.path.split('?')[0]}")
            upstream = http.client.HTTPConnection("127.0.0.1", proxy.target, timeout=60)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP}
            upstream.request(self.command, self.path, body=body, headers=headers)
            reply = upstream.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()

        def _reply(self, status: int, headers: dict[str, str], content: bytes) -> None:
            try:
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in _HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the client has given up on a slow reply

        do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _any

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", proxy
    finally:
        server.shutdown()
        server.server_close()
