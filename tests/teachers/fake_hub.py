"""A hub on 127.0.0.1 that speaks as much of the Hugging Face protocol as fetching needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

HUB_ID = "some-lab/small"
TOKEN = "hf_the-token-that-has-access"
FIRST = "1" * 40
SECOND = "2" * 40


@dataclass
class FakeHub:
    """One repository: files by commit. Its faults are switched on by tests."""

    commits: dict[str, dict[str, bytes]]
    newest: str = FIRST
    gated: bool = False
    broken_status: int | None = None
    truncate: bool = False
    state_wrong_sha256: bool = False
    endpoint: str = ""
    asked: list[str] = field(default_factory=list)

    def commit(self, revision: str) -> str | None:
        if revision == "main":
            return self.newest
        return revision if revision in self.commits else None


@contextmanager
def serving(hub: FakeHub) -> Iterator[FakeHub]:
    class Handler(_Handler):
        repository = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    repository: FakeHub

    def log_message(self, *_arguments: object) -> None:
        """Stay silent."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        hub = self.repository
        hub.asked.append(f"{self.command} {self.path}")
        if hub.broken_status is not None:
            self._send(hub.broken_status, b"broken", with_body=with_body)
        elif hub.gated and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            signed_in = self.headers.get("Authorization") is not None
            headers = {"X-Error-Code": "GatedRepo", "X-Error-Message": "restricted"}
            self._send(403 if signed_in else 401, b"{}", with_body=with_body, **headers)
        elif self.path.startswith("/api/models/"):
            self._info(with_body=with_body)
        else:
            self._file(with_body=with_body)

    def _info(self, *, with_body: bool) -> None:
        hub = self.repository
        path = self.path.partition("?")[0].removeprefix("/api/models/")
        hub_id, _, revision = path.partition("/revision/")
        if hub_id != HUB_ID:
            self._send(404, b"{}", with_body=with_body, **{"X-Error-Code": "RepoNotFound"})
            return
        commit = hub.commit(revision or "main")
        if commit is None:
            self._send(404, b"{}", with_body=with_body, **{"X-Error-Code": "RevisionNotFound"})
            return
        siblings = [_sibling(n, c, hub=hub) for n, c in hub.commits[commit].items()]
        content = json.dumps({"id": HUB_ID, "sha": commit, "siblings": siblings}).encode()
        self._send(200, content, with_body=with_body)

    def _file(self, *, with_body: bool) -> None:
        hub = self.repository
        _, _, rest = self.path.partition("/resolve/")
        revision, _, name = rest.partition("/")
        content = hub.commits.get(revision, {}).get(name)
        if content is None:
            self._send(404, b"", with_body=with_body, **{"X-Error-Code": "EntryNotFound"})
            return
        headers = {
            "X-Repo-Commit": revision,
            "ETag": f'"{sha256(content).hexdigest()}"',
            "Accept-Ranges": "bytes",
        }
        self._send(200, content, with_body=with_body, truncate=hub.truncate, **headers)

    def _send(
        self,
        status: int,
        content: bytes,
        *,
        with_body: bool,
        truncate: bool = False,
        **headers: str,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(content[: len(content) // 2] if truncate else content)
            if truncate:
                self.close_connection = True


def _sibling(name: str, content: bytes, *, hub: FakeHub) -> dict:
    stated = b"other" if hub.state_wrong_sha256 else content
    sibling = {"rfilename": name, "size": len(content), "blobId": sha1(content).hexdigest()}  # noqa: S324
    if name.endswith((".safetensors", ".bin")):
        lfs = {"sha256": sha256(stated).hexdigest(), "size": len(content), "pointerSize": 134}
        sibling["lfs"] = lfs
    return sibling
