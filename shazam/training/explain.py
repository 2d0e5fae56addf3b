"""What a fitted student looks at: the gate's weights of cases that its members never saw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from shazam.cohort import Splits
from shazam.config.student import Variant
from shazam.explanations import Explanations, GateWeight
from shazam.models.bundle import Ensemble
from shazam.models.score import parts_of
from shazam.models.segments import BagSource
from shazam.models.student import FusionStudent

_NO_GATE = "has no gate over teachers"


def explain(ensemble: Ensemble, bags: BagSource, *, splits: Splits) -> Explanations:
    """Return what the members make of the test cases of their own folds.

    Args:
        ensemble: the arm's members; each is asked only about its fold's test cases.
        bags: features of all teachers that the arm reads.
        splits: the folds the members were fitted in.
    """
    row_of = {case_id: row for row, case_id in enumerate(bags.case_ids)}
    found: dict[int, list[Mapping[str, npt.NDArray[np.float64]]]] = defaultdict(list)
    inert = False
    for member, network in zip(ensemble.members, ensemble.networks, strict=True):
        if not isinstance(network, FusionStudent):
            return Explanations(
                arm=ensemble.manifest.arm, without_gates=f"{ensemble.manifest.arm} {_NO_GATE}"
            )
        test = splits.folds[member.record.fold].test
        rows = torch.tensor([row_of[case_id] for case_id in test], dtype=torch.int64)
        found[member.record.fold].append(_weights(network, bags, rows=rows))
        inert = network.shape.variant is Variant.FAITHFUL
    teachers = tuple(dict.fromkeys(teacher for teacher, _ in ensemble.manifest.spec.sources()))
    return Explanations(
        arm=ensemble.manifest.arm,
        gates=tuple(
            entry
            for fold in sorted(found)
            for entry in _entries(fold, found[fold], teachers=teachers)
        ),
        inert=inert,
    )


def _weights(
    network: FusionStudent, bags: BagSource, *, rows: Tensor
) -> Mapping[str, npt.NDArray[np.float64]]:
    """Return float64 ``[n_cases, n_teachers]`` by level."""
    network.eval()
    by_level: dict[str, list[Tensor]] = defaultdict(list)
    with torch.inference_mode():
        for part in parts_of(bags.lengths[rows]):
            encoded = network.encode(bags.select(rows[part].tolist()))
            for level, output in encoded.levels.items():
                if output.weights is not None:
                    by_level[level].append(output.weights)
    return {level: torch.cat(parts).double().numpy() for level, parts in by_level.items()}


def _entries(
    fold: int,
    seeds: list[Mapping[str, npt.NDArray[np.float64]]],
    *,
    teachers: tuple[str, ...],
) -> list[GateWeight]:
    entries = []
    for level in seeds[0]:
        by_case = np.mean([weights[level] for weights in seeds], axis=0)
        for column, teacher in enumerate(teachers):
            own = by_case[:, column]
            entries.append(
                GateWeight(
                    fold=fold,
                    level=level,
                    teacher=teacher,
                    mean=float(own.mean()),
                    sd=float(own.std()),
                    n_cases=len(own),
                )
            )
    return entries
