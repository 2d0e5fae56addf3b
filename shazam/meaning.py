"""What code means: its syntax without remarks and docstrings, for keys that outlive a rewording.

A file that is made slide by slide costs hours, so its key holds the meaning of the code that
decides its bytes: a changed line makes it anew, a changed comment or layout does not.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache

from shazam.stages import SOURCE_ROOT, modules_of


@cache
def meaning_of(*files: str) -> str:
    """Return a digest of what Python files mean; another Python may give another.

    Args:
        files: relative to the source root; their order does not matter.

    Raises:
        FileNotFoundError: there is no such file.
    """
    content = hashlib.sha256()
    for name in sorted(files):
        tree = ast.parse((SOURCE_ROOT / name).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            _strip_docstring(node)
        content.update(f"{name}\0{ast.dump(tree)}\n".encode())
    return content.hexdigest()


@cache
def meaning_within(folder: str, file: str) -> str:
    """Return :func:`meaning_of` a file and of all that it imports in one folder.

    Args:
        folder: such as ``shazam/slides``.
        file: relative to the source root.
    """
    used = (name for name in modules_of(file) if name.startswith(f"{folder}/"))
    return meaning_of(*(name for name in used if name.endswith(".py")))


def _strip_docstring(node: ast.AST) -> None:
    match node:
        case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:]
        case _:
            pass
