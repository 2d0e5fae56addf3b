"""``dvc.yaml``, made from the table of stages: what `dvc repro` runs for a config."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from shazam.config.tree import Config
from shazam.stages import DATA_STAGES, SOURCE_ROOT, DataStage, data_stage, modules_of

HEAD = "# Made by `shazam stages dvc`; change the table in shazam/stages.py and make it again.\n"
VIEWS = "data"
DEMO = "demo"


@dataclass(frozen=True, slots=True)
class Project:
    """A config, its workspace and its views, in the folder that ``dvc.yaml`` lies in.

    Args:
        config: the resolved config.
        config_path: its file.
        workspace: the workspace of the stages.
        root: the folder; all paths in ``dvc.yaml`` are relative to it.
    """

    config: Config
    config_path: Path
    workspace: Path
    root: Path

    def relative(self, path: Path) -> str:
        """Return a path as ``dvc.yaml`` names it."""
        return Path(os.path.relpath(path.resolve(), self.root.resolve())).as_posix()

    def command(self, stage: str, *options: str) -> str:
        """Return the command that runs a stage."""
        config, workspace = self.relative(self.config_path), self.relative(self.workspace)
        words = ("shazam", "stages", "run", stage, "-c", config, "-w", workspace, *options)
        return " ".join(word if "${" in word else shlex.quote(word) for word in words)


def dvc_yaml(project: Project) -> str:
    """Return the text of ``dvc.yaml``: `dvc repro` then runs the stages that changed.

    A stage depends on the views before it, on its code, and on the config as a whole: whether a
    changed value concerns it is told by the keys of what it made before.
    """
    stages: dict[str, Any] = {}
    if project.config.demo is not None:
        stages[DEMO] = {
            "cmd": project.command(DEMO),
            "deps": [*_code(modules_of("shazam/demo/cohort.py"), project)],
            "params": _parameters(project),
            "outs": [_out(DEMO)],
        }
    for stage in DATA_STAGES:
        stages[stage.name] = _stage(stage, project)
    text = yaml.safe_dump({"stages": stages}, sort_keys=False, allow_unicode=True, width=1000)
    return HEAD + text


def _stage(stage: DataStage, project: Project) -> dict[str, Any]:
    made: dict[str, Any] = {}
    teachers = project.config.extracted().encoders()
    if stage.per_teacher:
        made["matrix"] = {"teacher": list(teachers)}
    option = ("--teacher", "${item.teacher}") if stage.per_teacher else ()
    made["cmd"] = project.command(stage.name, *option)
    made["deps"] = [*_inputs(stage, project), *_code(stage.modules, project)]
    made["params"] = _parameters(project)
    made["outs"] = [_out(f"{stage.name}/${{item.teacher}}" if stage.per_teacher else stage.name)]
    return made


def _inputs(stage: DataStage, project: Project) -> list[str]:
    config = project.config
    found = []
    if not stage.inputs and config.demo is not None:
        found += [f"{VIEWS}/{DEMO}"]
    elif not stage.inputs:
        found += [project.relative(config.cohort.outcomes())]
        if config.cohort.slides is None:  # a version stands in the config, which is a parameter
            found += [project.relative(config.cohort.sources()[1])]
    for name in stage.inputs:
        before = data_stage(name)
        teachers = config.extracted().encoders() if before.per_teacher else (None,)
        found += [f"{VIEWS}/{before.view(teacher)}" for teacher in teachers]
    extraction = config.extracted()
    if "extraction" in stage.parameters:
        files = (extraction.teachers_file, extraction.teachers_lock)
        found += [project.relative(path) for path in files if path is not None]
    return found


def _code(modules: Sequence[str], project: Project) -> Iterator[str]:
    yield from (project.relative(SOURCE_ROOT / name) for name in modules)


def _parameters(project: Project) -> list[dict[str, None]]:
    return [{project.relative(project.config_path): None}]


def _out(view: str) -> dict[str, dict[str, bool]]:
    return {f"{VIEWS}/{view}": {"persist": True}}
