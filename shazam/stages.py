"""The table of stages: for each, the modules of the library that can change its bytes.

A cached result is reused only while these modules and the parameters of the step are unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCE_ROOT = Path(__file__).resolve().parent.parent

_CORE = ("digest", "ids", "manifests", "publish", "refs", "workspace")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage and the modules or packages below ``shazam`` that it depends on."""

    name: str
    modules: tuple[str, ...]

    def source_files(self) -> tuple[str, ...]:
        """Return the stage's source files, relative to the source root, sorted."""
        found: set[Path] = {SOURCE_ROOT / "steps" / f"{self.name}.py"}
        for module in (*_CORE, *self.modules):
            path = SOURCE_ROOT / "shazam" / module.replace(".", "/")
            found.update(path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")])
        return tuple(sorted(path.relative_to(SOURCE_ROOT).as_posix() for path in found))


_TRAINING = (
    "cohort",
    "features.bags",
    "features.store",
    "models",
    "predictions",
    "training",
)

STAGES: Mapping[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("ingest", ("cohort",)),
        Stage("validate", ("cohort", "slides", "integrations.expectations")),
        Stage("tile", ("slides",)),
        Stage("extract", ("slides", "teachers", "features.extract", "features.store")),
        Stage(
            "validate_features",
            ("features", "integrations.expectations", "integrations.dvc"),
        ),
        Stage("split", ("cohort",)),
        Stage("train_baseline", _TRAINING),
        Stage("canary", _TRAINING),
        Stage("distill", _TRAINING),
        Stage("fuse_arms", ("predictions", "training")),
        Stage("probe", (*_TRAINING, "evaluation.probe")),
        Stage("evaluate", ("cohort", "evaluation", "predictions")),
        Stage("register", ("promotion", "integrations.mlflow")),
    )
}
