"""The policy: who may do what, and how many must agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from shazam.cohort.alike import folded
from shazam.config.section import Name
from shazam.errors import ConfigError
from shazam.promotion.signing.keys import PublicKey

# no signs that would change how a terminal or a page shows the words around them: control
# characters other than tab and line feed, separators of lines, and overrides of the direction
PLAIN = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"
_PrintedName = Annotated[str, Field(min_length=1, max_length=200, pattern=PLAIN)]
ROOTS_NEEDED = 2


class Kind(StrEnum):
    """How strict a policy is.

    ``production``: a champion needs two people, one of them clinical, and a verdict on a locked
    cohort, whatever else the policy says. A ledger whose policy once was ``production`` stays so.
    """

    RESEARCH = "research"
    PRODUCTION = "production"


class Target(StrEnum):
    """The aliases that a bundle can be proposed for."""

    CHALLENGER = "challenger"
    CHAMPION = "champion"


class Role(StrEnum):
    """What a key acts as."""

    ROOT = "root"
    CLINICAL = "clinical"
    QUALITY = "quality"
    ENGINEERING = "engineering"
    TRAINING = "training"
    EVALUATION = "evaluation"


HUMAN_ROLES = frozenset({Role.CLINICAL, Role.QUALITY, Role.ENGINEERING})
SERVICE_ROLES = frozenset({Role.TRAINING, Role.EVALUATION})


class Part(BaseModel):
    """A frozen part of the policy that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Holder(Part):
    """Somebody with keys, given as PEM texts (public halves)."""

    id: Name
    name: _PrintedName
    keys: tuple[str, ...] = Field(min_length=1)

    @field_validator("keys")
    @classmethod
    def _are_keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(PublicKey.from_pem(pem).pem for pem in keys)
        except ConfigError as error:
            raise ValueError(str(error)) from error

    @property
    def public_keys(self) -> tuple[PublicKey, ...]:
        """The keys."""
        return tuple(PublicKey.from_pem(pem) for pem in self.keys)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Fingerprints of the keys."""
        return tuple(key.fingerprint for key in self.public_keys)


class Root(Holder):
    """Who can change the policy and revoke keys, with one other root."""


class Person(Holder):
    """Who can approve; nobody but the person has the private keys."""

    roles: tuple[Role, ...] = Field(min_length=1)

    @field_validator("roles")
    @classmethod
    def _are_human(cls, roles: tuple[Role, ...]) -> tuple[Role, ...]:
        if wrong := [role for role in roles if role not in HUMAN_ROLES]:
            raise ValueError(f"people have the roles {_listed(HUMAN_ROLES)}, not {_listed(wrong)}")
        return roles


class Service(Holder):
    """A pipeline; it can propose and record, never approve."""

    role: Role

    @field_validator("role")
    @classmethod
    def _is_service(cls, role: Role) -> Role:
        if role not in SERVICE_ROLES:
            raise ValueError(f"services have the roles {_listed(SERVICE_ROLES)}, not {role}")
        return role


class Rule(Part):
    """What a promotion to one alias needs."""

    approvals: int = Field(ge=0, le=20)
    roles: tuple[Role, ...] = ()
    locked_verdict: bool = False


_CHAMPION = Rule(approvals=2, roles=(Role.CLINICAL,), locked_verdict=True)


class Policy(Part):
    """Who may do what. It holds from the entry of the ledger that puts it in force."""

    format: Literal["shazam-policy-1"] = "shazam-policy-1"
    name: Name
    kind: Kind
    roots: tuple[Root, ...] = Field(min_length=ROOTS_NEEDED)
    people: tuple[Person, ...]
    services: tuple[Service, ...] = ()
    challenger: Rule = Rule(approvals=0)
    champion: Rule = _CHAMPION
    approval_days: int = Field(default=14, ge=1, le=90)

    @model_validator(mode="after")
    def _holders_are_distinct(self) -> Policy:
        holders = self.holders
        _refuse_repeated("id", [folded(holder.id) for holder in holders])
        named = (*self.people, *self.services)  # a person may hold a root key beside an own one
        _refuse_repeated("name", [folded(holder.name) for holder in named])
        _refuse_repeated("name of a root", [folded(root.name) for root in self.roots])
        _refuse_repeated("key", [one for holder in holders for one in holder.fingerprints])
        return self

    @model_validator(mode="after")
    def _production_is_strict(self) -> Policy:
        if self.kind is not Kind.PRODUCTION:
            return self
        rule = self.champion
        if rule.approvals < _CHAMPION.approvals:
            raise ValueError("production: a champion needs at least 2 approvals")
        if Role.CLINICAL not in rule.roles:
            raise ValueError("production: a champion needs an approval with the role 'clinical'")
        if not rule.locked_verdict:
            raise ValueError("production: a champion needs a verdict on a locked cohort")
        return self

    @model_validator(mode="after")
    def _can_be_met(self) -> Policy:
        for target, rule in ((target, self.rule(target)) for target in Target):
            if rule.approvals > len(self.people):
                raise ValueError(
                    f"{target}: {rule.approvals} approvals are asked for, and there are "
                    f"{len(self.people)} people"
                )
            held = {role for person in self.people for role in person.roles}
            if missing := [role for role in rule.roles if role not in held]:
                raise ValueError(f"{target}: nobody has the role(s) {_listed(missing)}")
        return self

    @property
    def holders(self) -> tuple[Holder, ...]:
        """Everybody with keys."""
        return (*self.roots, *self.people, *self.services)

    def rule(self, target: Target) -> Rule:
        """Return what a promotion to an alias needs."""
        match target:
            case Target.CHALLENGER:
                return self.challenger
            case Target.CHAMPION:
                return self.champion

    def holder_of(self, fingerprint: str) -> Holder | None:
        """Return whose key it is, if anybody's."""
        for holder in self.holders:
            if fingerprint in holder.fingerprints:
                return holder
        return None


def _refuse_repeated(what: str, values: Sequence[str]) -> None:
    if repeated := sorted({value for value in values if values.count(value) > 1}):
        raise ValueError(f"the same {what} stands twice: {', '.join(repeated)}")


def _listed(roles: Iterable[Role]) -> str:
    return ", ".join(sorted(roles))
