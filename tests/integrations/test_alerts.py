"""An alert tells the id of a run, and nothing else of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from shazam.integrations import alerts
from shazam.integrations.alerts import tell_run_id, tell_wrong_configuration
from shazam.integrations.zenml import WrongConfiguration
from shazam.stages import SOURCE_ROOT


@contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """Yield an address and the bodies that are posted there."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook", bodies
        server.shutdown()


@pytest.fixture
def told(monkeypatch):
    """The bodies that were posted, by an address that is set."""
    run = SimpleNamespace(pipeline_run=SimpleNamespace(id="1-2-3", name="case TCGA-05-4244"))
    monkeypatch.setattr(alerts, "get_step_context", lambda: run)
    with listening() as (url, bodies):
        monkeypatch.setenv("SHAZAM_ALERT_URL", url)
        yield bodies


@pytest.mark.parametrize(
    "error",
    [ValueError("case TCGA-05-4244: 3 problems"), WrongConfiguration("case TCGA-05-4244")],
)
def test_the_run_id_alone_is_posted_once_by_one_of_the_hooks(told, error):
    tell_wrong_configuration(error)
    tell_run_id(error)
    assert [json.loads(body) for body in told] == [{"run_id": "1-2-3"}]


def test_a_try_that_ends_well_or_is_tried_again_is_not_told(told):
    tell_wrong_configuration(None)
    tell_wrong_configuration(ValueError("case TCGA-05-4244"))
    assert told == []


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "ftp://example.org"])
def test_without_an_address_nobody_is_told(told, monkeypatch, url):
    monkeypatch.setenv("SHAZAM_ALERT_URL", url)
    tell_run_id(ValueError("x"))
    assert told == []


def test_an_alert_that_cannot_be_sent_is_said(told, monkeypatch, capsys):
    monkeypatch.setenv("SHAZAM_ALERT_URL", "http://127.0.0.1:9/hook")
    tell_run_id(ValueError("case TCGA-05-4244"))
    err = capsys.readouterr().err
    assert "the alert was not sent" in err
    assert "TCGA" not in err


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["configuration", "other"])
def test_zenml_tells_the_id_of_a_run_whose_step_failed_and_nothing_else(tmp_path, kind):
    left_out = ("ZENML_", "MLFLOW_", "SHAZAM")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
    with listening() as (url, bodies):
        done = subprocess.run(
            [sys.executable, "-m", "tests.integrations.failing", str(tmp_path / "ws"), kind],
            env={
                **kept,
                "SHAZAM_ALERT_URL": url,
                "ZENML_CONFIG_PATH": str(tmp_path / "zenml"),
                "PYTHONPATH": str(SOURCE_ROOT),
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    status, run_id = done.stdout.splitlines()[-1].split()
    assert status == "failed"
    assert [json.loads(body) for body in bodies] == [{"run_id": run_id}]
    assert bodies == [json.dumps({"run_id": run_id}).encode()]
