"""The commands of `shazam registry` that prove where a champion comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shazam.cli.options import WorkspaceOption
from shazam.cli.registry_options import (
    JsonOption,
    LedgerOption,
    ModelArgument,
    TrustOption,
    Where,
)

if TYPE_CHECKING:
    from shazam.promotion.evidence.trace import Link
    from shazam.promotion.flow.load import Champion
    from shazam.promotion.flow.registry import Known

_HERE = Path("workspace")


def trace(
    model: ModelArgument,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow the champion back to code, data and teachers, and to who approved it."""
    _, _, links = _traced(model, where=Where(workspace, ledger, trust))
    if as_json:
        typer.echo(json.dumps([{"what": one.what, "value": one.value} for one in links], indent=2))
        return
    for one in links:
        typer.echo(f"{one.what}: {one.value}")


def export(
    model: ModelArgument,
    target: Annotated[Path, typer.Argument(metavar="ZIP", help="Where the dossier goes.")],
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
) -> None:
    """Write the champion's dossier: bundle, ledger, trace, and a program that checks them."""
    from shazam.promotion.dossier import export_dossier

    known, champion, links = _traced(model, where=Where(workspace, ledger, trust))
    digest = export_dossier(target, model_name=model, champion=champion, known=known, links=links)
    typer.echo(f"{target}: SHA-256 {digest}")


def verify_bundle(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", exists=True, file_okay=False, help="The bundle.")
    ],
    public_keys: Annotated[
        list[Path], typer.Option("--public-key", exists=True, help="PEM of who may have signed.")
    ],
) -> None:
    """Check a bundle and its signature, without network or ledger."""
    from shazam.promotion.signing.bundle_signature import verify_bundle as verify
    from shazam.promotion.signing.keys import PublicKey

    keys = [PublicKey.from_pem(path.read_text(encoding="utf-8")) for path in public_keys]
    bundle = verify(folder, keys)
    typer.echo(f"bundle {bundle.sha256}: {len(bundle.files)} files, signature holds")


def _traced(model: str, *, where: Where) -> tuple[Known, Champion, tuple[Link, ...]]:
    from shazam.promotion.evidence.trace import trace as follow
    from shazam.promotion.flow.load import open_champion

    registry = where.registry()
    champion = open_champion(model, registry=registry, place=where.place())
    known = registry.read()
    proposals = [
        one
        for one in known.state.proposals.values()
        if one.body.bundle_sha256 == champion.bundle.sha256 and one.body.model_name == model
    ]
    return known, champion, follow(champion.bundle, proposals=proposals)
