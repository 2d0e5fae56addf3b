"""A finished unit on disk, so that it need not be fitted again when its arm was cut off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from pydantic import ValidationError

from shazam.models.arm import Member, MemberRecord
from shazam.publish import publish
from shazam.training.checkpoint import load_tensors

_CASE = "case_id"


@dataclass(frozen=True, slots=True)
class UnitResult:
    """What one fold and seed gives: the network, and a table of scores by part.

    Args:
        member: the fitted network.
        scores: by part (validation, test): ``case_id`` and a float64 column per score.
    """

    member: Member
    scores: Mapping[str, pd.DataFrame]


def write_unit(path: Path, result: UnitResult) -> None:
    """Publish a unit's result."""
    content = {
        "record": result.member.record.model_dump_json(),
        "tensors": dict(result.member.tensors),
        "validation_risks": result.member.validation_risks,
        "scores": {part: _packed(table) for part, table in result.scores.items()},
    }
    publish(path, lambda target: torch.save(content, target))


def read_unit(path: Path) -> UnitResult | None:
    """Return a unit's result; None if there is none, or none that can be read."""
    content = load_tensors(path)
    if content is None:
        return None
    try:
        return UnitResult(
            member=Member(
                record=MemberRecord.model_validate_json(content["record"]),
                tensors=content["tensors"],
                validation_risks=content["validation_risks"],
            ),
            scores={part: _table(packed) for part, packed in content["scores"].items()},
        )
    except (KeyError, ValidationError):
        return None


def _packed(table: pd.DataFrame) -> dict[str, Any]:
    columns = [name for name in table.columns if name != _CASE]
    return {
        _CASE: list(table[_CASE]),
        "columns": columns,
        "values": torch.from_numpy(table[columns].to_numpy(dtype="float64", copy=True)),
    }


def _table(packed: Mapping[str, Any]) -> pd.DataFrame:
    table = pd.DataFrame(packed["values"].numpy(), columns=packed["columns"])
    table.insert(0, _CASE, packed[_CASE])
    return table
