"""The files to import, each with its slide and case; what is wrong is listed at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shazam.digest import digest_of_file
from shazam.errors import CohortError, SlideChangedError
from shazam.features.imports.read import SUFFIXES
from shazam.ids import is_valid_id

ID_RULE = "use letters, digits, '.', '_' and '-', at most 128, starting with a letter or digit"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to import, under the name that the user gave: a link names the slide, not its target.

    ``case_id`` is None where the feature map does not name the file.
    """

    path: Path
    case_id: str | None = None

    @property
    def slide_id(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem


@dataclass(frozen=True, slots=True)
class Hashed:
    """The digest of a file, and by what it is seen that the file was changed since."""

    sha256: str
    size_bytes: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> Hashed:
        """Hash a file."""
        status = path.stat()
        return cls(digest_of_file(path), status.st_size, status.st_mtime_ns)

    def check_unchanged(self, path: Path) -> None:
        """Refuse a file that was changed since it was hashed.

        Raises:
            SlideChangedError: its size or time is another.
        """
        status = path.stat()
        if (status.st_size, status.st_mtime_ns) != (self.size_bytes, self.changed_ns):
            raise SlideChangedError(f"{path.name}: changed while it was imported; import it again")


def find_files(paths: Sequence[Path]) -> tuple[SourceFile, ...]:
    """Return the files that paths name; of a folder, those in it that can be imported.

    Raises:
        CohortError: a path does not exist, or a folder holds nothing that can be imported.
    """
    problems: list[str] = []
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = _in_folder(path)
            if not inside:
                problems.append(f"{path}: holds no file named {', '.join(SUFFIXES)}")
            found.extend(inside)
        elif path.is_file():
            found.append(path)
        else:
            problems.append(f"{path}: no such file or folder")
    if problems:
        raise CohortError("import", problems)
    return tuple(SourceFile(path) for path in dict.fromkeys(path.absolute() for path in found))


def _in_folder(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]


def hash_sources(files: Sequence[SourceFile]) -> dict[Path, Hashed]:
    """Return the SHA-256 of every file.

    Raises:
        CohortError: a file cannot be read, or two have the same content.
    """
    hashed: dict[Path, Hashed] = {}
    names: dict[str, list[str]] = defaultdict(list)
    problems: list[str] = []
    for file in files:
        try:
            hashed[file.path] = Hashed.of(file.path)
        except OSError as error:
            problems.append(f"{file.path.name}: cannot be read ({error.strerror})")
            continue
        names[hashed[file.path].sha256].append(file.path.name)
    problems += [
        f"{' and '.join(same)} have the same content; a slide must not count twice, keep one"
        for same in names.values()
        if len(same) > 1
    ]
    if problems:
        raise CohortError("import", problems)
    return hashed


def check_slide_ids(slide_ids: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what is wrong with the ids of slides.

    Args:
        slide_ids: where each id comes from, by id.
    """
    problems = [
        f"slide '{slide_id}' ({where[0]}) is not a valid id; {ID_RULE}"
        for slide_id, where in slide_ids.items()
        if not is_valid_id(slide_id)
    ]
    return problems + [
        f"slide '{slide_id}' comes from {' and from '.join(where)}; a slide has one set of "
        "features for each teacher"
        for slide_id, where in slide_ids.items()
        if len(where) > 1
    ]
