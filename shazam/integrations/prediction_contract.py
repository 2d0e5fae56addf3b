"""The table that the contract on predictions is checked on."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from shazam.cohort import Splits
from shazam.contracts import CheckedContract
from shazam.evaluation.prediction_rows import prediction_rows
from shazam.integrations.expectations import check_contract
from shazam.workspace import Workspace


def check_prediction_contract(
    tables: Mapping[str, pd.DataFrame], *, splits: Splits, workspace: Workspace
) -> CheckedContract:
    """Check the predictions of all arms.

    Raises:
        ContractError: a critical expectation failed.
    """
    rows = prediction_rows(tables, splits=splits)
    return check_contract("predictions", rows, workspace=workspace, label=("arm",))
