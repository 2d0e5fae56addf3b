"""The tables that the contracts are checked on: cohort, slides, tiles, features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from shazam.cohort import Cohort
from shazam.cohort.model import Case
from shazam.contracts import CheckedContract
from shazam.features.imports.rows import imported_rows
from shazam.features.rows import feature_rows
from shazam.integrations.expectations import check_contract
from shazam.manifests import (
    FeatureSetManifest,
    ImportManifest,
    TilesManifest,
    ValidationManifest,
)
from shazam.slides.rows import tile_rows
from shazam.workspace import Workspace

_OF_FEATURES = ("slide_id", "teacher")


def check_cohort_contracts(
    cohort: Cohort, manifest: ValidationManifest, *, workspace: Workspace
) -> tuple[CheckedContract, ...]:
    """Check cohort and slides.

    Raises:
        ContractError: a critical expectation failed.
    """
    cases = {case.case_id: case for case in cohort.cases}
    rows = [
        {**asdict(slide), **_case_values(cases[slide.case_id])}
        for slide in cohort.slides
        if slide.size_bytes > 0  # empty files are equal, and in quarantine
    ]
    table = pd.DataFrame(rows).dropna(axis="columns", how="all")
    slides = pd.DataFrame([slide.model_dump() for slide in manifest.slides])
    return (
        check_contract("cohort", table, workspace=workspace),
        check_contract("slides", slides, workspace=workspace),
    )


def check_case_contract(cohort: Cohort, *, workspace: Workspace) -> CheckedContract:
    """Check the cases of a cohort whose features are imported.

    Raises:
        ContractError: a critical expectation failed.
    """
    rows = [{"case_id": case.case_id, **_case_values(case)} for case in cohort.cases]
    table = pd.DataFrame(rows).dropna(axis="columns", how="all")
    return check_contract("cohort", table, workspace=workspace, label=("case_id",))


def check_feature_contracts(
    manifest: FeatureSetManifest, tiles: TilesManifest, *, workspace: Workspace
) -> tuple[CheckedContract, ...]:
    """Check every tile grid and every feature file.

    Raises:
        ContractError: a critical expectation failed.
    """
    features = feature_rows(manifest, tiles, workspace=workspace)
    return (
        check_contract("tiles", tile_rows(tiles, workspace=workspace), workspace=workspace),
        check_contract("features", features, workspace=workspace, label=_OF_FEATURES),
    )


def check_import_contract(
    manifests: Sequence[ImportManifest], *, workspace: Workspace
) -> CheckedContract:
    """Check every imported feature file against the same suite.

    Raises:
        ContractError: a critical expectation failed.
    """
    rows = imported_rows(manifests, workspace=workspace)
    return check_contract("features", rows, workspace=workspace, label=_OF_FEATURES)


def tell_warnings(checked: Sequence[CheckedContract]) -> None:
    """Print what was broken and goes on."""
    for contract in checked:
        for warning in contract.warnings:
            print(f"warning: {warning}", flush=True)


def _case_values(case: Case) -> dict[str, object]:
    event = None if case.event is None else int(case.event)
    return {"site": case.site, "time_months": case.time_months, "event": event}
