"""Refs: what steps exchange. A ref names a manifest in the workspace and its digest.

Refs hold no tensors, no paths outside the workspace and no timestamps, so equal work gives
equal refs.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

SHA256_PATTERN = r"^[0-9a-f]{64}$"


class Ref(BaseModel):
    """A manifest in the workspace: ``uri`` relative to the workspace, ``sha256`` of its bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str
    sha256: str = Field(pattern=SHA256_PATTERN)


class CohortRef(Ref):
    """``cohort.parquet``: one row per slide, typed."""

    n_cases: NonNegativeInt
    n_slides: NonNegativeInt
    n_events: NonNegativeInt | None = None


class ValidationRef(Ref):
    """Slides that go on, and the quarantine with its reasons."""

    n_cases: NonNegativeInt
    n_slides: NonNegativeInt
    n_quarantined: NonNegativeInt


class ContractsRef(Ref):
    """The contracts that one step held its tables against; none was broken critically."""

    n_warnings: NonNegativeInt


class TilesRef(Ref):
    """The tile grids of all slides that go on."""

    n_slides: NonNegativeInt
    n_tiles: NonNegativeInt
    n_quarantined: NonNegativeInt


class FeaturesRef(Ref):
    """The feature files of one extraction: of one teacher or several, whole or a shard."""

    teachers: tuple[str, ...]
    n_slides: NonNegativeInt
    n_tiles: NonNegativeInt
    n_quarantined: NonNegativeInt


class FeatureSetRef(Ref):
    """The validated feature files of all teachers over the same slides."""

    teachers: tuple[str, ...]
    n_cases: NonNegativeInt
    n_slides: NonNegativeInt
    n_quarantined: NonNegativeInt


class SplitsRef(Ref):
    """Outer folds with their inner validation parts."""

    n_folds: NonNegativeInt


class FrozenRef(Ref):
    """The acceptance file as it was before any arm was fitted."""

    acceptance_sha256: str = Field(pattern=SHA256_PATTERN)


class PredictionsRef(Ref):
    """One arm's predictions: a row per seed, fold, part and case."""

    arm: str
    n_rows: NonNegativeInt


class ChampionRef(Ref):
    """What the champion predicts of the cases that it never saw."""

    n_cases: NonNegativeInt


class MeasuredRef(Ref):
    """What one use of a locked cohort measured, and whether its gates passed."""

    number: NonNegativeInt
    passed: bool


class LedgerRef(Ref):
    """An entry of the ledger: its number and, as ``sha256``, its hash."""

    seq: PositiveInt


class ModelRef(Ref):
    """One arm's members: the JSON manifest beside the safetensors file."""

    arm: str
    n_members: NonNegativeInt


class SiteProbeRef(Ref):
    """How well the features of each teacher tell the site."""


class DriftRef(Ref):
    """How the cohort differs from a reference; ``drifted`` if anything is beyond its bound."""

    drifted: bool


class ProbeRef(Ref):
    """What the site probe and the canary found."""


class ExplanationsRef(Ref):
    """What the candidate looks at."""


class EvaluationRef(Ref):
    """``metrics.json`` with the verdict of the gates."""

    passed: bool
    report_uri: str


class RegistrationRef(Ref):
    """The registered model version."""

    model_name: str
    version: str
    bundle_sha256: str = Field(pattern=SHA256_PATTERN)
    alias: str | None
