"""What a scheduled step makes of the end of `shazam retrain`."""

import subprocess
from types import SimpleNamespace

import pytest

from shazam.errors import ConfigError, GateFailedError, ShazamError
from shazam.integrations import retraining
from shazam.stages import SOURCE_ROOT
from shazam.workspace import Workspace


def retrained(monkeypatch, tmp_path, code):
    asked = []

    def run(command, **_):
        asked.append(command)
        return SimpleNamespace(returncode=code, stdout='{"retrain": false}\n')

    monkeypatch.setattr(subprocess, "run", run)
    told = retraining.retrained(
        "configs/k8s.yaml", overrides=["a.b=1"], workspace=Workspace(tmp_path)
    )
    return told, asked[0]


def test_what_the_command_tells_is_returned(monkeypatch, tmp_path):
    told, command = retrained(monkeypatch, tmp_path, 0)
    assert told == '{"retrain": false}\n'
    assert command[3:] == [
        *("retrain", "--json", "-c", str(SOURCE_ROOT / "configs/k8s.yaml")),
        *("-w", str(tmp_path), "--set", "a.b=1"),
    ]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (45, ConfigError),
        (5, GateFailedError),
        (1, ShazamError),
        (143, ShazamError),
        (-9, ShazamError),
    ],
)
def test_another_end_fails_the_step(monkeypatch, tmp_path, code, error):
    with pytest.raises(error) as caught:
        retrained(monkeypatch, tmp_path, code)
    assert type(caught.value) is error
