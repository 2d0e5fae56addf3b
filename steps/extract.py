"""Run one teacher or several over the tiles of every slide, or of a shard."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.config.extraction import EncodingConfig
from shazam.features.publish import publish_features
from shazam.features.shards import Shard
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.refs import FeaturesRef, TilesRef
from shazam.teachers import check_identities
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("extract"))
def extract(
    tiles: TilesRef,
    teachers: list[str],
    identities: list[str],
    shard: str,
    slides_dir: str,
    encoding: EncodingConfig,
    max_quarantine_fraction: float,
) -> Annotated[FeaturesRef, "features"]:
    """Extract features; ``identities`` tell the cache whether a teacher changed under its name."""
    with step_boundary():
        workspace = Workspace.from_environment()
        check_identities(teachers, identities, encoding=encoding)
        return publish_features(
            tiles,
            teachers=teachers,
            slides_dir=workspace.slides(slides_dir),
            config=encoding,
            shard=Shard.parse(shard),
            max_quarantine_fraction=max_quarantine_fraction,
            workspace=workspace,
        )
