"""What the machine refused, in words."""

from __future__ import annotations

import errno

# the extra that brings a package
_EXTRAS = {
    "timm": "torch",
    "torch": "torch",
    "torchvision": "torch",
    "transformers": "transformers",
    "psycopg": "postgres",
}


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


def missing(error: ModuleNotFoundError) -> str | None:
    """Return which package of an extra is not installed, and how it is; None for any other."""
    name = (error.name or "").split(".", maxsplit=1)[0]
    extra = _EXTRAS.get(name)
    if extra is None:
        return None
    image = ", or take the full image" if extra == "torch" else ""
    return f"{name} is not installed; pip install -c requirements.lock 'shazam[{extra}]'{image}"
