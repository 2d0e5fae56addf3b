"""The cohort table: one row per slide, read strictly and judged completely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from shazam.cohort.exclusion import leave_out
from shazam.cohort.findings import Findings
from shazam.cohort.model import Cohort, Excluded, Slide
from shazam.cohort.outcomes import ReadCases, read_cases
from shazam.cohort.rows import Rows, read_rows
from shazam.cohort.slide_contents import check_same_content, hash_files, of_equal_size
from shazam.cohort.slide_files import SlideFile, check_slide_ids, find_slide_files
from shazam.config.cohort import CohortConfig
from shazam.errors import CohortError
from shazam.progress import MakeProgress, silent


def read_table(
    table: Path, *, slides_dir: Path, config: CohortConfig, progress: MakeProgress = silent
) -> Cohort:
    """Read a cohort table and hash every slide.

    Columns: ``case_id``, ``slide_id``; a time (above 0) and an event (1 seen, 0 censored) of each
    endpoint, or ``label``, or the configured targets (numbers, empty where not measured);
    optional ``slide_path`` (below ``slides_dir``; without the column a slide is the one file named
    after its id), ``site`` and the configured clinical columns.

    Args:
        table: a file of text, plain or packed by gzip or zip.
        slides_dir: the folder below which all slides lie.
        config: task, columns, endpoints and units.
        progress: told of every slide that is hashed.

    Raises:
        CohortError: lists everything that is wrong, not only the first.
    """
    findings = Findings()
    rows, excluded = _rows(table, config=config, with_slides=True, findings=findings)
    read = read_cases(rows, config=config, findings=findings)
    files = find_slide_files(rows, slides_dir=slides_dir, findings=findings)
    sha256 = hash_files(files, findings=findings, progress=progress)
    check_same_content(files, sha256=sha256, findings=findings)
    _raise_if_any(findings, table=table)
    slides = _slides(files, slides_dir=slides_dir, sha256=sha256)
    return _cohort(
        read, rows=rows, slides=slides, excluded=excluded, config=config, findings=findings
    )


def check_table(table: Path, *, slides_dir: Path, config: CohortConfig) -> Cohort:
    """Find all that :func:`read_table` would find, hashing only files of equal size.

    Returns:
        The cohort, in which slides have no ``sha256``.

    Raises:
        CohortError: lists everything that is wrong.
    """
    findings = Findings()
    rows, excluded = _rows(table, config=config, with_slides=True, findings=findings)
    read = read_cases(rows, config=config, findings=findings)
    files = find_slide_files(rows, slides_dir=slides_dir, findings=findings)
    suspects = of_equal_size(files)
    sha256 = hash_files(suspects, findings=findings, progress=silent)
    check_same_content(suspects, sha256=sha256, findings=findings)
    _raise_if_any(findings, table=table)
    slides = _slides(files, slides_dir=slides_dir, sha256={file.path: "" for file in files})
    return _cohort(
        read, rows=rows, slides=slides, excluded=excluded, config=config, findings=findings
    )


def read_cases_table(table: Path, *, config: CohortConfig) -> Cohort:
    """Read a cohort table whose features are imported: no slide needs a file.

    Without the column ``slide_id`` there is one row for each case.

    Args:
        table: a file of text; columns as of :func:`read_table`.
        config: task, columns, endpoints and units.

    Raises:
        CohortError: lists everything that is wrong.
    """
    findings = Findings()
    rows, excluded = _rows(table, config=config, with_slides=False, findings=findings)
    read = read_cases(rows, config=config, findings=findings)
    if "slide_id" in rows.columns:
        check_slide_ids(rows.rows, findings=findings)
    else:
        _check_one_row_each(rows, findings=findings)
    _raise_if_any(findings, table=table)
    slides = _slides_without_files(rows)
    return _cohort(
        read, rows=rows, slides=slides, excluded=excluded, config=config, findings=findings
    )


def _rows(
    table: Path, *, config: CohortConfig, with_slides: bool, findings: Findings
) -> tuple[Rows, tuple[Excluded, ...]]:
    rows = read_rows(table, config=config, findings=findings, with_slides=with_slides)
    return leave_out(rows, config=config, findings=findings)


def _cohort(
    read: ReadCases,
    *,
    rows: Rows,
    slides: tuple[Slide, ...],
    excluded: tuple[Excluded, ...],
    config: CohortConfig,
    findings: Findings,
) -> Cohort:
    named = rows.endpoints and (config.endpoints or config.endpoint)
    return Cohort(
        task=config.task,
        cases=read.cases,
        slides=slides,
        endpoint=rows.endpoints[0].name if named else None,
        clinical_kinds=tuple(read.kinds.items()),
        excluded=excluded,
        notes=findings.notes,
    )


def _check_one_row_each(rows: Rows, *, findings: Findings) -> None:
    first: dict[str, int] = {}
    for row in rows.rows if "case_id" in rows.columns else ():
        if row["case_id"] in first:
            findings.add(
                f"case '{row['case_id']}' already stands in line {first[row['case_id']]}; keep "
                "one row, or name its slides in a column slide_id",
                line=row.line,
            )
        first.setdefault(row["case_id"], row.line)


def _slides_without_files(rows: Rows) -> tuple[Slide, ...]:
    if "slide_id" not in rows.columns:
        return ()
    return tuple(
        Slide(row["slide_id"], row["case_id"], path="", size_bytes=0, sha256="")
        for row in rows.rows
    )


def _raise_if_any(findings: Findings, *, table: Path) -> None:
    if findings.messages:
        raise CohortError(str(table), findings.messages, notes=findings.notes)


def _slides(
    files: Sequence[SlideFile], *, slides_dir: Path, sha256: Mapping[Path, str]
) -> tuple[Slide, ...]:
    root = slides_dir.resolve()
    return tuple(
        Slide(
            slide_id=file.slide_id,
            case_id=file.case_id,
            path=file.path.relative_to(root).as_posix(),
            size_bytes=file.size_bytes,
            sha256=sha256[file.path],
        )
        for file in files
    )
