"""What this room needs to know of a cohort."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from shazam.errors import SlideChangedError
from shazam.slidefiles import has_digest, size_of_slide


class SlideRecord(Protocol):
    """A slide as it was ingested; ``path`` is relative to the slide folder."""

    @property
    def slide_id(self) -> str: ...

    @property
    def case_id(self) -> str: ...

    @property
    def path(self) -> str: ...

    @property
    def size_bytes(self) -> int: ...

    @property
    def sha256(self) -> str: ...


class SlideList(Protocol):
    """A cohort, of which only the slides are looked at."""

    @property
    def slides(self) -> Sequence[SlideRecord]: ...


def check_unchanged(path: Path, *, size_bytes: int) -> None:
    """Compare a slide's files with what was ingested, without reading them.

    Args:
        path: the file that names the slide.
        size_bytes: bytes of all files of the slide when it was ingested.

    Raises:
        SlideChangedError: the file is gone, or all files together have another size.
    """
    if not path.is_file():
        raise SlideChangedError("the file is gone since it was ingested; put it back")
    try:
        found_bytes = size_of_slide(path)
    except OSError as error:
        raise SlideChangedError(
            f"a file of the slide cannot be looked at ({error.strerror}); put it back"
        ) from error
    if found_bytes != size_bytes:
        raise SlideChangedError(
            f"the slide has {found_bytes} bytes, {size_bytes} were ingested; ingest it again"
        )


def check_content(path: Path, *, sha256: str) -> None:
    """Compare a slide whose pixels were just read with what was ingested.

    What is kept under the digest of a slide must come from its bytes, also when they are changed
    for a while. They are read only if the files were written to since this process hashed them.

    Args:
        path: the file that names the slide.
        sha256: of all files of the slide when it was ingested.

    Raises:
        SlideChangedError: its bytes are others.
    """
    try:
        same = has_digest(path, sha256)
    except OSError as error:
        raise SlideChangedError(
            f"a file of the slide cannot be read any more ({error.strerror}); put it back"
        ) from error
    if not same:
        raise SlideChangedError(
            "the file's bytes are not those that were ingested; ingest it again"
        )
