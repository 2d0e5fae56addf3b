"""What one use of a locked cohort measured: ``locked/<name>/measured/<number>.json``, sealed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import NonNegativeInt, PositiveInt

from shazam.cohort.locked import folder_of, read_record
from shazam.cohort.locked_uses import Use
from shazam.config.cohort import Task
from shazam.config.section import Name
from shazam.digest import canonical_json, digest_of
from shazam.errors import ArtifactError
from shazam.evaluation.result import ChampionFound, MetricValue
from shazam.manifests import Entry, QuarantineEntry, Sha256
from shazam.publish import publish_sealed, sealed_digest
from shazam.refs import MeasuredRef
from shazam.workspace import Workspace


class MeasuredModel(Entry):
    """One registered model on the locked cases: metrics, primary one first.

    ``not_computed`` are the metrics that these cases do not allow.
    """

    bundle_sha256: str = Sha256
    arm: str
    metrics: tuple[MetricValue, ...]
    not_computed: tuple[str, ...]


class Measured(Entry):
    """The result of one use, whose record and digest it holds.

    ``without_features`` are locked cases that could not be scored, ``quarantine`` why.
    """

    format: Literal["shazam-measured-1"] = "shazam-measured-1"
    locked: Name
    use: Use
    use_sha256: str = Sha256
    cohort_sha256: str = Sha256
    feature_set_sha256: str = Sha256
    task: Task
    n_locked: PositiveInt
    n_cases: PositiveInt
    n_events: NonNegativeInt | None
    without_features: tuple[str, ...]
    quarantine: tuple[QuarantineEntry, ...]
    n_draws: PositiveInt
    seed: NonNegativeInt
    release: MeasuredModel
    champion: MeasuredModel | None
    compared: ChampionFound | None


def publish_measured(measured: Measured, *, workspace: Workspace) -> MeasuredRef:
    """Publish the result of a use and its seal.

    Raises:
        ArtifactError: the use has a result already.
    """
    number = measured.use.number
    path = _path(measured.locked, number=number, workspace=workspace)
    if path.exists():
        raise ArtifactError(f"{path}: exists already; the result of a use is never changed")
    content = canonical_json(measured)

    def write(target: Path) -> None:
        target.write_bytes(content)

    publish_sealed(path, write)
    return MeasuredRef(uri=workspace.uri(path), sha256=digest_of(measured), number=number)


def measured_of(name: str, use: Use, *, workspace: Workspace) -> Path | None:
    """Return the path of a use's result; None if nothing was published.

    Raises:
        ArtifactError: the result was altered, or is of another use.
    """
    path = _path(name, number=use.number, workspace=workspace)
    if not path.is_file():
        return None
    if sealed_digest(path) is None:
        raise ArtifactError(f"{path}: altered since it was measured; restore it from a copy")
    if read_record(path, Measured).use_sha256 != digest_of(use):
        raise ArtifactError(f"{path}: is the result of another use than {use.number}")
    return path


def _path(name: str, *, number: int, workspace: Workspace) -> Path:
    return folder_of(name, workspace) / "measured" / f"{number:06d}.json"
