"""What a model looks at: how its gate weighs the teachers, as a manifest that the report reads."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveInt

from shazam.manifests import Entry


class GateWeight(Entry):
    """The weight of one teacher at one level, over the test cases of one fold.

    A case's weights sum to 1 over the teachers; those of several seeds are averaged first.
    ``sd`` is that between cases.
    """

    fold: NonNegativeInt
    level: str
    teacher: str
    mean: float = Field(ge=0, le=1 + 1e-6)
    sd: float = Field(ge=0)
    n_cases: PositiveInt


class Explanations(Entry):
    """What the candidate looks at.

    ``without_gates`` says why there are no weights. ``inert`` marks the published form of the
    gate, whose weights hardly change what the model says.
    """

    arm: str
    gates: tuple[GateWeight, ...] = ()
    inert: bool = False
    without_gates: str | None = None
