"""The bags to import: whole files, or rows of tables, each with its slide and case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shazam.errors import CohortError
from shazam.features.imports.bag import ImportOptions
from shazam.features.imports.sources import Hashed, SourceFile, check_slide_ids, hash_sources
from shazam.features.imports.table import Rows, table_rows

CaseOf = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Bag:
    """One bag to import: a whole file, or some rows of a table."""

    slide_id: str
    case_id: str
    file: SourceFile
    hashed: Hashed
    rows: Rows | None


def find_bags(
    files: Sequence[SourceFile], *, options: ImportOptions, case_of: CaseOf
) -> tuple[Bag, ...]:
    """Return the bags of all files, by slide id; nothing but ids and digests is read.

    Args:
        files: what is imported.
        options: what the files do not say of themselves.
        case_of: the case of a slide whose file is in no feature map.

    Raises:
        CohortError: ids or files are repeated or not valid; all are listed.
        ConfigError: a file is no table though it must be one.
    """
    hashed = hash_sources(files)
    bags: list[Bag] = []
    where: dict[str, list[str]] = defaultdict(list)
    for file in files:
        rows: Mapping[str, Rows | None] = {file.slide_id: None}
        if options.is_table:
            rows = table_rows(file.path, options=options)
        for slide_id, chosen in rows.items():
            where[slide_id].append(f"{file.path.parent.name}/{file.path.name}")
            case_id = file.case_id if file.case_id is not None else case_of(slide_id)
            bags.append(Bag(slide_id, case_id, file, hashed[file.path], chosen))
    problems = check_slide_ids(where)
    if problems:
        raise CohortError("import", problems)
    return tuple(sorted(bags, key=lambda bag: bag.slide_id))
