"""Where a ledger and its trust file are, unless they are named."""

from __future__ import annotations

import os
from pathlib import Path

from shazam.workspace import Workspace

LEDGER_FILE = "ledger.db"
LEDGER_VARIABLE, TRUST_VARIABLE = "SHAZAM_LEDGER_URL", "SHAZAM_TRUST_FILE"


def has_ledger(workspace: Workspace) -> bool:
    """Return whether a ledger says what aliases point at: one is named, or the workspace's own."""
    own = workspace.root / LEDGER_FILE
    return bool(os.environ.get(LEDGER_VARIABLE)) or own.is_file()


def embedded_ledger(workspace: Workspace) -> str:
    """Return the URL of the ledger that lies in a workspace."""
    return f"sqlite:///{workspace.root.resolve() / LEDGER_FILE}"


def own_trust() -> Path:
    """Return where the trust file is: named in the environment, or among the user's own files."""
    if named := os.environ.get(TRUST_VARIABLE):
        return Path(named)
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "shazam" / "trust.json"
