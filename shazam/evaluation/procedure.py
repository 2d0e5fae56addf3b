"""The candidate's procedure against the champion, on cases that are new since it was trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from shazam.cohort.folds import Splits
from shazam.cohort.model import Cohort
from shazam.cohort.seen import Seen, SeenRecord
from shazam.config.acceptance import ChampionKind
from shazam.config.evaluation import EvaluationConfig
from shazam.errors import ArtifactError, ConfigError
from shazam.evaluation.champion import Contender, compare_to_champion
from shazam.evaluation.out_of_fold import OutOfFold, score_columns_of
from shazam.evaluation.pairs import Array
from shazam.evaluation.result import ChampionFound
from shazam.evaluation.truth import Truth
from shazam.manifests import Entry, Sha256
from shazam.predictions import read_predictions
from shazam.refs import ChampionRef, PredictionsRef, Ref
from shazam.workspace import Workspace


class ChampionScores(Entry):
    """What the champion predicts of the cases that it never saw.

    ``predictions`` is None where there is no such case; ``seen`` is what it was trained on.
    """

    bundle_sha256: str = Sha256
    predictions: PredictionsRef | None
    seen: Ref


@dataclass(frozen=True, slots=True)
class ScoredChampion:
    """The same as values.

    Args:
        bundle_sha256: of the champion.
        table: its predictions table of new cases; None where there is none.
        trained_on: what any of its members saw.
    """

    bundle_sha256: str
    table: pd.DataFrame | None
    trained_on: Seen


def read_champion(ref: ChampionRef, *, workspace: Workspace) -> ScoredChampion:
    """Return what a ref names.

    Raises:
        ArtifactError: a file is missing or altered.
    """
    scores = workspace.read_manifest(ref, ChampionScores)
    given = scores.predictions
    table = None if given is None else read_predictions(given, workspace=workspace)
    seen = workspace.read_manifest(scores.seen, SeenRecord)
    return ScoredChampion(scores.bundle_sha256, table, seen.whole)


def compare_procedure(
    candidate: OutOfFold,
    *,
    champion: ScoredChampion,
    truth: Truth,
    splits: Splits,
    cohort: Cohort,
    config: EvaluationConfig,
    told: bool,
) -> ChampionFound:
    """Compare the candidate's out-of-fold predictions to the champion's, on the new cases.

    Args:
        candidate: in the order of the truth.
        champion: its predictions of cases that it never saw.
        truth: outcomes of all tested cases.
        splits: what the candidate's members were trained on.
        cohort: holds the cases and their slides.
        config: bootstrap.
        told: whether the candidate is told from guessing, by all tested cases.

    Raises:
        LeakError: the champion was trained on a case that it is said not to have seen.
        ArtifactError: its table lacks columns.
    """
    known = set() if champion.table is None else set(champion.table["case_id"])
    rows = np.array([n for n, name in enumerate(truth.case_ids) if name in known], dtype=np.int64)
    if champion.table is None or not len(rows):
        return _none(champion, f"it was trained on all {len(truth.case_ids)} tested cases")
    tested = truth.select(rows)
    if len(rows) < 2:
        return _none(champion, f"only {tested.case_ids[0]} is new since it was trained")
    folds = SeenRecord.of(cohort, splits=splits).folds[: tested.n_folds]
    try:
        compared = compare_to_champion(
            Contender(candidate.scores[rows], tuple(fold.seen for fold in folds)),
            champion=Contender(_scores(champion.table, truth=tested), (champion.trained_on,)),
            truth=tested,
            cohort=cohort,
            kind=ChampionKind.PROCEDURE,
            n_replicates=config.bootstrap,
            seed=config.seed,
            candidate_told=told,
        )
    except (ArtifactError, ConfigError) as error:
        return _none(champion, f"on {len(rows)} cases that are new since it was trained, {error}")
    return ChampionFound(bundle_sha256=champion.bundle_sha256, comparison=compared)


def _none(champion: ScoredChampion, why: str) -> ChampionFound:
    return ChampionFound(bundle_sha256=champion.bundle_sha256, why_not=why)


def _scores(table: pd.DataFrame, *, truth: Truth) -> Array:
    columns = score_columns_of(truth)
    if missing := [name for name in columns if name not in table.columns]:
        raise ArtifactError(f"the champion does not predict {', '.join(missing)}")
    ordered = table.set_index("case_id").loc[list(truth.case_ids), columns]
    scores: Array = ordered.to_numpy(dtype=np.float64)
    return scores
