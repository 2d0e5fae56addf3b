"""The evidence as files of a bundle, and the inputs that are read back from them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TypeVar

import pandas as pd
import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from shazam.cohort.folds import Splits
from shazam.cohort.model import Cohort
from shazam.cohort.seen import SEEN_FILE, Seen, SeenByFold
from shazam.config.acceptance import AcceptanceConfig
from shazam.config.tree import Config
from shazam.digest import canonical_json
from shazam.errors import ArtifactError
from shazam.evaluation.drift_result import Drift
from shazam.evaluation.earlier import EarlierFreeze
from shazam.evaluation.power import Power
from shazam.evaluation.probe import ProbeResult
from shazam.evaluation.procedure import ScoredChampion
from shazam.manifests import Entry, Sha256, TeacherIdentity
from shazam.promotion.evidence.inputs import Inputs

Document = TypeVar("Document")

ACCEPTANCE, CONFIG, METRICS, SEEN = "acceptance.json", "config.json", "metrics.json", SEEN_FILE
FOLDER = "evidence"
_COHORT, _SPLITS, _PROBE = (f"{FOLDER}/{name}.json" for name in ("cohort", "splits", "probe"))
_BESIDE, _CHAMPION = f"{FOLDER}/beside.json", f"{FOLDER}/champion.parquet"
_TABLES = f"{FOLDER}/predictions"


class ChampionBeside(Entry):
    """The champion that was compared to: what it saw of this cohort, and if it predicts anything.

    Its predictions are in ``champion.parquet``.
    """

    bundle_sha256: str = Sha256
    trained_on: SeenByFold
    predicts: bool


class Beside(Entry):
    """What a verdict takes beside cases, folds, probes and predictions; ``arms`` were compared."""

    arms: tuple[str, ...]
    teachers: tuple[TeacherIdentity, ...]
    power: Power | None = None
    earlier: tuple[EarlierFreeze, ...] = ()
    drift: Drift | None = None
    champion: ChampionBeside | None = None


def evidence_files(inputs: Inputs) -> dict[str, bytes]:
    """Return the files of the evidence by their names in a bundle.

    Args:
        inputs: under pseudonyms.
    """
    champion = inputs.champion
    beside = Beside(
        arms=tuple(sorted(inputs.predictions)),
        teachers=inputs.teachers,
        power=inputs.power,
        earlier=inputs.earlier,
        drift=inputs.drift,
        champion=None if champion is None else _champion(champion),
    )
    files = {
        ACCEPTANCE: canonical_json(inputs.acceptance),
        _COHORT: canonical_json(inputs.cohort),
        _SPLITS: canonical_json(inputs.splits),
        _PROBE: canonical_json(inputs.probe),
        _BESIDE: canonical_json(beside),
        **{_table_name(arm): _parquet(frame) for arm, frame in inputs.predictions.items()},
    }
    if champion is not None and champion.table is not None:
        files[_CHAMPION] = _parquet(champion.table)
    return files


def read_inputs(folder: Path) -> Inputs:
    """Return what the verdict of a bundle was made of.

    Args:
        folder: of a bundle whose files were compared to their digests.

    Raises:
        ArtifactError: a file is missing, or not of its form.
    """
    beside = _read(folder / _BESIDE, TypeAdapter(Beside))
    return Inputs(
        predictions={arm: _read_table(folder / _table_name(arm)) for arm in beside.arms},
        cohort=_read(folder / _COHORT, TypeAdapter(Cohort)),
        splits=_read(folder / _SPLITS, TypeAdapter(Splits)),
        teachers=beside.teachers,
        probe=_read(folder / _PROBE, TypeAdapter(ProbeResult)),
        acceptance=_read(folder / ACCEPTANCE, TypeAdapter(AcceptanceConfig)),
        config=read_config(folder).evaluation,
        power=beside.power,
        champion=None if beside.champion is None else _scored(beside.champion, folder=folder),
        earlier=beside.earlier,
        drift=beside.drift,
    )


def read_config(folder: Path) -> Config:
    """Return the config of a bundle.

    Raises:
        ArtifactError: the file is missing, or not of its form.
    """
    return _read(folder / CONFIG, TypeAdapter(Config))


def _champion(champion: ScoredChampion) -> ChampionBeside:
    seen = champion.trained_on
    return ChampionBeside(
        bundle_sha256=champion.bundle_sha256,
        trained_on=SeenByFold(
            case_ids=tuple(sorted(seen.case_ids)),
            slides_sha256=tuple(sorted(seen.slides_sha256)),
            sites=None if seen.sites is None else tuple(sorted(seen.sites)),
        ),
        predicts=champion.table is not None,
    )


def _scored(beside: ChampionBeside, *, folder: Path) -> ScoredChampion:
    table = _read_table(folder / _CHAMPION) if beside.predicts else None
    seen: Seen = beside.trained_on.seen
    return ScoredChampion(beside.bundle_sha256, table, seen)


def _table_name(arm: str) -> str:
    return f"{_TABLES}/{arm}.parquet"


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _read_table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ArtifactError(f"{path}: missing or no table of predictions: {error}") from error


def _read(path: Path, kind: TypeAdapter[Document]) -> Document:
    try:
        return kind.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ArtifactError(f"{path}: missing or not of the form that is known here") from error
