"""What an entry of the ledger says: one body for each action.

No body holds the id of a patient, case or slide.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
)

from shazam.config.section import Name
from shazam.promotion.policy.document import PLAIN, Policy, Target
from shazam.refs import SHA256_PATTERN

Sha256 = Annotated[str, Field(pattern=SHA256_PATTERN)]
Text = Annotated[str, Field(min_length=1, max_length=2000, pattern=PLAIN)]


def _utc(time: datetime) -> datetime:
    if time.utcoffset() != timedelta(0):
        raise ValueError("times are in UTC")
    return time


Utc = Annotated[AwareDatetime, AfterValidator(_utc)]


class Action(StrEnum):
    """What an entry does."""

    POLICY = "policy"
    REVOKE = "revoke"
    PROPOSE = "propose"
    GATES = "gates"
    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    INTENT = "intent"
    COMMIT = "commit"
    VOID = "void"
    COUNTERSIGN = "countersign"
    RECALL = "recall"


class Change(StrEnum):
    """Why aliases are moved."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    RETIRE = "retire"


class Verdict(StrEnum):
    """What the gates of a verdict were computed on."""

    CROSS_VALIDATION = "cross_validation"
    LOCKED = "locked"


class Body(BaseModel):
    """A frozen body that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PolicyBody(Body):
    """The policy that holds from here on. Subject: its digest."""

    policy: Policy


class RevokeBody(Body):
    """A key that signs no more from here on. Subject: its fingerprint."""

    key: Sha256


class Holder(Body):
    """What an alias points at."""

    version: Text
    bundle_sha256: Sha256


class ProposeBody(Body):
    """A bundle that is proposed for an alias. Subject: the digest of the bundle.

    ``version`` is that of the model store; ``metrics_sha256`` and ``acceptance_sha256`` are those
    of the bundle's files.
    """

    model_name: Name
    version: Text
    bundle_sha256: Sha256
    target: Target
    metrics_sha256: Sha256
    acceptance_sha256: Sha256

    @property
    def holder(self) -> Holder:
        """What the alias would point at."""
        return Holder(version=self.version, bundle_sha256=self.bundle_sha256)


class GateFound(Body):
    """One gate: its name, and whether it passed."""

    name: Text
    passed: bool


class GatesBody(Body):
    """A verdict on a proposed bundle. Subject: the hash of the proposal's entry.

    ``verdict_sha256`` is the digest of the document that holds every number: the bundle's
    ``metrics.json``, or what was measured on the locked cohort.
    """

    proposal: Sha256
    bundle_sha256: Sha256
    verdict: Verdict
    verdict_sha256: Sha256
    gates: tuple[GateFound, ...] = Field(min_length=1)

    @field_validator("gates")
    @classmethod
    def _are_distinct(cls, gates: tuple[GateFound, ...]) -> tuple[GateFound, ...]:
        _refuse_repeated("gate", [gate.name for gate in gates])
        return gates

    @property
    def failed(self) -> frozenset[str]:
        """Names of the gates that failed."""
        return frozenset(gate.name for gate in self.gates if not gate.passed)


class ApproveBody(Body):
    """An approval. Subject: the hash of the proposal's entry.

    ``gates`` are the hashes of all entries of gates of the proposal that the approver has seen;
    ``overridden`` the failed gates that are accepted nevertheless, for the entry's reason.
    """

    proposal: Sha256
    gates: tuple[Sha256, ...] = Field(min_length=1)
    overridden: tuple[Text, ...] = ()
    expires: Utc

    @field_validator("gates", "overridden")
    @classmethod
    def _are_distinct(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        _refuse_repeated("gate", values)
        return values


class CloseBody(Body):
    """A proposal that is rejected or withdrawn. Subject: the hash of its entry."""

    proposal: Sha256


class AliasMove(Body):
    """One alias, what it pointed at and what it shall point at; None: at nothing."""

    alias: Name
    before: Holder | None
    after: Holder | None


class IntentBody(Body):
    """Aliases that are about to be moved.

    Subject: the digest of a bundle that comes under an alias; of one that leaves it when a model
    is retired.
    """

    change: Change
    model_name: Name
    proposal: Sha256 | None
    moves: tuple[AliasMove, ...] = Field(min_length=1)

    @field_validator("moves")
    @classmethod
    def _are_distinct(cls, moves: tuple[AliasMove, ...]) -> tuple[AliasMove, ...]:
        _refuse_repeated("alias", [move.alias for move in moves])
        return moves


class SettleBody(Body):
    """An intent that was carried out (commit) or given up (void). Subject: the intent's hash."""

    intent: Sha256


class CountersignBody(Body):
    """A second signature under a change that one person made. Subject: the intent's hash."""

    intent: Sha256


class RecallBody(Body):
    """A bundle that must never be used again. Subject: its digest."""

    model_name: Name
    bundle_sha256: Sha256


BODY_OF: dict[Action, type[Body]] = {
    Action.POLICY: PolicyBody,
    Action.REVOKE: RevokeBody,
    Action.PROPOSE: ProposeBody,
    Action.GATES: GatesBody,
    Action.APPROVE: ApproveBody,
    Action.REJECT: CloseBody,
    Action.WITHDRAW: CloseBody,
    Action.INTENT: IntentBody,
    Action.COMMIT: SettleBody,
    Action.VOID: SettleBody,
    Action.COUNTERSIGN: CountersignBody,
    Action.RECALL: RecallBody,
}

MEANING: dict[Action, str] = {
    Action.POLICY: "I put this policy in force",
    Action.REVOKE: "This key signs no more",
    Action.PROPOSE: "I propose this model",
    Action.GATES: "I record this verdict",
    Action.APPROVE: "I reviewed the evidence and approve this model",
    Action.REJECT: "I reviewed the evidence and reject this model",
    Action.WITHDRAW: "I withdraw this proposal",
    Action.INTENT: "I move these aliases",
    Action.COMMIT: "The aliases were moved and read back",
    Action.VOID: "The aliases are as they were before",
    Action.COUNTERSIGN: "I confirm this change as a second person",
    Action.RECALL: "This model must not be used again",
}


def _refuse_repeated(what: str, values: Sequence[str]) -> None:
    if len(set(values)) != len(values):
        raise ValueError(f"the same {what} stands twice")
