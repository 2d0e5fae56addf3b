"""What one use of a locked cohort measured: ``locked/<name>/measured/<number>.json``, sealed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from shazam.cohort.locked import folder_of, read_record
from shazam.cohort.locked_uses import Use
from shazam.config.cohort import Task
from shazam.config.section import Name
from shazam.digest import canonical_json, digest_of, digest_of_file
from shazam.errors import ArtifactError
from shazam.evaluation.measured_criteria import LockedCriteria
from shazam.evaluation.obligations import Obligation
from shazam.evaluation.result import ChampionFound, Gate, MetricValue
from shazam.evaluation.subgroups import Subgroup
from shazam.manifests import Entry, QuarantineEntry, Sha256
from shazam.publish import publish_sealed, sealed_digest
from shazam.refs import MeasuredRef
from shazam.workspace import Workspace


class MeasuredModel(Entry):
    """One registered model on the locked cases: metrics, primary one first.

    ``predictions_sha256`` is of its published predictions, ``not_computed`` are the metrics that
    these cases do not allow.
    """

    bundle_sha256: str = Sha256
    arm: str
    predictions_sha256: str = Sha256
    metrics: tuple[MetricValue, ...]
    not_computed: tuple[str, ...]


class NotJudged(Entry):
    """A gate of the acceptance file that a locked cohort cannot judge, and why."""

    name: str
    why: str


class Measured(Entry):
    """The result of one use, whose record and digest it holds, and the verdict on the release.

    ``without_features`` are locked cases that could not be scored, ``quarantine`` why.
    ``bundle_sha256`` is the release's.
    """

    format: Literal["shazam-measured-2"] = "shazam-measured-2"
    locked: Name
    use: Use
    use_sha256: str = Sha256
    bundle_sha256: str = Sha256
    acceptance_sha256: str = Sha256
    criteria: LockedCriteria
    cohort_sha256: str = Sha256
    feature_set_sha256: str = Sha256
    task: Task
    n_locked: PositiveInt
    n_cases: PositiveInt
    n_events: NonNegativeInt | None
    without_features: tuple[str, ...]
    quarantine: tuple[QuarantineEntry, ...]
    sites_promised: bool
    release: MeasuredModel
    champion: MeasuredModel | None
    compared: ChampionFound | None
    subgroups: tuple[Subgroup, ...]
    obligations: tuple[Obligation, ...]
    gates: tuple[Gate, ...] = Field(min_length=1)
    not_judged: tuple[NotJudged, ...]
    passed: bool


class _OfUse(BaseModel):
    """What is compared of a result, of this version or an earlier one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    use_sha256: str


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
    return MeasuredRef(
        uri=workspace.uri(path), sha256=digest_of(measured), number=number, passed=measured.passed
    )


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
    if read_record(path, _OfUse).use_sha256 != digest_of(use):
        raise ArtifactError(f"{path}: is the result of another use than {use.number}")
    return path


def table_path(name: str, *, number: int, model: str, workspace: Workspace) -> Path:
    """Return where the predictions of ``release`` or ``champion`` in a use are published."""
    return folder_of(name, workspace) / "measured" / f"{number:06d}.{model}.parquet"


def read_table(path: Path, *, sha256: str) -> pd.DataFrame:
    """Return the predictions of a model in a use.

    Raises:
        ArtifactError: the file is missing or altered.
    """
    if not path.is_file() or digest_of_file(path) != sha256:
        raise ArtifactError(f"{path}: missing, or altered since it was measured")
    return pd.read_parquet(path)


def _path(name: str, *, number: int, workspace: Workspace) -> Path:
    return folder_of(name, workspace) / "measured" / f"{number:06d}.json"
