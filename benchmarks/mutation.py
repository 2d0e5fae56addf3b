"""Keep what the mutation tests found: ``python -m benchmarks.mutation``, after ``make mutants``."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from rich.console import Console

from shazam.publish import publish_json

MUTANTS = Path("mutants")
TARGET = 0.85
_SURVIVED, _UNTESTED = 0, 33


def summary(mutants: Path) -> dict[str, Any]:
    """Return the mutants of each module, how many were killed, and the names of those that live.

    Args:
        mutants: the folder that mutmut works in; one that is half done is told as it is.
    """
    modules: dict[str, dict[str, Any]] = defaultdict(lambda: {"killed": 0, "alive": []})
    n_left = 0
    for path in sorted(mutants.rglob("*.meta")):
        for name, code in sorted(json.loads(path.read_text())["exit_code_by_key"].items()):
            module, _, mutant = name.rpartition(".")
            if code is None:
                n_left += 1
            elif code in (_SURVIVED, _UNTESTED):
                modules[module]["alive"].append(mutant)
            else:
                modules[module]["killed"] += 1
    killed = sum(one["killed"] for one in modules.values())
    n_tried = killed + sum(len(one["alive"]) for one in modules.values())
    ratio = killed / n_tried if n_tried else 0.0
    return {
        "ratio": ratio,
        "target": TARGET,
        "met": ratio >= TARGET,
        "killed": killed,
        "tried": n_tried,
        "not_tried": n_left,
        "modules": dict(sorted(modules.items())),
    }


def main() -> None:
    """Write ``results/mutation.json``.

    Raises:
        SystemExit: there is nothing to tell.
    """
    found = summary(MUTANTS)
    if not found["tried"]:
        raise SystemExit("no mutant was tried: run `make mutants` first")
    publish_json(Path(__file__).parent / "results" / "mutation.json", found)
    Console().print(f"{found['killed']} of {found['tried']} killed, {found['not_tried']} not tried")


if __name__ == "__main__":
    main()
