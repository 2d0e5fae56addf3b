"""Four published views of lung adenocarcinoma slides, as teachers of cases with known sites."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from shazam.cohort.model import Case
from shazam.features.bags import PackedBags, offsets_of
from shazam.manifests import LevelDims, TeacherIdentity
from shazam.training.outcomes import Outcomes

FILE = Path("multiview_hif") / "luad_views.npz"
CLINICAL = Path("survival_multisurv") / "clinical_data.tsv.gz"
_DAYS_A_YEAR = 365.25
VIEWS = ("clustering", "density", "proportion", "region")
_LEVEL = "high"
_SOURCES = ("age_at_diagnosis", "gender", "tumor_stage")
Clinical = tuple[tuple[str, str], ...]
_UNKNOWN: Clinical = (("age", ""), ("sex", ""), ("stage", ""))


@dataclass(frozen=True, slots=True)
class Views:
    """Cases, and the features of their slides: a bag holds one row a slide, NaN where missing."""

    cases: tuple[Case, ...]
    bags: PackedBags
    outcomes: Outcomes

    @property
    def teachers(self) -> tuple[TeacherIdentity, ...]:
        """The views as teachers."""
        return tuple(
            TeacherIdentity(
                name=view,
                revision="1",
                weights_sha256=None,
                transform_sha256=None,
                dims=LevelDims(high=self.bags.dims[view, _LEVEL]),
                licence="CC-BY-SA-4.0",
            )
            for view in VIEWS
        )


def read_clinical(path: Path) -> dict[str, Clinical]:
    """Return age (years), sex and stage (I to IV, substages joined) of cases; "" is not known."""
    table = pd.read_csv(path, sep="\t", usecols=["submitter_id", *_SOURCES], dtype=str)
    table = table.fillna("").drop_duplicates("submitter_id")
    return {
        name: (("age", _years(days)), ("sex", sex), ("stage", _stage(stage)))
        for name, days, sex, stage in table[["submitter_id", *_SOURCES]].to_numpy(str)
    }


def _years(days: str) -> str:
    return f"{float(days) / _DAYS_A_YEAR:.2f}" if days else ""


def _stage(text: str) -> str:
    """Return ``iii`` of ``stage iiia``."""
    return text.removeprefix("stage ").rstrip("abc") if text.startswith("stage ") else ""


def read_views(data: Path) -> Views:
    """Read the views from the folder of the reference data."""
    with np.load(data / FILE) as file:
        arrays = {name: file[name] for name in file.files}
    order = np.lexsort((arrays["slide_id"], arrays["case_id"]))
    names, first, lengths = np.unique(
        arrays["case_id"][order], return_index=True, return_counts=True
    )
    one = order[first]
    time_months = arrays["time_months"][one].astype(np.float64)
    event = arrays["event"][one] > 0
    cases = tuple(
        Case(str(name), str(site), float(months), bool(died), None, ())
        for name, site, months, died in zip(
            names, arrays["site"][one], time_months, event, strict=True
        )
    )
    clinical = read_clinical(data / CLINICAL)
    cases = tuple(replace(case, clinical=clinical.get(case.case_id, _UNKNOWN)) for case in cases)
    case_ids = tuple(case.case_id for case in cases)
    levels = {
        (view, _LEVEL): torch.from_numpy(arrays[f"view_{view}"][order].astype(np.float32))
        for view in VIEWS
    }
    bags = PackedBags(
        case_ids=case_ids, offsets=offsets_of(torch.from_numpy(lengths)), levels=levels
    )
    return Views(cases, bags, Outcomes(case_ids, time_months, event, None, ()))
