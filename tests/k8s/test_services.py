"""The services' commands and Secrets work: Postgres, MLflow and an S3 endpoint, as processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import psycopg
import pytest
from mlflow import MlflowClient

from tests.k8s.manifests import Manifest, named, needs_kubectl, pod_template, rendered
from tests.k8s.page import run_blocks
from tests.mlflow_server import free_port
from tests.promotion.ledger.postgres import Server, programs, running_server
from tests.s3 import BUCKET, CREDENTIALS, s3_store

pytestmark = [needs_kubectl, pytest.mark.integration]


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the Secrets that the page makes, below namespace and name."""
    folder = tmp_path_factory.mktemp("page")
    given = {"secrets/zenml-api-key": "ZENKEY_x", "secrets/hf-token": "hf-token"}
    return run_blocks("create secret generic", folder=folder, files=given)


@pytest.fixture(scope="module")
def postgres(secrets: Path) -> Iterator[Server]:
    """A server on which the pod's script has run."""
    with running_server() as server:
        with server.admin() as connection:
            connection.execute("CREATE ROLE postgres SUPERUSER LOGIN PASSWORD 'of-this-test'")
        script = named(rendered("overlays/services"), "ConfigMap", "postgres-init")["data"]
        passwords = str(secrets / "shazam-services" / "postgres")
        folder = programs()
        assert folder is not None
        subprocess.run(
            ["sh", "-ec", script["10-databases.sh"].replace("/run/secrets/postgres", passwords)],
            env={
                "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
                "PGHOST": "127.0.0.1",
                "PGPORT": str(server.port),
                "PGPASSWORD": "of-this-test",
                "PGDATABASE": "postgres",
            },
            check=True,
        )
        yield server


def _here(text: str, server: Server) -> str:
    return text.replace("postgres.shazam-services.svc:5432", f"127.0.0.1:{server.port}")


def test_the_ledgers_address_opens_its_database_and_no_other(
    secrets: Path, postgres: Server
) -> None:
    url = _here((secrets / "shazam" / "shazam-ledger" / "url").read_text(), postgres)
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE entry (n int)")
    password = url.partition("ledger:")[2].partition("@")[0]
    others = postgres.url("mlflow", user="ledger", password=password)
    with (
        psycopg.connect(others) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE entry (n int)")


def test_mlflow_keeps_runs_in_postgres_and_files_in_the_store(
    secrets: Path, postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = (secrets / "shazam" / "shazam-mlflow" / "MLFLOW_TRACKING_PASSWORD").read_text()
    with s3_store() as store, _mlflow(secrets, postgres, store.endpoint, tmp_path) as url:
        assert _status(f"{url}/api/2.0/mlflow/experiments/get?experiment_id=0") == 401
        host = {"Host": "mlflow.shazam-services.svc:5000"}
        path = "/api/2.0/mlflow/experiments/get?experiment_id=0"
        assert _status(url + path, **host) == 401  # it asks for a login, and takes the name
        assert _status(url + path, Host="elsewhere.example:5000") == 403
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", admin)
        client = MlflowClient(tracking_uri=url)
        run = client.create_run("0")
        client.log_text(run.info.run_id, "a report", "report.txt")
        assert client.list_artifacts(run.info.run_id)[0].path == "report.txt"
        listed = store.client().list_objects_v2(Bucket=BUCKET, Prefix="artifacts/")["Contents"]
        assert [one["Key"].rpartition("/")[2] for one in listed] == ["report.txt"]


@contextmanager
def _mlflow(secrets: Path, postgres: Server, endpoint: str, folder: Path) -> Iterator[str]:
    deployment = named(rendered("overlays/services"), "Deployment", "mlflow")
    template = pod_template(deployment)
    assert template is not None
    (main,) = template["spec"]["containers"]
    port = free_port()
    ini = folder / "auth.ini"
    held = secrets / "shazam-services"
    ini.write_text(_here((held / "mlflow-server" / "auth.ini").read_text(), postgres))
    environment = {
        **{one["name"]: _value(one, held=held, postgres=postgres) for one in main["env"]},
        **CREDENTIALS,
        "MLFLOW_AUTH_CONFIG_PATH": str(ini),
        "MLFLOW_S3_ENDPOINT_URL": endpoint,
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
    }
    program, *arguments = main["args"]
    assert program == "mlflow"
    changed = {
        "--host=0.0.0.0": "--host=127.0.0.1",
        "--port=5000": f"--port={port}",
        "--artifacts-destination=s3://shazam-mlflow/artifacts": (
            f"--artifacts-destination=s3://{BUCKET}/artifacts"
        ),
    }
    assert set(changed) <= set(arguments)
    command = [sys.executable, "-m", "mlflow", *(changed.get(one, one) for one in arguments)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            probe = main["startupProbe"]["httpGet"]["path"]
            _wait(f"http://127.0.0.1:{port}{probe}", server, log=folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, 15)
            server.wait()


def _value(one: Manifest, *, held: Path, postgres: Server) -> str:
    if "value" in one:
        return str(one["value"])
    found = one["valueFrom"]["secretKeyRef"]
    return _here((held / found["name"] / found["key"]).read_text(), postgres)


def _wait(url: str, server: subprocess.Popen[bytes], *, log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        if _status(url) == 200:
            return
        time.sleep(0.3)
    pytest.fail(f"no MLflow after 120 s: {log.read_text()}")


def _status(url: str, **headers: str) -> int:
    try:
        with urlopen(Request(url, headers=headers), timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code
    except (URLError, ConnectionError):
        return 0
