"""An alert tells the id of a run, and nothing else of it."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from shazam.integrations import alerts
from shazam.integrations.alerts import tell_run_id


@pytest.fixture
def told(monkeypatch):
    """The bodies that were posted, by an address that is set."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    run = SimpleNamespace(pipeline_run=SimpleNamespace(id="1-2-3", name="case TCGA-05-4244"))
    monkeypatch.setattr(alerts, "get_step_context", lambda: run)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("SHAZAM_ALERT_URL", f"http://127.0.0.1:{server.server_port}/hook")
        yield bodies
        server.shutdown()


def test_the_run_id_alone_is_posted(told):
    tell_run_id(ValueError("case TCGA-05-4244: 3 problems"))
    assert [json.loads(body) for body in told] == [{"run_id": "1-2-3"}]


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
