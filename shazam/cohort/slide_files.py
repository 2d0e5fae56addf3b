"""The slide files that a table's rows name: each there, readable, inside its folder, and once."""

from __future__ import annotations

import stat
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shazam.cohort.findings import Findings
from shazam.cohort.rows import SLIDE_NAME, Row, Rows
from shazam.errors import ConfigError
from shazam.ids import is_valid_id, resolve_inside
from shazam.slidefiles import files_of, series_in, size_of_slide


@dataclass(frozen=True, slots=True)
class SlideFile:
    """A row's slide with its file; ``path`` is resolved, ``size_bytes`` is of all its files."""

    slide_id: str
    case_id: str
    line: int
    path: Path
    size_bytes: int


def find_slide_files(table: Rows, *, slides_dir: Path, findings: Findings) -> tuple[SlideFile, ...]:
    """Return the file of every row that has one; what is wrong goes to ``findings``."""
    if not slides_dir.is_dir():
        findings.add(f"{slides_dir}: no such folder; cohort.slides_dir must hold the slides")
        return ()
    if "slide_id" not in table.columns:
        return ()
    check_slide_ids(table.rows, findings=findings)
    by_name = {} if "slide_path" in table.columns else _files_by_name(slides_dir)
    files = []
    for row in table.rows:
        path = _path_of(row, slides_dir=slides_dir, by_name=by_name, findings=findings)
        size_bytes = None if path is None else _size_of(path, row=row, findings=findings)
        if path is None or size_bytes is None:
            continue
        files.append(
            SlideFile(row["slide_id"], row.cells.get("case_id", ""), row.line, path, size_bytes)
        )
    _check_same_path(files, findings=findings)
    return tuple(files)


def check_slide_ids(rows: Sequence[Row], *, findings: Findings) -> None:
    """Check that every row names a slide, each once; what is wrong goes to ``findings``."""
    seen: dict[str, Row] = {}
    for row in rows:
        slide_id = row["slide_id"]
        if not slide_id:
            findings.add("slide_id is empty; name the slide", line=row.line)
            continue
        if not is_valid_id(slide_id):
            findings.add(
                f"slide_id '{slide_id}' is not a valid id; use letters, digits, '.', '_' and "
                "'-', at most 128, starting with a letter or digit",
                line=row.line,
            )
        if slide_id in seen:
            findings.add(_repeated(row, first=seen[slide_id]), line=row.line)
        seen.setdefault(slide_id, row)


def _repeated(row: Row, *, first: Row) -> str:
    case_id, first_case_id = row.cells.get("case_id", ""), first.cells.get("case_id", "")
    if case_id == first_case_id:
        return f"slide '{row['slide_id']}' already stands in line {first.line}; keep one row"
    return (
        f"slide '{row['slide_id']}' belongs to case '{case_id}' here and to case "
        f"'{first_case_id}' in line {first.line}; a slide has one case"
    )


def _files_by_name(slides_dir: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(slides_dir.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_file():
            for name in {path.name, path.stem}:
                found[name].append(path)
        elif path.is_dir() and series_in(path):
            found[path.name].append(path)
    return found


def _path_of(
    row: Row, *, slides_dir: Path, by_name: Mapping[str, Sequence[Path]], findings: Findings
) -> Path | None:
    if not row["slide_id"]:
        return None
    if "slide_path" in row.cells:
        given = _given_path(row, slides_dir=slides_dir, findings=findings)
        return None if given is None else _first_of_series(given, row=row, findings=findings)
    name = row.cells.get(SLIDE_NAME, row["slide_id"])
    matches = by_name.get(name) or by_name.get(row["slide_id"], [])
    exact = [path for path in matches if path.name == name]
    matches = exact or _without_parts(matches)
    if len(matches) == 1:
        named = matches[0].name
        found = _inside(named, slides_dir=slides_dir, line=row.line, findings=findings)
        return None if found is None else _first_of_series(found, row=row, findings=findings)
    if matches:
        names = ", ".join(path.name for path in matches)
        problem = f"slide '{row['slide_id']}' fits several files ({names}); add slide_path"
    else:
        problem = f"slide '{row['slide_id']}' has no file of that name in {slides_dir}"
    findings.add(problem, line=row.line)
    return None


def _without_parts(matches: Sequence[Path]) -> list[Path]:
    """Leave out files that are parts of a slide that another of the files names."""
    if len(matches) < 2:
        return list(matches)
    parts = {part for path in matches for part in files_of(path)[1:] if path.is_file()}
    return [path for path in matches if path not in parts] or list(matches[:1])


def _given_path(row: Row, *, slides_dir: Path, findings: Findings) -> Path | None:
    given = row["slide_path"]
    if not given or "\0" in given:
        findings.add(
            f"slide_path of slide '{row['slide_id']}' is empty or no path; name its file",
            line=row.line,
        )
        return None
    return _inside(given, slides_dir=slides_dir, line=row.line, findings=findings)


def _first_of_series(path: Path, *, row: Row, findings: Findings) -> Path | None:
    """Return the file that names the slide of a folder with one DICOM series; files stay."""
    if not path.is_dir():
        return path
    series = series_in(path)
    if len(series) > 1:
        findings.add(
            f"slide '{row['slide_id']}' is the folder {path.name} with {len(series)} DICOM "
            "series; name a file of the right one in slide_path",
            line=row.line,
        )
        return None
    return next(iter(series.values()), path)


def _inside(given: str, *, slides_dir: Path, line: int, findings: Findings) -> Path | None:
    try:
        return resolve_inside(slides_dir, given)
    except ConfigError:
        findings.add(f"path '{given}' leaves {slides_dir}; move the slide below it", line=line)
    except (OSError, RuntimeError):  # RuntimeError: a loop of links
        findings.add(f"path '{given}' cannot be followed; name the file itself", line=line)
    return None


def _size_of(path: Path, *, row: Row, findings: Findings) -> int | None:
    named = f"slide '{row['slide_id']}' ({row.cells.get('slide_path') or path.name})"
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            findings.add(f"{named} is {kind}; name the slide's file", line=row.line)
            return None
        with path.open("rb"):
            return size_of_slide(path)
    except FileNotFoundError:
        findings.add(f"{named} does not exist; correct the name or add the file", line=row.line)
    except OSError as error:
        findings.add(f"{named} cannot be read ({error.strerror})", line=row.line)
    return None


def _check_same_path(files: Sequence[SlideFile], *, findings: Findings) -> None:
    first_of: dict[Path, SlideFile] = {}
    for file in files:
        first = first_of.setdefault(file.path, file)
        if first.slide_id != file.slide_id:
            findings.add(
                f"slide '{file.slide_id}' names the same file ({file.path.name}) as slide "
                f"'{first.slide_id}' in line {first.line}; keep one",
                line=file.line,
            )
