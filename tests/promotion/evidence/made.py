"""Made evidence for tests."""

from __future__ import annotations

from pathlib import Path

from shazam.cohort.seen import Seen
from shazam.config.tree import Config
from shazam.digest import canonical_json
from shazam.evaluation.procedure import ScoredChampion
from shazam.promotion.evidence import Inputs, Pseudonyms
from shazam.promotion.evidence.files import CONFIG, METRICS, evidence_files
from shazam.publish import publish_bytes
from tests.evaluation import made

PSEUDONYMS = Pseudonyms(bytes(range(32)))
EVALUATION = made.CONFIG.model_copy(update={"bootstrap": 100})
ARMS = {"fusion_student_v2": 0.5, "late_ensemble": 1.2}


def config_of() -> Config:
    """Return a config whose evaluation and acceptance are those of the evidence."""
    return Config.model_validate(
        {
            "cohort": {"name": "made"},
            "extraction": {"teachers": ["lite0"]},
            "evaluation": EVALUATION.model_dump(mode="json"),
            "acceptance": made.ACCEPTANCE.model_dump(mode="json", exclude_unset=True),
        }
    )


def inputs_of(n_cases: int = 54) -> Inputs:
    """Return survival of 9 sites, two arms and a champion, under the cases' own names."""
    cohort, signal = made.survival_cohort(n_cases)
    splits = made.splits_of(cohort)
    tables = {
        arm: made.predictions(arm, signal, cohort=cohort, splits=splits, noise=noise)
        for arm, noise in ARMS.items()
    }
    theirs = tables["late_ensemble"]
    new = theirs[(theirs["part"] == "test") & theirs["case_id"].isin(splits.folds[0].test)]
    seen = Seen(frozenset({"case-900"}), frozenset({"f" * 64}))
    config = config_of()
    return Inputs(
        predictions=tables,
        cohort=cohort,
        splits=splits,
        teachers=(made.teacher(),),
        probe=made.probe_result(),
        acceptance=config.acceptance,
        config=config.evaluation,
        champion=ScoredChampion("c" * 64, new, seen),
    )


def write_evidence(inputs: Inputs, folder: Path) -> None:
    """Write evidence with its verdict and config, as a bundle holds them."""
    files = evidence_files(inputs)
    files[CONFIG] = canonical_json(config_of())
    files[METRICS] = canonical_json(inputs.evaluated())
    for name, content in files.items():
        publish_bytes(folder / name, content)
