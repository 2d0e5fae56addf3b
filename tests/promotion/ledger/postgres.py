"""A PostgreSQL server for tests: its own folder, port and password, and gone at the end."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

OWNER = "owner"
_START_S = 60.0


@dataclass(frozen=True)
class Server:
    """A server that runs on this machine."""

    port: int
    password: str

    def url(self, database: str, *, user: str = OWNER, password: str | None = None) -> str:
        secret = password or self.password
        return f"postgresql://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    def admin(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=OWNER,
            password=self.password,
            dbname=database,
            autocommit=True,
        )

    def new_database(self) -> str:
        name = f"ledger_{secrets.token_hex(4)}"
        with self.admin() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return name


def programs() -> Path | None:
    """Return the folder of the newest server that is installed, if there is one."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3])
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def running_server() -> Iterator[Server]:
    """Give a server, or skip where none is installed."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    user = _user()
    with tempfile.TemporaryDirectory(prefix="pg-") as root:
        home = Path(root)
        if user is not None:
            os.chown(home, user, -1)
        password = secrets.token_hex(8)
        _initialise(folder, home, user=user, password=password)
        server = Server(port=_free_port(), password=password)
        process = _start(folder, home, user=user, port=server.port)
        try:
            _wait(server, process, home=home)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=30)


def _user() -> int | None:
    """Return whom the server runs as when the tests run as root, which it refuses to be."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return names.get("postgres", names.get("nobody", 65534))


def _initialise(folder: Path, home: Path, *, user: int | None, password: str) -> None:
    secret = home / "password"
    secret.write_text(password)
    if user is not None:
        os.chown(secret, user, -1)
    done = subprocess.run(
        [
            *(folder / "initdb", "-D", home / "data", "-U", OWNER, f"--pwfile={secret}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"),
        ],
        **_as(user, home),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _start(folder: Path, home: Path, *, user: int | None, port: int) -> subprocess.Popen[bytes]:
    with (home / "log").open("wb") as log:
        return subprocess.Popen(
            [
                *(folder / "postgres", "-D", home / "data", "-p", str(port), "-h", "127.0.0.1"),
                *("-k", home, "-c", "fsync=off"),
            ],
            **_as(user, home),
            stdout=log,
            stderr=log,
        )


def _as(user: int | None, home: Path) -> dict:
    as_user = {} if user is None else {"user": user, "extra_groups": []}
    return {"cwd": home, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}, **as_user}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: Server, process: subprocess.Popen[bytes], *, home: Path) -> None:
    end = time.monotonic() + _START_S
    while True:
        try:
            server.admin().close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"PostgreSQL did not start: {(home / 'log').read_text()[-2000:]}")
            time.sleep(0.05)
        else:
            return
