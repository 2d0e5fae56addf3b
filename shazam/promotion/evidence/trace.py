"""Where a model comes from, link by link, and who let it in; a link that is missing is an error."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shazam.errors import ArtifactError
from shazam.promotion.evidence.provenance import NOT_KNOWN
from shazam.promotion.opened import OpenedBundle
from shazam.promotion.policy.records import Proposal

_UNKNOWN = frozenset({NOT_KNOWN, "unknown"})


@dataclass(frozen=True, slots=True)
class Link:
    """One link: what it is, and by which value it is known."""

    what: str
    value: str


def trace(bundle: OpenedBundle, *, proposals: Sequence[Proposal]) -> tuple[Link, ...]:
    """Return the links from a bundle back to its data, and forward to who approved it.

    Args:
        bundle: verified.
        proposals: of the ledger, of this bundle.

    Raises:
        ArtifactError: links are missing or do not fit together; names all of them.
    """
    gaps: list[str] = []
    found = (
        *_made_of(bundle, gaps=gaps),
        *_judged_by(bundle, proposals=proposals, gaps=gaps),
    )
    if gaps:
        told = "\n".join(f"  - {gap}" for gap in gaps)
        raise ArtifactError(f"bundle {bundle.sha256}: {len(gaps)} gap(s) in its trace\n{told}")
    return found


def _made_of(bundle: OpenedBundle, *, gaps: list[str]) -> tuple[Link, ...]:
    read = _reader(bundle, gaps=gaps)
    code, data = read("manifests/code.json"), read("manifests/data.json")
    environment, splits = read("environment.json"), read("manifests/splits.json")
    wanted: tuple[tuple[str, Mapping[str, Any], str], ...] = (
        ("run", code, "run_sha256"),
        ("git commit", code, "git_commit"),
        ("source code", code, "source_sha256"),
        ("environment lock", environment, "requirements_lock_sha256"),
        ("cohort", data, "cohort_sha256"),
        ("feature set", data, "feature_set_sha256"),
        ("splits", splits, "splits_sha256"),
    )
    links = [Link("bundle", bundle.sha256)]
    links += [Link(what, _value(document, key, what, gaps)) for what, document, key in wanted]
    links += [
        Link(f"data version {version.get('path', '')}", str(version.get("md5", "")))
        for version in data.get("versions", ())
    ]
    return (*links, *_teachers(read("manifests/teachers.json"), gaps=gaps))


def _teachers(document: Mapping[str, Any], *, gaps: list[str]) -> tuple[Link, ...]:
    teachers = document.get("teachers", ())
    if not teachers:
        gaps.append("manifests/teachers.json names no teacher")
    return tuple(
        Link(
            f"teacher {teacher.get('name', '?')}",
            f"revision {_value(teacher, 'revision', 'teacher revision', gaps)}, weights "
            f"{_value(teacher, 'weights_sha256', 'teacher weights', gaps)}",
        )
        for teacher in teachers
    )


def _judged_by(
    bundle: OpenedBundle, *, proposals: Sequence[Proposal], gaps: list[str]
) -> tuple[Link, ...]:
    if not proposals:
        gaps.append("no entry of the ledger proposes it")
    metrics = bundle.digest("metrics.json")
    links = [Link("metrics", metrics)]
    for proposal in proposals:
        if proposal.body.metrics_sha256 != metrics:
            gaps.append(f"entry {proposal.seq} proposes it with other metrics")
        links.append(Link(f"proposal, entry {proposal.seq}", f"by {proposal.actor.name}"))
        for digest, body in proposal.gates.items():
            failed = ", ".join(sorted(body.failed)) or "none"
            links.append(Link(f"verdict {body.verdict}", f"{digest}, failed: {failed}"))
        if not proposal.gates:
            gaps.append(f"no verdict on the proposal of entry {proposal.seq} is recorded")
        links += [
            Link(f"approval, entry {one.seq}", f"{one.actor.name} ({one.actor.role}): {one.reason}")
            for one in proposal.approvals
        ]
    return tuple(links)


def _reader(bundle: OpenedBundle, *, gaps: list[str]) -> Callable[[str], Mapping[str, Any]]:
    def read(name: str) -> Mapping[str, Any]:
        if name not in bundle.bundle.files:
            gaps.append(f"{name} is missing")
            return {}
        document = json.loads(bundle.read(name))
        return document if isinstance(document, dict) else {"teachers": document}

    return read


def _value(document: Mapping[str, Any], key: str, what: str, gaps: list[str]) -> str:
    value = str(document.get(key) or NOT_KNOWN)
    if value in _UNKNOWN:
        gaps.append(f"{what} is not known")
    return value
