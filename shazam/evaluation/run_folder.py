"""A run's folder: the report's files are written there, and made again from what lies there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from shazam.digest import canonical_json, digest_of, digest_of_file
from shazam.errors import ArtifactError, ConfigError
from shazam.evaluation.attended import read_pictures
from shazam.evaluation.document import ReportDocument
from shazam.evaluation.model_card import render_card
from shazam.evaluation.report import render_report
from shazam.publish import publish_bytes, publish_sealed, sealed_digest

REPORT, TWIN, CARD, METRICS = "report.html", "report.json", "model_card.md", "metrics.json"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PREFIX = re.compile(r"[0-9a-f]{1,64}")


@dataclass(frozen=True, slots=True)
class Pages:
    """What a reader opens, and its twin: the bytes of each file."""

    html: bytes
    json: bytes
    card: bytes


def pages_of(document: ReportDocument, *, folder: Path) -> Pages:
    """Return the report's files; equal documents give equal bytes.

    Args:
        document: what the report shows.
        folder: of the run, in which the pictures lie that the document names.

    Raises:
        ArtifactError: a picture is missing or altered.
    """
    content = canonical_json(document)
    read_back = ReportDocument.model_validate_json(content)
    pixels = read_pictures(read_back.context.explanations, folder=folder)
    html = render_report(read_back.result, context=read_back.context, pixels=pixels)
    return Pages(html=html.encode(), json=content, card=render_card(read_back).encode())


def publish_pages(document: ReportDocument, *, folder: Path) -> None:
    """Write the report, the model card and the sealed twin into a run's folder.

    The pictures that the document names must lie there.

    Raises:
        ArtifactError: a picture is missing or altered.
    """
    pages = pages_of(document, folder=folder)

    def write(path: Path) -> None:
        path.write_bytes(pages.json)

    publish_sealed(folder / TWIN, write)
    publish_bytes(folder / CARD, pages.card)
    publish_bytes(folder / REPORT, pages.html)


def read_document(folder: Path) -> ReportDocument:
    """Return what a run's report shows, after its digests were compared.

    Raises:
        ArtifactError: a file is missing or altered, or the folder is not that of this run.
    """
    twin = folder / TWIN
    if not twin.is_file():
        raise ArtifactError(
            f"{twin}: missing; the folder is not that of a run, or an earlier version made it: "
            "run again with the same config, and name the folder that is printed last"
        )
    if sealed_digest(twin) is None:
        raise ArtifactError(f"{twin}: altered since it was written; run again with --no-cache")
    try:
        document = ReportDocument.model_validate_json(twin.read_bytes())
    except ValidationError as error:
        raise ArtifactError(f"{twin}: not the twin of a report: {error}") from error
    _check_folder(folder, document=document)
    return document


def find_run(name: str, *, runs: Path) -> Path:
    """Return the folder of a run.

    Args:
        name: its digest, the first letters of it if no other run has them, or the path of its
            folder or of a file in it, such as the report.
        runs: where the runs of a workspace lie.

    Raises:
        ConfigError: there is no such run, or several.
    """
    path = Path(name)
    if _PREFIX.fullmatch(name) and (found := _starting_with(name, runs=runs)):
        if len(found) > 1:
            shown = ", ".join(run.name[:16] for run in found[:5])
            raise ConfigError(
                f"'{name}': {len(found)} runs in {runs} start like this ({shown}); "
                "give more of the digest"
            )
        return found[0]
    if name and path.is_dir():
        return path
    if path.is_file():
        return path.parent
    known = ", ".join(run.name[:12] for run in _starting_with("", runs=runs)[:10])
    raise ConfigError(
        f"'{name}': no such run in {runs} (it holds {known or 'none'}), and no such path; "
        "give the digest of a run, the start of one, or the path of its folder"
    )


def _starting_with(prefix: str, *, runs: Path) -> list[Path]:
    folders = runs.iterdir() if runs.is_dir() else ()
    return sorted(
        path for path in folders if _DIGEST.fullmatch(path.name) and path.name.startswith(prefix)
    )


def _check_folder(folder: Path, *, document: ReportDocument) -> None:
    own = digest_of(document.key)
    name = folder.resolve().name
    if _DIGEST.fullmatch(name) and name != own:
        raise ArtifactError(
            f"{folder / TWIN}: is that of run {own[:12]}, not of the folder's name; "
            "it was moved or altered: run again with --no-cache"
        )
    metrics = folder / METRICS
    if not metrics.is_file():
        raise ArtifactError(f"{metrics}: missing; run again with --no-cache")
    if digest_of_file(metrics) != digest_of(document.result):
        raise ArtifactError(
            f"{metrics}: does not hold the numbers that {TWIN} shows; run again with --no-cache"
        )
