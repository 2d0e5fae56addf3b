"""The few cases whose tiles a report shows: chosen by a rule, none by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from shazam.cohort import Splits
from shazam.models.arm import Member
from shazam.models.bundle import ArmManifest, Ensemble, standardised
from shazam.models.heads import Head
from shazam.models.score import score_bags
from shazam.models.segments import BagSource

N_CASES = 4
_PLACES = ("", "second ")


@dataclass(frozen=True, slots=True)
class ScoredCase:
    """A test case with what the first seed's member of its own fold makes of it.

    Args:
        case_id: the case.
        row: of the case among the bags.
        member: who scored it; it has not seen the case.
        network: of the member.
        scores: float64 ``[n_scores]``: a risk in units of the member's inner-validation risks, the
            probability of each class, or the value of each target.
    """

    case_id: str
    row: int
    member: Member
    network: nn.Module
    scores: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChosenCase:
    """A case, and why it is shown."""

    scored: ScoredCase
    why: str


def score_test_cases(
    ensemble: Ensemble, bags: BagSource, *, splits: Splits
) -> tuple[ScoredCase, ...]:
    """Return every test case as the first seed's member of its fold scores it.

    Args:
        ensemble: the arm's members, by fold and seed.
        bags: features of all teachers that the arm reads.
        splits: the folds the members were fitted in.
    """
    row_of = {case_id: row for row, case_id in enumerate(bags.case_ids)}
    found: list[ScoredCase] = []
    asked: set[int] = set()
    for member, network in zip(ensemble.members, ensemble.networks, strict=True):
        if member.record.fold in asked:
            continue
        asked.add(member.record.fold)
        test = splits.folds[member.record.fold].test
        rows = [row_of[case_id] for case_id in test]
        scores = standardised(
            score_bags(network, bags, head=ensemble.manifest.head, rows=torch.tensor(rows)),
            member=member,
        )
        found += [
            ScoredCase(case_id, row, member, network, own)
            for case_id, row, own in zip(test, rows, scores, strict=True)
        ]
    return tuple(found)


def choose_cases(scored: Sequence[ScoredCase], *, manifest: ArmManifest) -> tuple[ChosenCase, ...]:
    """Return at most 4 cases; equal scores are ordered by the names of the cases.

    Survival: the two highest and the two lowest risks. Classification: of each of the first four
    classes the case that is surest to be of it. Regression: the two highest and the two lowest
    values of the first target.
    """
    if manifest.head is Head.CLASSES:
        return _surest(scored, classes=manifest.classes)
    what = f"value of {manifest.targets[0]}" if manifest.head is Head.VALUES else "risk"
    order = _by_score(scored, column=0)
    ends = {"highest": order[:2], "lowest": order[2:][::-1][:2]}
    return tuple(
        ChosenCase(case, f"{place}{end} {what}")
        for end, cases in ends.items()
        for case, place in zip(cases, _PLACES, strict=False)
    )


def _surest(scored: Sequence[ScoredCase], *, classes: Sequence[str]) -> tuple[ChosenCase, ...]:
    chosen: dict[str, ChosenCase] = {}
    for column, name in enumerate(classes[:N_CASES]):
        left = [case for case in scored if case.case_id not in chosen]
        for case in _by_score(left, column=column)[:1]:
            why = f"highest probability of {name}, {case.scores[column]:.3f}"
            chosen[case.case_id] = ChosenCase(case, why)
    return tuple(chosen.values())


def _by_score(scored: Sequence[ScoredCase], *, column: int) -> list[ScoredCase]:
    return sorted(scored, key=lambda case: (-float(case.scores[column]), case.case_id))
