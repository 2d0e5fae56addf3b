"""Register the candidate of an evaluation with a model store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from shazam.config.acceptance import AcceptanceConfig
from shazam.digest import digest_of
from shazam.errors import ArtifactError, ConfigError
from shazam.evaluation.run_folder import CARD
from shazam.promotion.bundle import BUNDLE_FILE, BUNDLES, Bundle, bundle_of
from shazam.promotion.evidence.contents import bundle_contents
from shazam.promotion.evidence.files import METRICS
from shazam.promotion.evidence.gather import gather
from shazam.promotion.evidence.provenance import making_of
from shazam.promotion.evidence.pseudonyms import pseudonyms_of
from shazam.promotion.evidence.sbom import SBOM
from shazam.promotion.folder_check import read_bundle
from shazam.promotion.opened import OpenedBundle, verified
from shazam.promotion.store import ModelStore, Registration
from shazam.publish import publish_bytes, publish_folder, publish_json
from shazam.refs import EvaluationRef, ModelRef, RegistrationRef
from shazam.workspace import Workspace

CHALLENGER = "challenger"
# what tells of the machine and the moment, and is no part of the model or of the proof
_CIRCUMSTANCES = frozenset({"environment.json", "manifests/code.json", CARD, SBOM})


class Aliases(StrEnum):
    """Who moves aliases: registering itself, or promotion in a ledger alone."""

    HERE = "here"
    BY_LEDGER = "by_ledger"


def register_candidate(
    evaluation: EvaluationRef,
    *,
    models: Sequence[ModelRef],
    model_name: str,
    acceptance: AcceptanceConfig,
    store: ModelStore,
    workspace: Workspace,
    aliases: Aliases = Aliases.HERE,
) -> RegistrationRef:
    """Bundle the candidate with its verdict, register it, and let ``challenger`` point at it.

    The bundle holds no name of a case or slide. The alias moves only if the gates passed.
    Registering the same bundle again changes nothing.

    Args:
        evaluation: the verdict, in the folder of its run.
        models: models of all arms that were evaluated.
        model_name: name of the registered model.
        acceptance: names the candidate.
        store: where versions are kept.
        workspace: where the files lie.
        aliases: whether ``challenger`` is moved here.

    Raises:
        ConfigError: the candidate has no model, or the verdict is by another acceptance file.
        ArtifactError: a file is missing or altered.
        LeakError: the bundle would hold the name of a case or slide.
    """
    metrics_path = workspace.open_ref(evaluation)
    run_folder = metrics_path.parent
    _check_acceptance(json.loads(metrics_path.read_bytes()), acceptance)
    contents = bundle_contents(
        gather(run_folder, workspace=workspace),
        model=_files(_candidate(models, acceptance), workspace=workspace),
        making=making_of(run_folder),
        pseudonyms=pseudonyms_of(workspace),
    )
    bundle = _equal(bundle_of(contents), workspace=workspace)
    opened = _published(bundle, contents, workspace=workspace)
    registered = store.register(
        _registration(
            opened,
            model_name=model_name,
            parameters={"candidate": acceptance.candidate, "run": run_folder.name},
            gates="passed" if evaluation.passed else "failed",
        )
    )
    if evaluation.passed and aliases is Aliases.HERE:
        _point(store, model_name, version=registered.version)
    holds_alias = store.alias(model_name, CHALLENGER) == registered.version
    reference = _reference(
        bundle,
        uri=workspace.uri(opened.folder / BUNDLE_FILE),
        model_name=model_name,
        version=registered.version,
        alias=CHALLENGER if holds_alias else None,
    )
    publish_json(run_folder / "registration.json", reference)
    return reference


def _registration(
    opened: OpenedBundle, *, model_name: str, parameters: Mapping[str, str], gates: str
) -> Registration:
    folder = opened.folder
    return Registration(
        model_name=model_name,
        bundle_sha256=opened.sha256,
        files={name: folder / name for name in opened.bundle.files},
        extras={BUNDLE_FILE: folder / BUNDLE_FILE},
        metrics=_flat_metrics(json.loads(opened.read(METRICS))),
        parameters=parameters,
        tags={"shazam.gates": gates},
    )


def _reference(
    bundle: Bundle, *, uri: str, model_name: str, version: str, alias: str | None
) -> RegistrationRef:
    return RegistrationRef(
        uri=uri,
        sha256=bundle.sha256,
        model_name=model_name,
        version=version,
        bundle_sha256=bundle.sha256,
        alias=alias,
    )


def _equal(bundle: Bundle, *, workspace: Workspace) -> Bundle:
    """Return the bundle of the workspace that holds the same model, verdict and evidence, if any.

    Another commit, package or check of the data under which a run gives the same is told by the
    run's folder, and makes no other version of the model.
    """
    for path in sorted(workspace.path(BUNDLES).glob(f"*/{BUNDLE_FILE}")):
        try:
            known = read_bundle(path.parent)
        except ArtifactError:  # of an earlier form, or damaged; nothing is taken from it
            continue
        if known.sha256 == path.parent.name and _substance(known) == _substance(bundle):
            return known
    return bundle


def _substance(bundle: Bundle) -> dict[str, str]:
    return {name: digest for name, digest in bundle.files.items() if name not in _CIRCUMSTANCES}


def _published(
    bundle: Bundle, contents: Mapping[str, bytes], *, workspace: Workspace
) -> OpenedBundle:
    """Return the bundle in its folder, written whole or found as it was written before."""
    folder = workspace.path(f"{BUNDLES}/{bundle.sha256}")

    def write(target: Path) -> None:
        for name, content in contents.items():
            publish_bytes(target / name, content)
        publish_json(target / BUNDLE_FILE, bundle)

    if not folder.is_dir():
        publish_folder(folder, write)
    return verified(folder, sha256=bundle.sha256)


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


def _files(model: ModelRef, *, workspace: Workspace) -> tuple[Path, Path]:
    """Return the JSON and the safetensors of a model, compared to their digests."""
    described = workspace.open_ref(model)
    manifest = json.loads(described.read_bytes())
    tensors = described.with_suffix(".safetensors")
    return described, workspace.open(workspace.uri(tensors), manifest["tensors_sha256"])


def _flat_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {
        f"{arm['arm']}.{metric['name']}": float(metric["value"])
        for arm in metrics["arms"]
        for metric in arm["metrics"]
        if metric["value"] is not None
    }
