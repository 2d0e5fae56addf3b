"""The contents of slide files: their digests, and equal contents under two names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shazam.cohort.findings import Findings, lines_of
from shazam.cohort.slide_files import SlideFile
from shazam.progress import MakeProgress
from shazam.slidefiles import hash_slide, known_digest

_HASH_THREADS = 4


def hash_files(
    files: Iterable[SlideFile], *, findings: Findings, progress: MakeProgress
) -> dict[Path, str]:
    """Return the SHA-256 of each slide, several read at a time; equal contents are findings.

    Those that are known, and were not written to since, are not read.
    """
    lines = {file.path: file.line for file in files}

    def hashed(path: Path) -> str | None:
        try:
            return known_digest(path) or hash_slide(path)
        except OSError as error:
            findings.add(f"{path.name} cannot be read ({error.strerror})", line=lines[path])
            return None

    digests = {}
    with progress(len(lines)) as told, ThreadPoolExecutor(_HASH_THREADS) as pool:
        for path, digest in zip(lines, pool.map(hashed, lines), strict=True):
            digests[path] = digest
            told.advance()
    return {path: digest for path, digest in digests.items() if digest is not None}


def check_same_content(
    files: Sequence[SlideFile], *, sha256: Mapping[Path, str], findings: Findings
) -> None:
    """Find files of equal content under different names; empty files are left to validation."""
    by_content: dict[str, dict[Path, SlideFile]] = defaultdict(dict)
    for file in files:
        if file.path in sha256 and file.size_bytes > 0:
            by_content[sha256[file.path]].setdefault(file.path, file)
    for same in by_content.values():
        first, *others = same.values()
        for file in others:
            findings.add(
                f"slide '{file.slide_id}' ({file.path.name}) has the same content as slide "
                f"'{first.slide_id}' ({first.path.name}) of {lines_of([first.line])}; keep one",
                line=file.line,
            )


def of_equal_size(files: Sequence[SlideFile]) -> tuple[SlideFile, ...]:
    """Return the files that share their size with another file: the only possible duplicates."""
    by_size: dict[int, dict[Path, SlideFile]] = defaultdict(dict)
    for file in files:
        by_size[file.size_bytes].setdefault(file.path, file)
    return tuple(
        file
        for size_bytes, same in by_size.items()
        if size_bytes > 0 and len(same) > 1
        for file in same.values()
    )
