"""What is installed on a machine or in an image, as CycloneDX 1.6 without times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from shazam import __version__
from shazam.promotion.evidence.provenance import installed
from shazam.promotion.evidence.sbom import package_component

DPKG_STATUS = Path("/var/lib/dpkg/status")
_SHAZAM = "shazam"


def installed_bill(*, dpkg_status: Path = DPKG_STATUS) -> dict[str, Any]:
    """Return the bill of Python's packages and Debian's as plain JSON data.

    Args:
        dpkg_status: Debian's list of its packages; without it they are left out.
    """
    parts = [
        *(package_component(name, number) for name, number in installed().items()),
        *_debian(dpkg_status),
    ]
    others = [part for part in parts if part["name"] != _SHAZAM]
    whole = {"type": "application", "bom-ref": _SHAZAM, "name": _SHAZAM, "version": __version__}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": whole},
        "components": others,
        "dependencies": [{"ref": _SHAZAM, "dependsOn": sorted(part["bom-ref"] for part in others)}],
    }


def _debian(status: Path) -> Iterator[dict[str, Any]]:
    """Yield each package whose files are there; the list is of paragraphs of ``Key: value``."""
    if not status.is_file():
        return
    for paragraph in status.read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in paragraph.splitlines() if not line.startswith(" ")]
        fields = dict(line.split(": ", maxsplit=1) for line in lines if ": " in line)
        if fields.get("Status", "").endswith(" installed"):
            name, version = fields["Package"], fields["Version"]
            kind = quote(fields.get("Architecture", "all"))
            purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={kind}"
            yield {
                "type": "library",
                "bom-ref": purl,
                "name": name,
                "version": version,
                "purl": purl,
            }
