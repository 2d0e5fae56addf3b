"""The tables that the contracts are checked on: cohort, slides, features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from shazam.cohort import Cohort
from shazam.features.imports.rows import imported_rows
from shazam.features.rows import feature_rows
from shazam.integrations.expectations import ContractResult, check_contract
from shazam.manifests import (
    FeatureSetManifest,
    ImportManifest,
    TilesManifest,
    ValidationManifest,
)
from shazam.workspace import Workspace


def check_cohort_contracts(
    cohort: Cohort, manifest: ValidationManifest, *, workspace: Workspace
) -> str:
    """Check cohort and slides; returns the uri of the slides' Data Docs.

    Raises:
        ContractError: a critical expectation failed.
    """
    cases = {case.case_id: case for case in cohort.cases}
    rows = pd.DataFrame(
        [
            {
                **asdict(slide),
                "site": cases[slide.case_id].site,
                "time_months": cases[slide.case_id].time_months,
            }
            for slide in cohort.slides
            if slide.size_bytes > 0  # empty files are equal, and in quarantine
        ]
    ).dropna(axis="columns", how="all")
    _report(check_contract("cohort", rows, workspace=workspace))
    slides = pd.DataFrame([slide.model_dump() for slide in manifest.slides])
    return _report(check_contract("slides", slides, workspace=workspace))


def check_case_contract(cohort: Cohort, *, workspace: Workspace) -> None:
    """Check the cases of a cohort whose features are imported.

    Raises:
        ContractError: a critical expectation failed.
    """
    rows = pd.DataFrame([asdict(case) for case in cohort.cases]).dropna(axis="columns", how="all")
    known = [name for name in ("case_id", "site", "time_months") if name in rows]
    _report(check_contract("cohort", rows[known], workspace=workspace, label="case_id"))


def check_feature_contract(
    manifest: FeatureSetManifest, tiles: TilesManifest, *, workspace: Workspace
) -> str:
    """Check every feature file; returns the uri of the Data Docs.

    Raises:
        ContractError: a critical expectation failed.
    """
    rows = feature_rows(manifest, tiles, workspace=workspace)
    return _report(check_contract("features", rows, workspace=workspace))


def check_import_contract(
    manifests: Sequence[ImportManifest], *, workspace: Workspace
) -> ContractResult:
    """Check every imported feature file against the same suite; returns its warnings too.

    Raises:
        ContractError: a critical expectation failed.
    """
    rows = imported_rows(manifests, workspace=workspace)
    return check_contract("features", rows, workspace=workspace)


def check_imports_contract(manifests: Sequence[ImportManifest], *, workspace: Workspace) -> str:
    """Check the imports of all teachers; prints warnings, returns the uri of the Data Docs.

    Raises:
        ContractError: a critical expectation failed.
    """
    return _report(check_import_contract(manifests, workspace=workspace))


def _report(result: ContractResult) -> str:
    for finding in result.warnings:
        print(f"warning: {finding}", flush=True)
    return result.data_docs_uri
