"""The champion: compared only on cases that neither model was trained on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shazam.cohort.seen import Seen
from shazam.config.acceptance import AcceptanceConfig, ChampionKind, ChampionRule, Comparison
from shazam.errors import ArtifactError, ConfigError, LeakError
from shazam.evaluation.champion import Contender, compare_to_champion
from shazam.evaluation.champion_gates import champion_gates, left_to_locked
from shazam.evaluation.result import ChampionComparison, ChampionFound, Gate
from shazam.evaluation.truth import truth_of_cases
from tests.evaluation import made

COHORT, SIGNAL = made.survival_cohort()
SPLITS = made.splits_of(COHORT)
TRUTH = truth_of_cases(COHORT.cases, splits=SPLITS)
OTHERS = Seen(frozenset({"older-1"}), frozenset({"f" * 64}))
FOLDS = tuple(Seen.of(COHORT, (*fold.train, *fold.validation)) for fold in SPLITS.folds)


def scores(noise: float) -> np.ndarray:
    return (SIGNAL + noise * np.random.default_rng(3).normal(size=len(SIGNAL)))[:, None]


GOOD = Contender(scores(0.2), FOLDS)
POOR = Contender(scores(3.0), (OTHERS,))


def compare(
    candidate: Contender = GOOD,
    *,
    champion: Contender = POOR,
    kind: ChampionKind = ChampionKind.PROCEDURE,
    cohort=COHORT,
) -> ChampionComparison:
    return compare_to_champion(
        candidate,
        champion=champion,
        truth=TRUTH,
        cohort=cohort,
        kind=kind,
        n_replicates=200,
        seed=0,
    )


def floor(*, passed: bool = True) -> Gate:
    return Gate(name="floor", passed=passed, observed=0.6, required=0.5, explanation="")


def test_the_better_of_two_is_found_on_paired_draws() -> None:
    found = compare()
    assert found.difference == pytest.approx(found.candidate - found.champion)
    assert 0 < found.lower < found.difference < found.upper
    assert (found.n_cases, found.n_events) == (72, COHORT.n_events)
    assert found.n_slides_compared == len(COHORT.slides)
    assert compare() == found
    same = compare(GOOD, champion=Contender(GOOD.scores, (OTHERS,)))
    assert (same.difference, same.lower, same.upper) == (0, 0, 0)


def test_a_case_that_the_champion_was_trained_on_is_a_leak() -> None:
    known = replace(OTHERS, case_ids=frozenset({"case-003"}))
    with pytest.raises(LeakError, match=r"champion was trained on 1 tested case.*case-003"):
        compare(champion=replace(POOR, trained_on=(known,)))


def test_a_slide_of_equal_content_under_another_name_is_a_leak() -> None:
    copied = replace(OTHERS, slides_sha256=frozenset({COHORT.slides[5].sha256}))
    with pytest.raises(LeakError, match="slide content"):
        compare(champion=replace(POOR, trained_on=(copied,)))


def test_the_candidate_is_held_to_the_same_in_every_fold() -> None:
    swapped = (FOLDS[1], FOLDS[0], *FOLDS[2:])
    with pytest.raises(LeakError, match="candidate was trained on"):
        compare(replace(GOOD, trained_on=swapped))
    whole = Seen.of(COHORT, TRUTH.case_ids)
    with pytest.raises(LeakError, match="candidate"):
        compare(replace(GOOD, trained_on=(whole,)))
    with pytest.raises(ConfigError, match="2 model"):
        compare(replace(GOOD, trained_on=FOLDS[:2]))


def test_slides_without_bytes_are_no_common_content() -> None:
    bare = replace(COHORT, slides=tuple(replace(s, sha256="", path="") for s in COHORT.slides))
    assert compare(cohort=bare).n_slides_compared == 0


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (np.full((72, 1), np.nan), "NaN"),
        (np.ones((72, 1)), "same for every case"),
        (np.ones((71, 1)), "72 tested cases"),
        (np.ones(72), "72 tested cases"),
    ],
)
def test_a_champion_that_says_nothing_cannot_be_beaten(wrong: np.ndarray, reason: str) -> None:
    with pytest.raises(ArtifactError, match=reason):
        compare(champion=replace(POOR, scores=wrong))


def test_a_locked_cohort_is_one_fold() -> None:
    locked = replace(TRUTH, fold=np.zeros(72, dtype=np.int64))
    found = compare_to_champion(
        Contender(scores(0.2), (OTHERS,)),
        champion=POOR,
        truth=locked,
        cohort=COHORT,
        kind=ChampionKind.LOCKED,
        n_replicates=100,
        seed=0,
    )
    assert found.kind is ChampionKind.LOCKED
    assert found.lower > 0


def test_cases_new_since_the_champion_may_leave_a_fold_empty() -> None:
    rows = np.flatnonzero(TRUTH.fold != 1)
    new = replace(
        TRUTH,
        case_ids=tuple(TRUTH.case_ids[row] for row in rows),
        groups=tuple(TRUTH.groups[row] for row in rows),
        **{name: getattr(TRUTH, name)[rows] for name in ("fold", "time_months", "event", "labels")},
    )
    found = compare_to_champion(
        replace(GOOD, scores=GOOD.scores[rows]),
        champion=replace(POOR, scores=POOR.scores[rows]),
        truth=new,
        cohort=COHORT,
        kind=ChampionKind.PROCEDURE,
        n_replicates=100,
        seed=0,
    )
    assert found.n_cases == len(rows)


def rule(**more: object) -> AcceptanceConfig:
    given = {"bundle": "0" * 64, **more}
    return AcceptanceConfig(champion=ChampionRule.model_validate(given))


def found(comparison: ChampionComparison) -> ChampionFound:
    return ChampionFound(bundle_sha256="0" * 64, comparison=comparison)


def test_a_champion_that_is_asked_for_and_not_compared_to_fails() -> None:
    assert champion_gates(None, floor=floor(), acceptance=AcceptanceConfig()) == ()
    (absent,) = champion_gates(None, floor=floor(), acceptance=rule())
    assert not absent.passed
    assert "and it was not" in absent.explanation
    why = ChampionFound(bundle_sha256="0" * 64, why_not="it was trained on all 72 tested cases")
    (none,) = champion_gates(why, floor=floor(), acceptance=rule())
    assert not none.passed
    assert "it was not: it was trained on all 72 tested cases" in none.explanation
    locked = found(compare(kind=ChampionKind.LOCKED))
    (other,) = champion_gates(locked, floor=floor(), acceptance=rule())
    assert not other.passed
    assert "by the locked" in other.explanation


def test_each_place_judges_its_own_kind_of_comparison() -> None:
    asked = rule(kind="locked")
    assert champion_gates(found(compare()), floor=floor(), acceptance=asked) == ()
    here = {"floor": floor(), "judged_here": ChampionKind.LOCKED}
    assert champion_gates(found(compare()), acceptance=rule(), **here) == ()
    (absent,) = champion_gates(None, acceptance=asked, **here)
    assert not absent.passed
    (gate,) = champion_gates(found(compare(kind=ChampionKind.LOCKED)), acceptance=asked, **here)
    assert gate.passed
    assert "(locked)" in gate.explanation


def test_a_run_says_what_it_leaves_to_the_locked_cohort() -> None:
    left = left_to_locked(rule(kind="locked"))
    assert left is not None
    assert left.comparison is None
    assert "shazam locked measure" in str(left.why_not)
    assert left_to_locked(rule()) is None
    assert left_to_locked(AcceptanceConfig()) is None


def test_a_run_scores_a_champion_only_where_it_can_compare_to_it() -> None:
    assert rule().scored_champion == rule().champion
    assert rule(kind="locked").scored_champion is None
    assert AcceptanceConfig().scored_champion is None


def test_the_champion_is_beaten_only_together_with_the_floor() -> None:
    (gate,) = champion_gates(found(compare()), floor=floor(), acceptance=rule())
    assert gate.passed
    assert "(procedure)" in gate.explanation
    assert not champion_gates(found(compare()), floor=floor(passed=False), acceptance=rule())[
        0
    ].passed
    worse = compare(replace(POOR, trained_on=FOLDS), champion=Contender(GOOD.scores, (OTHERS,)))
    assert not champion_gates(found(worse), floor=floor(), acceptance=rule())[0].passed
    superior = rule(comparison=Comparison.SUPERIOR)
    assert champion_gates(found(compare()), floor=floor(), acceptance=superior)[0].passed


@pytest.mark.parametrize("comparison", Comparison)
def test_few_events_beat_no_champion(comparison: Comparison) -> None:
    few = compare().model_copy(update={"n_events": 1, "difference": 1, "lower": 1, "upper": 1})
    asked = rule(comparison=comparison)
    (gate,) = champion_gates(found(few), floor=floor(), acceptance=asked)
    assert not gate.passed
    assert "1 events are among them, too few to judge: at least 30" in gate.explanation
    enough = few.model_copy(update={"n_events": asked.min_events})
    assert champion_gates(found(enough), floor=floor(), acceptance=asked)[0].passed
