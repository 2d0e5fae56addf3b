"""The text of the Dockerfile as instructions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shazam.stages import SOURCE_ROOT

DOCKERFILE = SOURCE_ROOT / "docker" / "Dockerfile"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a stage; lines are joined."""

    word: str
    text: str
    stage: str


def instructions() -> list[Instruction]:
    """Return the instructions in their order, without comments."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found, stage = [], ""
    for line in filter(None, joined.splitlines()):
        word, text = line.split(maxsplit=1)
        if word == "FROM":
            stage = text.split()[-1]
        found.append(Instruction(word, text, stage))
    return found


def lineage(stage: str) -> list[str]:
    """Return a stage and those that it stands on."""
    parents = {one.stage: one.text.split()[0] for one in instructions() if one.word == "FROM"}
    found = [stage]
    while parents[found[-1]] in parents:
        found.append(parents[found[-1]])
    return found


def of_image(target: str) -> list[Instruction]:
    """Return the instructions whose layers and settings an image has."""
    stages = lineage(target)
    return [one for one in instructions() if one.stage in stages]
