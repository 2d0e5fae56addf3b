"""Register the candidate of an evaluation with a model store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from shazam.config.acceptance import AcceptanceConfig
from shazam.digest import digest_of
from shazam.errors import ConfigError
from shazam.promotion.bundle import BUNDLE_FILE, build_bundle
from shazam.promotion.store import ModelStore, Registration
from shazam.publish import publish_json, publish_link
from shazam.refs import EvaluationRef, ModelRef, RegistrationRef
from shazam.workspace import Workspace

CHALLENGER = "challenger"


def register_candidate(
    evaluation: EvaluationRef,
    *,
    models: Sequence[ModelRef],
    model_name: str,
    acceptance: AcceptanceConfig,
    store: ModelStore,
    workspace: Workspace,
) -> RegistrationRef:
    """Bundle the candidate with its verdict, register it, and let ``challenger`` point at it.

    The alias moves only if the gates passed. Registering the same bundle again changes nothing.

    Args:
        evaluation: the verdict; its folder becomes the bundle's home.
        models: models of all arms that were evaluated.
        model_name: name of the registered model.
        acceptance: names the candidate.
        store: where versions are kept.
        workspace: where the files lie.

    Raises:
        ConfigError: the candidate has no model, or the verdict is by another acceptance file.
        ArtifactError: a file is missing or altered.
    """
    metrics_path = workspace.open_ref(evaluation)
    run_folder = metrics_path.parent
    metrics = json.loads(metrics_path.read_bytes())
    _check_acceptance(metrics, acceptance)
    _gather(_candidate(models, acceptance), run_folder, workspace=workspace)
    arms = [arm["arm"] for arm in metrics["arms"]]
    files = _bundle_files(run_folder, candidate=acceptance.candidate, arms=arms)
    bundle = build_bundle(files)
    publish_json(run_folder / BUNDLE_FILE, bundle)
    registered = store.register(
        Registration(
            model_name=model_name,
            bundle_sha256=bundle.sha256,
            files=files,
            extras={
                name: run_folder / name for name in ("report.html", "model_card.md", BUNDLE_FILE)
            },
            metrics=_flat_metrics(metrics),
            parameters={"candidate": acceptance.candidate, "run": run_folder.name},
            tags={"shazam.gates": "passed" if evaluation.passed else "failed"},
        )
    )
    if evaluation.passed:
        _point(store, model_name, version=registered.version)
    holds_alias = store.alias(model_name, CHALLENGER) == registered.version
    reference = RegistrationRef(
        uri=workspace.uri(run_folder / BUNDLE_FILE),
        sha256=bundle.sha256,
        model_name=model_name,
        version=registered.version,
        bundle_sha256=bundle.sha256,
        alias=CHALLENGER if holds_alias else None,
    )
    publish_json(run_folder / "registration.json", reference)
    return reference


def _point(store: ModelStore, model_name: str, *, version: str) -> None:
    if store.alias(model_name, CHALLENGER) != version:
        store.point(model_name, alias=CHALLENGER, version=version)


def _candidate(models: Sequence[ModelRef], acceptance: AcceptanceConfig) -> ModelRef:
    for model in models:
        if model.arm == acceptance.candidate:
            return model
    known = ", ".join(sorted(model.arm for model in models))
    raise ConfigError(f"acceptance.candidate: no model '{acceptance.candidate}'; there are {known}")


def _check_acceptance(metrics: Mapping[str, Any], acceptance: AcceptanceConfig) -> None:
    judged_by, asked = metrics["acceptance_sha256"], digest_of(acceptance)
    if judged_by != asked:
        raise ConfigError(
            f"the verdict is by the acceptance file {judged_by}, and {asked} is asked now; "
            "evaluate again"
        )


def _gather(model: ModelRef, run_folder: Path, *, workspace: Workspace) -> None:
    source = workspace.open_ref(model)
    manifest = json.loads(source.read_bytes())
    tensors = source.with_suffix(".safetensors")
    workspace.open(workspace.uri(tensors), manifest["tensors_sha256"])
    for path in (source, tensors):
        publish_link(run_folder / "models" / f"{model.arm}{path.suffix}", path)


def _bundle_files(run_folder: Path, *, candidate: str, arms: Iterable[str]) -> dict[str, Path]:
    names = (
        "config.json",
        "metrics.json",
        "seen.json",
        "splits.json",
        f"models/{candidate}.json",
        f"models/{candidate}.safetensors",
        *(f"predictions/{arm}.parquet" for arm in arms),
    )
    return {name: run_folder / name for name in names}


def _flat_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {
        f"{arm['arm']}.{metric['name']}": float(metric["value"])
        for arm in metrics["arms"]
        for metric in arm["metrics"]
        if metric["value"] is not None
    }
