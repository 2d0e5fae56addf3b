"""A registered model on the features of a later feature set."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from shazam.config.cohort import Task
from shazam.config.imports import MissingValues
from shazam.config.tree import Config
from shazam.errors import ConfigError
from shazam.features.bag_files import Reading
from shazam.features.stored_bags import StoredBags, open_bags
from shazam.manifests import FeatureSetManifest, TeacherIdentity
from shazam.models.bundle import ArmManifest, Ensemble, load_ensemble
from shazam.models.heads import Head
from shazam.models.specs import CrossAttentionSpec, LogitProdSpec, StudentSpec
from shazam.workspace import Workspace

_TASKS = {
    Head.LINEAR_RISK: Task.SURVIVAL,
    Head.DISCRETE_TIME: Task.SURVIVAL,
    Head.CLASSES: Task.CLASSIFICATION,
    Head.VALUES: Task.REGRESSION,
}


@dataclass(frozen=True, slots=True)
class Scorer:
    """A model with the bags that it can read; nothing was predicted yet.

    Args:
        ensemble: all members.
        bags: of all cases that have features.
    """

    ensemble: Ensemble
    bags: StoredBags

    @property
    def arm(self) -> str:
        """Name of the arm that the model was."""
        return self.ensemble.manifest.arm

    @property
    def task(self) -> Task:
        """What the model predicts."""
        return _TASKS[self.ensemble.manifest.head]

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of its probabilities; empty but for classification."""
        return self.ensemble.manifest.classes

    @property
    def targets(self) -> tuple[str, ...]:
        """In the order of its values; empty but for regression."""
        return self.ensemble.manifest.targets

    def predict(self, case_ids: Sequence[str]) -> pd.DataFrame:
        """Return ``case_id`` and scores of some cases; see :meth:`Ensemble.predict_with_curves`.

        Raises:
            ArtifactError: a file of features ends too early.
        """
        return self.ensemble.predict_with_curves(_of_cases(self.bags, case_ids))


def open_scorer(
    model_json: Path,
    safetensors: Path,
    *,
    manifest: FeatureSetManifest,
    model: str,
    workspace: Workspace,
) -> Scorer:
    """Return a model with the features that it reads, after its teachers were compared.

    Args:
        model_json: what the model is.
        safetensors: its tensors.
        manifest: the features.
        model: what messages call it, such as ``champion``.
        workspace: where the features lie.

    Raises:
        ConfigError: a teacher that the model reads is not among the features, or is another one
            than it was trained with.
        ArtifactError: a file is missing or altered.
    """
    ensemble = load_ensemble(model_json, safetensors)
    described = ensemble.manifest
    check_teachers(described.teachers, manifest.teachers, model=model)
    _check_missing_values(described, manifest, model=model)
    sources = described.spec.sources()
    bags = open_bags(
        manifest,
        workspace=workspace,
        teachers=tuple(dict.fromkeys(teacher for teacher, _ in sources)),
        levels=None,
        reading=Reading.of(manifest),
    )
    return Scorer(ensemble=ensemble, bags=bags.only(sources))


def check_teachers(
    trained_with: Sequence[TeacherIdentity], found: Sequence[TeacherIdentity], *, model: str
) -> None:
    """Check that features come from the teachers that a model was trained with.

    Raises:
        ConfigError: names every teacher that is missing or differs, and in what.
    """
    known = {teacher.name: teacher for teacher in found}
    problems = []
    for teacher in trained_with:
        other = known.get(teacher.name)
        if other is None:
            problems.append(f"teacher '{teacher.name}': has no features here")
        elif differs := _differences(teacher, other):
            problems.append(f"teacher '{teacher.name}': {'; '.join(differs)}")
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise ConfigError(
            f"the {model} was trained with other teachers than those of these features; extract "
            f"or import them as they were then\n{listed}"
        )


def check_asked(model_config: Path, config: Config, *, model: str) -> None:
    """Check that the endpoint and the tiles are those of a model; imports do not say their tiles.

    Args:
        model_config: ``config.json`` of the model's bundle.
        config: that of the features.
        model: what messages call it.

    Raises:
        ConfigError: names every setting that differs.
    """
    then = json.loads(model_config.read_bytes())
    now = config.model_dump(mode="json")
    compared = {"cohort": {"endpoint"}}
    if config.extraction is not None and then.get("extraction") is not None:
        compared["tiling"] = now["tiling"].keys() - {"assume_mpp"}
    differs = [
        f"{section}.{name} was {then[section][name]}, is {now[section][name]}"
        for section, names in compared.items()
        for name in sorted(names & then[section].keys())
        if now[section][name] != then[section][name]
    ]
    if differs:
        raise ConfigError(
            f"the {model} was trained otherwise, and its predictions would mean something else; "
            f"ask as it was asked then: {'; '.join(differs)}"
        )


def _differences(then: TeacherIdentity, now: TeacherIdentity) -> list[str]:
    return [
        f"{name} was {getattr(then, name)}, is {getattr(now, name)}"
        for name in ("revision", "weights_sha256", "transform_sha256", "dims")
        if getattr(then, name) != getattr(now, name)
    ]


def _check_missing_values(
    described: ArmManifest, manifest: FeatureSetManifest, *, model: str
) -> None:
    if manifest.missing_values is MissingValues.IMPUTE and not _imputes(described):
        raise ConfigError(
            f"the {model} was trained on features without missing values, and these may hold "
            "NaN; set imports.missing_values: refuse"
        )


def _imputes(described: ArmManifest) -> bool:
    match described.spec:
        case StudentSpec(shape=shape) | CrossAttentionSpec(shape=shape):
            return shape.impute
        case LogitProdSpec(parts=parts):
            return all(part.impute for part in parts)
        case spec:
            return spec.impute


def _of_cases(bags: StoredBags, case_ids: Sequence[str]) -> StoredBags:
    row = {name: index for index, name in enumerate(bags.case_ids)}
    rows = [row[name] for name in sorted(case_ids)]
    chosen = {source: tuple(files[n] for n in rows) for source, files in bags.files.items()}
    return replace(
        bags,
        case_ids=tuple(sorted(case_ids)),
        lengths=bags.lengths[rows],
        files=chosen,
        present={name: mask[rows] for name, mask in bags.present.items()},
    )
