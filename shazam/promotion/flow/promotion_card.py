"""What is shown beside a promoted version: who approved it, with which meaning, and overrides."""

from __future__ import annotations

from shazam.promotion.ledger.actions import MEANING, Action
from shazam.promotion.policy.records import Proposal

PROMOTION_CARD = "promotion.md"


def promotion_card(proposal: Proposal) -> str:
    """Return the card of a proposal that is promoted, as Markdown."""
    body = proposal.body
    lines = [
        f"# {body.model_name} version {body.version}: {body.target}",
        "",
        f"Bundle `{body.bundle_sha256}`, proposed by {proposal.actor.name} (entry {proposal.seq}).",
        "",
        "| verdict | gates | failed |",
        "|---|---|---|",
        *(
            f"| {one.verdict} | {len(one.gates)} | {', '.join(sorted(one.failed)) or 'none'} |"
            for one in proposal.gates.values()
        ),
        "",
        *_overrides(proposal),
        *(
            f"- {one.actor.name} ({one.actor.role}), entry {one.seq}: "
            f'"{MEANING[Action.APPROVE]}". {_plain(one.reason)}'
            for one in proposal.approvals
        ),
    ]
    return "\n".join(lines) + "\n"


def _overrides(proposal: Proposal) -> list[str]:
    named = sorted({name for one in proposal.approvals for name in one.overridden})
    if not named:
        return []
    return [
        f"**Promoted although these gates failed: {', '.join(named)}.** The rationale of each who "
        "accepted that stands below.",
        "",
    ]


def _plain(text: str) -> str:
    return " ".join(text.split())
