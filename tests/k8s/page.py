"""The page's commands, run as they stand, with a `kubectl` that only writes down its arguments."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.k8s.manifests import ROOT

PAGE = (ROOT / "docs" / "kubernetes.md").read_text()

_STUB = """#!{python}
import json, pathlib, sys
arguments = sys.argv[1:]
if "generic" in arguments:
    place, name = arguments[arguments.index("-n") + 1], arguments[arguments.index("generic") + 1]
    for one in arguments:
        if one.startswith("--from-file="):
            key, _, file = one.removeprefix("--from-file=").partition("=")
            target = pathlib.Path({out!r}, place, name, key)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(pathlib.Path(file).read_bytes())
with open(pathlib.Path({out!r}, "calls"), "a") as calls:
    calls.write(json.dumps(arguments) + "\\n")
"""


def blocks(containing: str) -> list[str]:
    """Return the shell blocks of the page that hold a text."""
    found = [part.split("```")[0] for part in PAGE.split("```console\n")[1:]]
    return [block for block in found if containing in block]


def run_blocks(containing: str, *, folder: Path, files: Mapping[str, str]) -> Path:
    """Run blocks of the page in a folder and return where the Secrets' files are.

    Args:
        containing: a text that the blocks hold.
        folder: where they are run.
        files: contents of files that the user is said to have, by path below the folder.
    """
    out, programs = folder / "out", folder / "programs"
    for one in (out, programs):
        one.mkdir(exist_ok=True)
    stub = programs / "kubectl"
    stub.write_text(_STUB.format(python=sys.executable, out=str(out)))
    stub.chmod(0o755)
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    for block in blocks(containing):
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block], cwd=folder, env=environment, check=True
        )
    return out


def calls(out: Path) -> list[list[str]]:
    return [json.loads(line) for line in (out / "calls").read_text().splitlines()]
