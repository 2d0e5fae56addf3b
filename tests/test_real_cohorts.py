"""Published cohort tables, read as they were published."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from pathlib import Path

import pytest

from shazam.cohort.model import Cohort
from shazam.cohort.store import load_cohort, write_cohort
from shazam.cohort.table import read_cases_table
from shazam.config.cohort import CohortConfig
from shazam.errors import CohortError
from shazam.workspace import Workspace
from tests.real_data import shared_data

pytestmark = pytest.mark.integration


def cohort(path: str, **values: object) -> Cohort:
    config = CohortConfig.model_validate({"name": "published", **values})
    return read_cases_table(shared_data() / path, config=config)


@pytest.mark.parametrize(
    ("name", "n_cases", "n_slides", "n_events", "n_sites"),
    [("kirc", 345, 350, 92, 18), ("luad", 453, 515, 158, 33)],
)
def test_porpoise_tables_are_read_out_of_their_zip(
    tmp_path: Path, name: str, n_cases: int, n_slides: int, n_events: int, n_sites: int
) -> None:
    path = f"survival_porpoise/tcga_{name}_all_clean.csv.zip"
    read = cohort(path, clinical_columns=["age", "is_female"])
    sites = {case.site for case in read.cases}
    assert (len(read.cases), len(read.slides), read.n_events) == (n_cases, n_slides, n_events)
    assert len(sites) == n_sites
    assert sites == {case.case_id.split("-")[1] for case in read.cases}
    with zipfile.ZipFile(shared_data() / path) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    rows = {row["case_id"]: row for row in csv.DictReader(io.StringIO(text))}
    for case in read.cases:
        row = rows[case.case_id]
        assert case.time_months == float(row["survival_months"])
        assert case.event is (float(row["censorship"]) == 0)
    ref = write_cohort(read, workspace=Workspace(tmp_path))
    assert load_cohort(tmp_path / ref.uri) == read


def test_multisurv_says_no_unit_and_has_times_of_zero() -> None:
    with pytest.raises(CohortError, match="column 'time' says no unit"):
        cohort("survival_multisurv/labels.tsv.gz")
    with pytest.raises(CohortError) as raised:
        cohort("survival_multisurv/labels.tsv.gz", time_unit="years")
    assert all("is not above 0" in problem for problem in raised.value.problems)
    assert len(raised.value.problems) == 137


def test_multisurv_is_read_when_the_config_says_what_it_does_not() -> None:
    read = cohort(
        "survival_multisurv/clinical_data.tsv.gz",
        time_unit="years",
        age_unit="days",
        clinical_columns=["age_at_diagnosis", "gender", "tumor_stage"],
        where={"project_id": ["LUAD"]},
        exclude=["time_not_positive"],
    )
    with gzip.open(shared_data() / "survival_multisurv/clinical_data.tsv.gz", "rt") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["project_id"] == "LUAD"]
    kept = {row["submitter_id"]: row for row in rows if float(row["time"]) > 0}
    assert {case.case_id for case in read.cases} == set(kept)
    assert len(read.excluded) == len(rows) - len(kept)
    assert read.n_events == sum(row["event"] == "1" for row in kept.values())
    for case in read.cases:
        assert case.time_months == pytest.approx(12 * float(kept[case.case_id]["time"]))
    assert {case.site for case in read.cases} == {case.case_id[5:7] for case in read.cases}
    assert [kind.value for _, kind in read.clinical_kinds] == ["number", "category", "category"]


def test_panther_tables_carry_several_endpoints_in_days() -> None:
    read = cohort(
        "survival_panther_sitesplits/TCGA_LUAD_overall_survival_k=0/train.csv.gz",
        endpoints=[{"name": name} for name in ("OS", "DSS", "PFI")],
        endpoint="OS",
        exclude=["without_outcome"],
    )
    assert (len(read.cases), len(read.slides), read.endpoint) == (359, 364, "OS")
    first = read.cases[0]
    assert first.time_months == pytest.approx(730 * 12 / 365.25)
    assert [(one.name, one.event) for one in first.endpoints] == [("DSS", False), ("PFI", True)]
    assert {case.site for case in read.cases} == {case.case_id[5:7] for case in read.cases}
