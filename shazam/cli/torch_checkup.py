"""What `shazam doctor` says of torch, GPUs and teachers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from shazam.cli.checkup import OPTIONAL, Finding, State
from shazam.installed import installed_versions
from shazam.teachers.entry import Packaged
from shazam.teachers.library import TeacherLibrary

_WITHOUT = "not installed: nothing is extracted or trained here (pip install 'shazam[torch]')"


def torch_findings(*, load: bool, devices: Path = Path("/dev")) -> Iterator[Finding]:
    """Yield what torch is there, and the GPUs that it sees.

    Args:
        load: whether torch is loaded, which takes seconds; else GPUs are looked for as devices.
        devices: where devices of the machine lie.
    """
    versions = installed_versions()
    there = [f"{name} {versions[name]}" for name in OPTIONAL if versions[name] != "absent"]
    nodes = [path for path in devices.glob("nvidia[0-9]*") if path.name[6:].isdecimal()]
    if versions["torch"] == "absent":
        yield Finding("torch", State.NOTE, _WITHOUT)
        return
    if not load:
        yield Finding("torch", State.OK, ", ".join(there))
        yield Finding("gpu", State.OK if nodes else State.NOTE, _counted(len(nodes)))
        return
    try:
        gpus, remarks = _seen()
    except (ImportError, OSError) as error:
        told = f"installed, but cannot be loaded: {error}; install it as the lock says"
        yield Finding("torch", State.WRONG, told)
        return
    yield Finding("torch", State.OK, ", ".join(there))
    if gpus:
        yield Finding("gpu", State.OK, f"{_counted(len(gpus))}: {', '.join(gpus)}")
    elif nodes:
        told = f"{_counted(len(nodes))}, but torch cannot use any; is the driver older than CUDA?"
        yield Finding("gpu", State.WRONG, " ".join([told, *remarks]))
    else:
        yield Finding("gpu", State.NOTE, f"{_counted(0)}: the CPU computes")


def teacher_findings() -> Iterator[Finding]:
    """Yield which teachers can be loaded without fetching anything."""
    library = TeacherLibrary.open()
    entries = library.catalogue.entries.values()
    packaged = [
        entry.name
        for entry in entries
        if isinstance(entry.source, Packaged) and find_spec(entry.source.module) is not None
    ]
    named = ", ".join(sorted([*packaged, *library.lock.teachers])) or "none"
    told = f"{len(entries)} known; weights in packages or locked: {named}"
    yield Finding("teachers", State.OK, told)


def _seen() -> tuple[list[str], list[str]]:
    """Return the names of the GPUs, and what torch remarks about them."""
    import torch

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        names = [torch.cuda.get_device_name(number) for number in range(count)]
    return names, [str(warning.message).splitlines()[0] for warning in caught]


def _counted(number: int) -> str:
    return f"{number or 'no'} GPU{'' if number == 1 else 's'}"
