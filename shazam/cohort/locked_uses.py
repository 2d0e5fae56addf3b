"""The uses of a locked cohort: counted, and each release measured once.

``locked/<name>/uses/<number>.json``. A use holds the digest of the one before it, the first that of
the cohort, so none can be altered, removed from between or put elsewhere unseen; ``head.json``
names the last.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import (
    AwareDatetime,
    Field,
    PositiveInt,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from shazam.cohort.locked import Frozen, folder_of, locked_cohort, read_record
from shazam.config.section import Name
from shazam.digest import digest_of
from shazam.errors import ArtifactError, ConfigError, LeakError
from shazam.publish import publish_json
from shazam.refs import SHA256_PATTERN
from shazam.workspace import Workspace


class Use(Frozen):
    """One use: who measured which release, why and when; ``previous`` is the record before it.

    ``acceptance_sha256`` and ``evaluation_sha256`` are the criteria, as they stood before any
    result was seen; None where it was measured elsewhere.
    """

    number: PositiveInt
    who: str = Field(min_length=1, max_length=200)
    why: str = Field(min_length=1, max_length=1000)
    when: AwareDatetime
    release: Name
    bundle_sha256: str = Field(pattern=SHA256_PATTERN)
    previous: str = Field(pattern=SHA256_PATTERN)
    acceptance_sha256: str | None = Field(default=None, pattern=SHA256_PATTERN)
    evaluation_sha256: str | None = Field(default=None, pattern=SHA256_PATTERN)

    @model_serializer(mode="wrap")
    def _as_it_was_recorded(self, plain: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Leave out criteria that are not given: uses of earlier versions keep their digests."""
        fields: dict[str, object] = plain(self)
        return {name: value for name, value in fields.items() if value is not None}


class _Head(Frozen):
    n_uses: int = Field(ge=0)
    last: str = Field(pattern=SHA256_PATTERN)


def record_use(
    name: str,
    *,
    release: str,
    bundle_sha256: str,
    who: str,
    why: str,
    when: datetime,
    workspace: Workspace,
    acceptance_sha256: str | None = None,
    evaluation_sha256: str | None = None,
) -> Use:
    """Record that a release is measured on a locked cohort; call it before any result is seen.

    The caller holds the workspace, so that no two record at once. The fields are those of
    :class:`Use`.

    Raises:
        ConfigError: there is no such cohort, or a value is missing or malformed.
        LeakError: the release, or its bundle under another name, was measured before.
        ArtifactError: the record of uses is not whole.
    """
    uses = check_not_used(name, release=release, bundle_sha256=bundle_sha256, workspace=workspace)
    try:
        use = Use(
            number=len(uses) + 1,
            who=who,
            why=why,
            when=when,
            release=release,
            bundle_sha256=bundle_sha256,
            previous=digest_of(uses[-1] if uses else locked_cohort(name, workspace=workspace)),
            acceptance_sha256=acceptance_sha256,
            evaluation_sha256=evaluation_sha256,
        )
    except ValidationError as error:
        told = "; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors())
        raise ConfigError(f"use of locked cohort '{name}': {told}") from error
    folder = folder_of(name, workspace)
    publish_json(folder / "uses" / f"{use.number:06d}.json", use)
    publish_json(folder / "head.json", _Head(n_uses=use.number, last=digest_of(use)))
    return use


def check_not_used(
    name: str, *, release: str, bundle_sha256: str, workspace: Workspace
) -> tuple[Use, ...]:
    """Check that a release was not measured before, and return all uses.

    Raises:
        ConfigError: there is no such cohort.
        LeakError: the release, or its bundle under another name, was measured before.
        ArtifactError: the record of uses is not whole.
    """
    uses = uses_of(name, workspace=workspace)
    for use in uses:
        if use.release.casefold() == release.casefold() or use.bundle_sha256 == bundle_sha256:
            raise LeakError(
                f"locked cohort '{name}' was used for release {use.release} (bundle "
                f"{use.bundle_sha256[:12]}) by {use.who} on {use.when:%Y-%m-%d}: use {use.number} "
                f"of {len(uses)}; a release is measured once, so read that result"
            )
    return uses


def uses_of(name: str, *, workspace: Workspace) -> tuple[Use, ...]:
    """Return all uses of a locked cohort, after their chain was checked.

    Raises:
        ConfigError: there is no such cohort.
        ArtifactError: a use was altered, removed or added by hand.
    """
    previous = digest_of(locked_cohort(name, workspace=workspace))
    folder = folder_of(name, workspace)
    digests = [previous]
    uses: list[Use] = []
    for number, path in enumerate(sorted((folder / "uses").glob("*.json")), start=1):
        use = read_record(path, Use)
        if use.number != number or path.stem != f"{number:06d}" or use.previous != digests[-1]:
            raise ArtifactError(
                f"{path}: does not follow use {number - 1}; the record of uses was altered, and "
                "nothing can be claimed on this cohort until it is restored"
            )
        uses.append(use)
        digests.append(digest_of(use))
    head_path = folder / "head.json"
    head = read_record(head_path, _Head) if head_path.is_file() else _Head(n_uses=0, last=previous)
    # a stop between the two writes leaves the head one use behind
    if head.n_uses not in (len(uses), len(uses) - 1) or head.last != digests[head.n_uses]:
        raise ArtifactError(
            f"{folder}: {head.n_uses} uses were recorded, {len(uses)} are there; the record of "
            "uses was altered, and nothing can be claimed on this cohort until it is restored"
        )
    return tuple(uses)
