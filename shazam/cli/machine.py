"""What the machine refused, in words."""

from __future__ import annotations

import errno


def refusal(error: OSError) -> str:
    """Return what the machine refused, and what can be done."""
    where = " and ".join(str(name) for name in (error.filename, error.filename2) if name)
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            advice = "free some space"
        case errno.EMFILE | errno.ENFILE:
            advice = "allow more open files (ulimit -n)"
        case _:
            advice = "make sure that it can be read and its folder written"
    told = f"{where or 'a file'}: {error.strerror or error}"
    return f"{told}; {advice}, then run again: what was published is kept"
