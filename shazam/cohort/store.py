"""The cohort as one Parquet file: a row per slide, typed, equal bytes for equal cohorts.

A case without slides has one row of its own, in which those columns are empty.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from shazam.cohort.model import Case, Cohort, Endpoint, Excluded, Slide
from shazam.config.cohort import ClinicalKind, Task
from shazam.errors import ArtifactError
from shazam.publish import publish
from shazam.refs import CohortRef
from shazam.workspace import Workspace

_CLINICAL = pa.list_(pa.struct([("column", pa.string()), ("value", pa.string())]))
_VALUES = pa.list_(pa.struct([("target", pa.string()), ("value", pa.float64())]))
_ENDPOINTS = pa.list_(
    pa.struct([("name", pa.string()), ("time_months", pa.float64()), ("event", pa.bool_())])
)
_COLUMNS = [
    pa.field("slide_id", pa.string()),
    pa.field("case_id", pa.string(), nullable=False),
    pa.field("group", pa.string()),
    pa.field("path", pa.string()),
    pa.field("size_bytes", pa.int64()),
    pa.field("sha256", pa.string()),
    pa.field("site", pa.string()),
    pa.field("time_months", pa.float64()),
    pa.field("event", pa.bool_()),
    pa.field("label", pa.string()),
    pa.field("clinical", _CLINICAL),
    pa.field("values", _VALUES),
    pa.field("endpoints", _ENDPOINTS),
]


def write_cohort(cohort: Cohort, *, workspace: Workspace) -> CohortRef:
    """Publish a cohort as ``cohorts/<digest>/cohort.parquet`` and return its ref."""
    digest = cohort.digest
    path = workspace.root / "cohorts" / digest / "cohort.parquet"
    table = _table(cohort, digest=digest)

    def write(target: Path) -> None:
        pq.write_table(table, target, compression="zstd")

    def check(target: Path) -> None:
        load_cohort(target)

    sha256 = publish(path, write, check=check)
    return CohortRef(
        uri=workspace.uri(path),
        sha256=sha256,
        n_cases=len(cohort.cases),
        n_slides=len(cohort.slides),
        n_events=cohort.n_events,
    )


def load_cohort(path: Path) -> Cohort:
    """Return the cohort of a Parquet file.

    Raises:
        ArtifactError: the file is no cohort, or not the one its digest names.
    """
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise ArtifactError(f"{path}: not a readable cohort file: {error}") from error
    metadata = table.schema.metadata or {}
    if b"shazam.digest" not in metadata or b"shazam.task" not in metadata:
        raise ArtifactError(f"{path}: a Parquet file, but not a cohort written by shazam")
    cohort = _cohort(
        table.to_pylist(),
        task=Task(metadata[b"shazam.task"].decode()),
        about=json.loads(metadata.get(b"shazam.about", b"{}")),
    )
    if cohort.digest != metadata[b"shazam.digest"].decode():
        raise ArtifactError(f"{path}: the rows are not those the cohort's digest was made of")
    return cohort


def _table(cohort: Cohort, *, digest: str) -> pa.Table:
    cases = {case.case_id: case for case in cohort.cases}
    rows = [_row(slide, cases[slide.case_id]) for slide in cohort.slides]
    with_slides = {slide.case_id for slide in cohort.slides}
    rows += [_row(None, case) for case in cohort.cases if case.case_id not in with_slides]
    about = {
        "endpoint": cohort.endpoint,
        "clinical_kinds": cohort.clinical_kinds,
        "excluded": [(case.case_id, case.reason) for case in cohort.excluded],
        "notes": cohort.notes,
    }
    metadata = {
        "shazam.task": cohort.task.value,
        "shazam.digest": digest,
        "shazam.about": json.dumps(about, sort_keys=True),
    }
    return pa.Table.from_pylist(rows, schema=pa.schema(_COLUMNS, metadata=metadata))


def _row(slide: Slide | None, case: Case) -> dict[str, Any]:
    return {
        "slide_id": None if slide is None else slide.slide_id,
        "case_id": case.case_id,
        "group": case.group,
        "path": None if slide is None else slide.path,
        "size_bytes": None if slide is None else slide.size_bytes,
        "sha256": None if slide is None else slide.sha256,
        "site": case.site,
        "time_months": case.time_months,
        "event": case.event,
        "label": case.label,
        "clinical": [{"column": column, "value": value} for column, value in case.clinical],
        "values": [{"target": target, "value": value} for target, value in case.values],
        "endpoints": [asdict(endpoint) for endpoint in case.endpoints],
    }


def _cohort(rows: list[dict[str, Any]], *, task: Task, about: dict[str, Any]) -> Cohort:
    slides = tuple(
        Slide(
            slide_id=row["slide_id"],
            case_id=row["case_id"],
            path=row["path"],
            size_bytes=row["size_bytes"],
            sha256=row["sha256"],
        )
        for row in rows
        if row["slide_id"] is not None
    )
    cases = {
        row["case_id"]: Case(
            case_id=row["case_id"],
            site=row["site"],
            time_months=row["time_months"],
            event=row["event"],
            label=row["label"],
            clinical=tuple((pair["column"], pair["value"]) for pair in row["clinical"]),
            values=tuple((pair["target"], pair["value"]) for pair in row["values"]),
            group=row["group"],
            endpoints=tuple(Endpoint(**endpoint) for endpoint in row.get("endpoints") or ()),
        )
        for row in rows
    }
    return Cohort(
        task=task,
        cases=tuple(cases.values()),
        slides=slides,
        endpoint=about.get("endpoint"),
        clinical_kinds=tuple((n, ClinicalKind(k)) for n, k in about.get("clinical_kinds", ())),
        excluded=tuple(Excluded(*pair) for pair in about.get("excluded", ())),
        notes=tuple(about.get("notes", ())),
    )
