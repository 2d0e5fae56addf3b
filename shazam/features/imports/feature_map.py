"""The feature map: a JSON object from case ids to the files of their features.

``{"case": "a.pt"}``, ``{"case": ["a.pt", "b.pt"]}`` or ``{"case": {"teacher": "a.pt"}}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shazam.errors import CohortError, ConfigError
from shazam.features.imports.sources import ID_RULE, SourceFile
from shazam.ids import is_valid_id, resolve_inside

_Pairs = list[tuple[str, Any]]


class _Object(dict[str, Any]):
    """A JSON object that remembers keys which stand in it more than once."""

    def __init__(self, pairs: _Pairs) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.repeated = sorted({name for name in names if names.count(name) > 1})
        self.pairs = pairs


def read_feature_map(path: Path, *, teacher: str, root: Path | None) -> tuple[SourceFile, ...]:
    """Return the files of one teacher with their cases.

    Args:
        path: the JSON file.
        teacher: whose files are taken where a case names several teachers.
        root: the folder that all files lie in; None means the folder of the JSON file.

    Raises:
        CohortError: lists everything that is wrong.
    """
    folder = path.parent if root is None else root
    problems: list[str] = []
    cases = _parsed(path)
    problems += [f"case '{name}' stands more than once; give one list" for name in cases.repeated]
    files: list[SourceFile] = []
    owners: dict[Path, str] = {}
    for case_id, value in cases.pairs:
        if not is_valid_id(case_id):
            problems.append(f"case '{case_id}' is not a valid id; {ID_RULE}")
        for name in _names(case_id, value, teacher=teacher, problems=problems):
            resolved = _resolved(name, folder=folder, case_id=case_id, problems=problems)
            if resolved is None:
                continue
            if resolved in owners:
                problems.append(_named_twice(name, case_id, owners[resolved]))
                continue
            owners[resolved] = case_id
            files.append(SourceFile(folder.absolute() / name, case_id))
    if not cases:
        problems.append("names no case; give a JSON object from case ids to files")
    if problems:
        raise CohortError(str(path), list(dict.fromkeys(problems)))
    return tuple(files)


def _parsed(path: Path) -> _Object:
    try:
        value = json.loads(path.read_bytes(), object_pairs_hook=_Object)
    except OSError as error:
        raise CohortError(str(path), [f"cannot be read ({error.strerror})"]) from error
    except (ValueError, RecursionError) as error:
        raise CohortError(str(path), [f"not valid JSON in UTF-8: {error}"]) from error
    if not isinstance(value, _Object):
        raise CohortError(str(path), ["not a JSON object from case ids to files"])
    return value


def _names(case_id: str, value: object, *, teacher: str, problems: list[str]) -> Iterator[str]:
    if isinstance(value, _Object):
        problems.extend(f"case '{case_id}': '{name}' stands twice" for name in value.repeated)
        if teacher not in value:
            problems.append(
                f"case '{case_id}' has no files of teacher '{teacher}'; it has {sorted(value)}"
            )
            return
        value = value[teacher]
    names = value if isinstance(value, list) else [value]
    if not names:
        problems.append(f"case '{case_id}' has no files; name one or remove the case")
    for name in names:
        if isinstance(name, str) and name.strip() and "\0" not in name:
            yield name
        else:
            problems.append(f"case '{case_id}': {json.dumps(name)[:80]} is not the path of a file")


def _resolved(name: str, *, folder: Path, case_id: str, problems: list[str]) -> Path | None:
    try:
        path = resolve_inside(folder, name)
    except ConfigError:
        problems.append(
            f"case '{case_id}': '{name}' lies outside {folder}; name the folder that all files "
            "lie in with --feature-root"
        )
        return None
    except (OSError, RuntimeError, ValueError):  # a loop of links, or no name of a file
        problems.append(f"case '{case_id}': '{name}' cannot be followed")
        return None
    if not path.is_file():
        problems.append(f"case '{case_id}': '{name}' is no file in {folder}")
        return None
    return path


def _named_twice(name: str, case_id: str, owner: str) -> str:
    if owner == case_id:
        return f"case '{case_id}' names '{name}' twice; keep one"
    return f"'{name}' stands in case '{case_id}' and in case '{owner}'; a slide has one case"
