"""Open a ledger that exists, with what it is checked against."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from shazam.promotion.flow.places import LEDGER_VARIABLE, embedded_ledger, own_trust
from shazam.promotion.flow.registry import Registry
from shazam.promotion.ledger.sql import open_ledger
from shazam.workspace import Workspace


def open_registry(
    workspace: Workspace, *, ledger: str | None = None, trust: Path | None = None
) -> Registry:
    """Open a ledger that exists.

    Args:
        workspace: whose ledger it is, if no other is named.
        ledger: URL of its database; None takes ``SHAZAM_LEDGER_URL``, else the workspace's.
        trust: the trust file; None takes ``SHAZAM_TRUST_FILE``, else that of this user.

    Raises:
        LedgerError: there is none.
    """
    url = ledger or os.environ.get(LEDGER_VARIABLE) or embedded_ledger(workspace)
    return Registry(store=open_ledger(url), trust=trust or own_trust(), clock=now)


def now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)
