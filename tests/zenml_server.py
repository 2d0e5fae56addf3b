"""A ZenML server on 127.0.0.1, and the key of an account that may use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from tests.mlflow_server import free_port

_PASSWORD = "only-for-tests"
_LONGEST_START_S = 120


@dataclass(frozen=True, slots=True)
class ZenmlServer:
    """Where it listens, and an API key."""

    url: str
    api_key: str

    def environment(self) -> dict[str, str]:
        """Return what a client needs."""
        return {"ZENML_STORE_URL": self.url, "ZENML_STORE_API_KEY": self.api_key}


@contextmanager
def zenml_server(folder: Path) -> Iterator[ZenmlServer]:
    """Start a server whose database lies in a folder; it ends with the context."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("ZENML_")},
        "ZENML_SERVER": "true",
        "ZENML_SERVER_AUTO_ACTIVATE": "true",
        "ZENML_SERVER_DEPLOYMENT_TYPE": "other",
        "ZENML_DEFAULT_USER_PASSWORD": _PASSWORD,
        "ZENML_CONFIG_PATH": str(folder),
        "ZENML_ANALYTICS_OPT_IN": "false",
    }
    app = "zenml.zen_server.zen_server_api:app"
    command = [sys.executable, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port)]
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
        try:
            _wait(url, server, log=log)
            yield ZenmlServer(url, _api_key(url))
        finally:
            server.terminate()
            server.wait(timeout=30)


def _wait(url: str, server: subprocess.Popen[bytes], *, log: Path) -> None:
    deadline = time.monotonic() + _LONGEST_START_S
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            with urlopen(f"{url}/health", timeout=5):  # noqa: S310
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise TimeoutError(log.read_text())


def _api_key(url: str) -> str:
    login = urlencode({"username": "default", "password": _PASSWORD}).encode()
    token = _post(f"{url}/api/v1/login", login, {})["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    account = {"name": "shazam", "description": "", "active": True}
    made = _post(f"{url}/api/v1/service_accounts", json.dumps(account).encode(), headers)
    key = {"name": "runs", "description": ""}
    path = f"{url}/api/v1/service_accounts/{made['id']}/api_keys"
    return str(_post(path, json.dumps(key).encode(), headers)["body"]["key"])


def _post(url: str, body: bytes, headers: dict[str, str]) -> dict[str, str]:
    with urlopen(Request(url, body, headers), timeout=30) as answer:  # noqa: S310
        return dict(json.loads(answer.read()))
