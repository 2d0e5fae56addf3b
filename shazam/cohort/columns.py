"""Which columns of a table are meant by the names that we use, whatever the table calls them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shazam.cohort.endpoints import EndpointColumns, find_endpoints
from shazam.cohort.findings import Findings, missing_column
from shazam.config.cohort import CohortConfig, Columns, Task, Unit

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "case_id": (
        *("PATIENT_ID", "patient_id", "submitter_id", "case_submitter_id"),
        "bcr_patient_barcode",
    ),
    "slide_id": ("SLIDE_ID",),
    "slide_path": (),
    "site": ("tissue_source_site",),
    "label": (),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that are read: ``source[name]`` is what the table calls our ``name``.

    ``endpoints`` are those of survival, the predicted one first. ``index`` says that the first
    column has no name: it may only hold the numbers of the rows.
    """

    source: Mapping[str, str]
    endpoints: tuple[EndpointColumns, ...] = ()
    index: bool = False


def layout_of(
    header: Sequence[str], *, config: CohortConfig, with_slides: bool, findings: Findings
) -> Layout:
    """Return which columns of a cohort table are read; what is missing goes to ``findings``.

    Args:
        header: names of the columns.
        config: the task, and names of columns.
        with_slides: whether there must be a column ``slide_id``.
        findings: collects the problems.
    """
    check_names(header, findings=findings)
    source = sources(header, columns=config.columns, findings=findings)
    endpoints: tuple[EndpointColumns, ...] = ()
    if config.task is Task.SURVIVAL and config.unit is Unit.CASE:
        endpoints = find_endpoints(header, config=config, findings=findings)
    required = _required(config, with_slides=with_slides)
    check_present(required, header=header, source=source, findings=findings)
    wanted = [column for one in endpoints for column in one.columns]
    wanted += [*config.clinical_columns, *config.targets, *config.where]
    wanted += [name for name in header if name.lower() == "age"]
    return Layout(
        source=source | {name: name for name in wanted if name in header},
        endpoints=endpoints,
        index=bool(header) and not header[0],
    )


def sources(header: Sequence[str], *, columns: Columns, findings: Findings) -> dict[str, str]:
    """Return what the table calls our columns; a name that is not our own is said."""
    given = columns.given()
    found: dict[str, str] = {}
    for name, aliases in _ALIASES.items():
        if name in given:
            candidates: tuple[str, ...] = (given[name],)
        else:
            candidates = (name, *aliases)
        column = next((one for one in candidates if one in header), None)
        if column is not None:
            found[name] = column
            if column != name:
                findings.note(f"column '{column}' is read as {name}")
        elif name in given:
            findings.add(
                f"column '{given[name]}', which cohort.columns.{name} names, is missing", line=1
            )
    return found


def check_names(header: Sequence[str], *, findings: Findings) -> None:
    """Find columns without a name and names that stand twice.

    The first column may lack one: tables written with the numbers of their rows have it so.
    """
    for name, count in Counter(header).items():
        if not name and (count > 1 or header[0]):
            findings.add("a column has no name; name it or remove it", line=1)
        elif name and count > 1:
            findings.add(f"column '{name}' stands {count} times; keep one of them", line=1)


def check_present(
    required: Iterable[str],
    *,
    header: Sequence[str],
    source: Mapping[str, str],
    findings: Findings,
) -> None:
    """Find columns that are needed and missing, and suggest the nearest name."""
    for column in required:
        if column not in header and column not in source:
            findings.add(missing_column(column, header), line=1)


def _required(config: CohortConfig, *, with_slides: bool) -> tuple[str, ...]:
    ids = ("case_id", "slide_id") if with_slides else ("case_id",)
    outcome: tuple[str, ...] = ()
    match config.task:
        case Task.SURVIVAL:
            pass  # endpoints are looked for by themselves
        case Task.CLASSIFICATION:
            # tiles may bring labels of their own
            outcome = () if config.unit is Unit.TILE else ("label",)
        case Task.REGRESSION:
            outcome = config.targets
    return (*ids, *outcome, *config.clinical_columns, *config.where)
