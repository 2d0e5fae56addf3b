"""Every file of a bundle as bytes: model, verdict, evidence and where all of it comes from."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from shazam.cohort.model import Cohort
from shazam.cohort.seen import SeenRecord
from shazam.config.tree import Config
from shazam.digest import canonical_json
from shazam.errors import ArtifactError
from shazam.evaluation.model_card import render_card
from shazam.evaluation.result import EvaluationResult
from shazam.evaluation.run_folder import CARD
from shazam.promotion.evidence.compared import compared
from shazam.promotion.evidence.files import CONFIG, METRICS, SEEN, evidence_files
from shazam.promotion.evidence.gather import Run
from shazam.promotion.evidence.names import check_no_names, names_in
from shazam.promotion.evidence.provenance import Making, provenance_files
from shazam.promotion.evidence.pseudonyms import Pseudonyms
from shazam.promotion.evidence.sbom import SBOM, Materials, bill_of_materials
from shazam.promotion.evidence.seen import KeyedSeen

# these hold names, or are digests of them
_NAMING = (
    *("cohort_sha256", "splits_sha256", "excluded_cases", "split_notes"),
    "champion.why_not",
)


def bundle_contents(
    run: Run, *, model: tuple[Path, Path], making: Making, pseudonyms: Pseudonyms
) -> dict[str, bytes]:
    """Return the files of a bundle by their names in it; equal runs and keys give equal bytes.

    Args:
        run: what was trained and judged, with names.
        model: JSON and safetensors of the candidate.
        making: the code and environment of the run.
        pseudonyms: give the names that leave the workspace.

    Raises:
        ArtifactError: the run's numbers are not those that its own files give.
        LeakError: a file would hold the name of a case or slide.
        ConfigError: two cases have names that a reader takes for one.
    """
    unnamed = run.inputs.under(pseudonyms)
    result = unnamed.evaluated()
    _check_same(run.document.result, result)
    described, tensors = (path.read_bytes() for path in model)
    candidate = result.candidate
    seen = SeenRecord.of(run.inputs.cohort, splits=run.inputs.splits)
    files = {
        **evidence_files(unnamed),
        **provenance_files(run, making=making, key_id=pseudonyms.key_id),
        CONFIG: canonical_json(_config(run.config, run.inputs.cohort, pseudonyms=pseudonyms)),
        METRICS: canonical_json(result),
        SEEN: canonical_json(KeyedSeen.of(seen, pseudonyms=pseudonyms)),
        CARD: render_card(run.document.model_copy(update={"result": result})).encode(),
        SBOM: canonical_json(
            bill_of_materials(
                result, materials=_materials(run, making, described=json.loads(described))
            )
        ),
        f"models/{candidate}.json": described,
        f"models/{candidate}.safetensors": tensors,
    }
    check_no_names(files, names=names_in(run.inputs.cohort))
    return files


def _check_same(claimed: EvaluationResult, found: EvaluationResult) -> None:
    """Check that a run's numbers are those of its files, names apart."""
    ours, theirs = (json.loads(canonical_json(result)) for result in (claimed, found))
    for told in compared(ours, theirs):
        if told is not None and not told.startswith(_NAMING):
            raise ArtifactError(
                f"metrics.json of the run does not hold what its files give: {told}; run again "
                "with --no-cache"
            )


def _materials(run: Run, making: Making, *, described: Mapping[str, Any]) -> Materials:
    return Materials(
        title=run.document.context.title,
        tensors_sha256=described["tensors_sha256"],
        family=str(described.get("spec", {}).get("kind", "network")),
        cohort_sha256=run.inputs.cohort.digest,
        teachers=run.inputs.teachers,
        packages=making.packages,
    )


def _config(config: Config, cohort: Cohort, *, pseudonyms: Pseudonyms) -> Config:
    """Return a config whose lists of cases name none, as where rows are chosen by their id."""
    known = {name for case in cohort.cases for name in (case.case_id, case.group_id)}
    slides = {slide.slide_id for slide in cohort.slides}
    where = {
        column: tuple(_named(value, known, slides, pseudonyms=pseudonyms) for value in values)
        for column, values in config.cohort.where.items()
    }
    return config.model_copy(update={"cohort": config.cohort.model_copy(update={"where": where})})


def _named(
    value: str, cases: Collection[str], slides: Collection[str], *, pseudonyms: Pseudonyms
) -> str:
    if value in cases:
        return pseudonyms.case(value)
    return pseudonyms.slide(value) if value in slides else value
