"""Tell whether a cohort table or its slide folder changed, without reading the slides."""

from __future__ import annotations

from pathlib import Path

from shazam.digest import digest_of, digest_of_file
from shazam.errors import CohortError


def source_digest(table: Path, *, slides_dir: Path | None) -> str:
    """Return a digest of the table's bytes and of the folder's listing, if there is one.

    The listing holds each file's path, size and modification time; a digest that differs only
    means that the slides must be looked at again.

    Raises:
        CohortError: the table cannot be read.
    """
    try:
        table_sha256 = digest_of_file(table)
    except OSError as error:
        raise CohortError(
            str(table), [f"cannot be read ({error.strerror}); cohort.table must name a CSV file"]
        ) from error
    files = () if slides_dir is None else sorted(slides_dir.rglob("*"))
    root = slides_dir or table.parent
    listing = [
        (path.relative_to(root).as_posix(), stat.st_size, stat.st_mtime_ns)
        for path in files
        if path.is_file() and (stat := path.stat())
    ]
    return digest_of([table_sha256, listing])
