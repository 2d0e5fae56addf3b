"""An S3 endpoint on this machine, and git repositories that DVC versions data in."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest.mock import patch

import boto3
from moto.server import ThreadedMotoServer

from tests.command import Outcome, shazam_here

BUCKET = "archive"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "made-up",
    "AWS_SECRET_ACCESS_KEY": "made-up",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": f"{os.devnull}/none",
    "AWS_SHARED_CREDENTIALS_FILE": f"{os.devnull}/none",
    "NO_PROXY": "127.0.0.1",
}


@dataclass(frozen=True)
class Store:
    """A bucket behind an endpoint."""

    endpoint: str

    def client(self):
        return _client(self.endpoint)

    def objects(self, folder: str) -> dict[str, str]:
        """Return key by object name below a folder of the bucket."""
        listed = self.client().list_objects_v2(Bucket=BUCKET, Prefix=f"{folder}/")
        keys = [entry["Key"] for entry in listed.get("Contents", [])]
        return {"".join(key.split("/")[-2:]): key for key in keys}

    def copy(self, folder: str, other: str) -> None:
        """Give another folder the objects of one."""
        for key in self.objects(folder).values():
            source = {"Bucket": BUCKET, "Key": key}
            target = key.replace(f"{folder}/", f"{other}/", 1)
            self.client().copy_object(Bucket=BUCKET, Key=target, CopySource=source)

    def overwrite(self, key: str, content: bytes) -> None:
        self.client().put_object(Bucket=BUCKET, Key=key, Body=content)

    def delete(self, key: str) -> None:
        self.client().delete_object(Bucket=BUCKET, Key=key)


@cache
def _client(endpoint: str):
    return boto3.client("s3", endpoint_url=endpoint)


@contextmanager
def s3_store() -> Iterator[Store]:
    """Serve an empty bucket; credentials stand in the environment meanwhile."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with patch.dict(os.environ, CREDENTIALS):
        store = Store(f"http://{host}:{port}")
        store.client().create_bucket(Bucket=BUCKET)
        try:
            yield store
        finally:
            server.stop()


@contextmanager
def dead_endpoint(*, listens: bool = False) -> Iterator[str]:
    """Give an address at which nobody listens, or nobody answers, as long as it is held."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        if listens:
            held.listen()
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def git(folder: Path, *words: str) -> str:
    own = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *own, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder: Path, tag: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", tag)
    git(folder, "tag", tag)


def make_repository(folder: Path, *, url: str, endpoint: str | None) -> Path:
    """Make a repository of git and DVC whose remote is named by `shazam data remote`."""
    from dvc.repo import Repo

    folder.mkdir(parents=True)
    git(folder, "init", "--quiet")
    Repo.init(str(folder)).close()
    words = [] if endpoint is None else ["--endpoint", endpoint]
    done(data(folder, "remote", url, *words))
    return folder


def data(folder: Path, *words: str | Path) -> Outcome:
    """Run `shazam data` in a folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        return shazam_here("data", *words)
    finally:
        os.chdir(before)


def done(outcome: Outcome) -> Outcome:
    assert outcome.code == 0, outcome.text
    return outcome
