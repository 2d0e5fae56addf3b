"""The tasks of a compiled pipeline: read from its YAML, and run as processes in their order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from shazam.stages import SOURCE_ROOT


@dataclass(frozen=True)
class Task:
    """A task with its container and what kfp-kubernetes adds to the pod."""

    name: str
    step: str
    after: frozenset[str]
    container: Mapping[str, Any]
    pod: Mapping[str, Any]
    retries: int

    @property
    def env(self) -> dict[str, str]:
        return {one["name"]: one["value"] for one in self.container["env"]}

    @property
    def secrets(self) -> dict[str, tuple[str, str]]:
        """Return secret and key of each variable that the pod takes from one."""
        return {
            key["envVar"]: (one["secretName"], key["secretKey"])
            for one in self.pod.get("secretAsEnv", [])
            for key in one["keyToEnv"]
        }

    @property
    def claims(self) -> dict[str, str]:
        """Return the claim of each path."""
        return {one["mountPath"]: one["constant"] for one in self.pod["pvcMount"]}

    @property
    def scratch(self) -> dict[str, Mapping[str, str]]:
        return {one["mountPath"]: one for one in self.pod["emptyDirMounts"]}


def read_tasks(text: str) -> dict[str, Task]:
    """Return the tasks of a compiled pipeline by the names of their steps."""
    spec, platform = yaml.safe_load_all(text)
    executors = spec["deploymentSpec"]["executors"]
    pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    found = {}
    for name, task in spec["root"]["dag"]["tasks"].items():
        label = spec["components"][task["componentRef"]["name"]]["executorLabel"]
        step = task["taskInfo"]["name"]
        found[step] = Task(
            name=name,
            step=step,
            after=frozenset(task.get("dependentTasks", ())),
            container=executors[label]["container"],
            pod=pods[label],
            retries=task.get("retryPolicy", {}).get("maxRetryCount", 0),
        )
    return found


class Kubeflow:
    """Runs the tasks of pipelines as processes of this machine, one after the other.

    Claims are folders of this machine at the same paths, the empty folders of pods are temporary
    ones, and Secrets are files ``<secret>/<key>`` of a folder.
    """

    def __init__(self, folder: Path) -> None:
        self._secrets, self._logs = folder / "secrets", folder / "logs"

    def run(self, path: Path) -> None:
        """Run a pipeline in an order that its dependencies allow."""
        by_name = {task.name: task for task in read_tasks(path.read_text()).values()}
        order = TopologicalSorter({name: task.after for name, task in by_name.items()})
        self._logs.mkdir(exist_ok=True)
        steps = subprocess.Popen(
            [sys.executable, "-m", "tests.integrations.kubeflow.steps"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=SOURCE_ROOT,
            env=self._of_image(),
        )
        with steps:
            for name in order.static_order():
                self._task(steps, by_name[name], run_name=path.stem)

    def _task(self, steps: subprocess.Popen[str], task: Task, *, run_name: str) -> None:
        log = self._logs / task.step
        python, option, module = task.container["command"]
        assert (python, option) == ("python", "-m")
        with tempfile.TemporaryDirectory() as scratch:
            folders = {path: str(Path(scratch, path.lstrip("/"))) for path in task.scratch}
            for folder in folders.values():
                Path(folder).mkdir(parents=True)
            command = {
                "module": module,
                "arguments": task.container["args"],
                "environment": self._environment(task, run_name, folders),
                "folder": scratch,
                "log": str(log),
            }
            assert steps.stdin
            assert steps.stdout
            steps.stdin.write(json.dumps(command) + "\n")
            steps.stdin.flush()
            code = steps.stdout.readline().strip()
        if code != "0":
            raise RuntimeError(f"{task.step}: {code}\n{log.read_text()}")

    def _of_image(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ["PYTHONPATH"],
            "ZENML_CUSTOM_SOURCE_ROOT": str(SOURCE_ROOT),
        }

    def _environment(self, task: Task, run_name: str, folders: Mapping[str, str]) -> dict[str, str]:
        plain = {name: folders.get(value, value) for name, value in task.env.items()}
        secret = {
            name: (self._secrets / secret / key).read_text()
            for name, (secret, key) in task.secrets.items()
        }
        by_field = {
            one["name"]: run_name
            for one in task.pod["fieldPathAsEnv"]
            if one["fieldPath"] == "metadata.labels['workflows.argoproj.io/workflow']"
        }
        return {**self._of_image(), **plain, **secret, **by_field}
