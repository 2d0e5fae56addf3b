"""`shazam extract`: the data stages alone, up to the features, for one process of several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer
from pydantic import ValidationError

from shazam.cli.occupy import Occupancy, occupy
from shazam.cli.slides_version import brought, resolved
from shazam.config import Config, load_config
from shazam.errors import ConfigError, ExitCode, ShazamError
from shazam.features.publish import publish_features
from shazam.features.shards import Shard
from shazam.manifests import ExtractionManifest, QuarantineEntry, TilesManifest
from shazam.refs import CohortRef, FeaturesRef, TilesRef
from shazam.workspace import Workspace


def extract(
    config: Path,
    *,
    workspace: Path,
    teachers: str | None,
    shard: str,
    overrides: Sequence[str],
    strict: bool,
) -> ExitCode:
    """Extract features of a cohort without training on them; see :class:`ExitCode`.

    Several processes may do so at once in one workspace, each with its teachers or its shard.
    """
    loaded = resolved(load_config(config, overrides=overrides).config)
    names = _names(teachers, loaded)
    part = Shard.parse(shard)
    place = Workspace(workspace)
    with occupy(place, Occupancy.SHARED):
        loaded = brought(loaded, workspace=place)
        tiles = _tiles(loaded, place)
        features = publish_features(
            tiles,
            teachers=names,
            slides_dir=loaded.cohort.sources()[1],
            config=loaded.extracted().encoding(),
            shard=part,
            max_quarantine_fraction=loaded.max_quarantine_fraction,
            workspace=place,
        )
    quarantine = _quarantine(tiles, features, place)
    _print(features, quarantine)
    return ExitCode.QUARANTINED if strict and quarantine else ExitCode.DONE


def _names(teachers: str | None, config: Config) -> tuple[str, ...]:
    from shazam.teachers import TeacherLibrary

    if teachers is None:
        names = config.extracted().encoders()
    else:
        names = tuple(name.strip() for name in teachers.split(",") if name.strip())
    if not names or len(set(names)) != len(names):
        raise ConfigError(f"--teachers {teachers}: name each teacher once, such as a,b,c")
    library = TeacherLibrary.from_config(config.extracted())
    for name in names:
        library.identity(name)
        library.check_remote_code(name)
    return names


def _tiles(config: Config, workspace: Workspace) -> TilesRef:
    from shazam.cohort import load_cohort
    from shazam.progress import console_progress
    from shazam.slides import validate_slides
    from shazam.slides.publish import publish_tiles

    cohort = _cohort(config, workspace)
    slides_dir = config.cohort.sources()[1]
    validated = validate_slides(
        load_cohort(workspace.open_ref(cohort)),
        cohort_ref=cohort,
        slides_dir=slides_dir,
        config=config.tiling,
        workspace=workspace,
        progress=lambda total: console_progress("validate", total),
    )
    return publish_tiles(
        validated,
        slides_dir=slides_dir,
        config=config.tiling,
        max_quarantine_fraction=config.max_quarantine_fraction,
        workspace=workspace,
    )


def _cohort(config: Config, workspace: Workspace) -> CohortRef:
    """Return the cohort, read anew only when the table or the listing of the slides changed."""
    from shazam.cohort import write_cohort
    from shazam.cohort.sources import source_digest
    from shazam.cohort.table import read_table
    from shazam.digest import digest_of
    from shazam.progress import console_progress
    from shazam.publish import publish_json

    table, slides_dir = config.cohort.sources()
    source = source_digest(table, slides_dir=slides_dir)
    key = digest_of([source, config.asked().cohort.model_dump(mode="json")])
    known = workspace.root / "manifests" / "ingest" / f"{key}.json"
    kept = _kept_cohort(known, workspace)
    if kept is not None:
        return kept
    read = read_table(
        table,
        slides_dir=slides_dir,
        config=config.cohort,
        progress=lambda total: console_progress("ingest", total),
    )
    for note in read.notes:
        typer.echo(f"note on the cohort table: {note}", err=True)
    cohort = write_cohort(read, workspace=workspace)
    publish_json(known, cohort)
    return cohort


def _kept_cohort(record: Path, workspace: Workspace) -> CohortRef | None:
    """Return the cohort of an earlier command; what is missing or altered is made anew."""
    try:
        cohort = CohortRef.model_validate_json(record.read_bytes())
        workspace.open_ref(cohort)
    except (OSError, ValidationError, ShazamError):
        return None
    return cohort


def _quarantine(
    tiles: TilesRef, features: FeaturesRef, workspace: Workspace
) -> tuple[QuarantineEntry, ...]:
    before = workspace.read_manifest(tiles, TilesManifest).quarantine
    made = workspace.read_manifest(features, ExtractionManifest).features
    return (*before, *(entry for manifest in made for entry in manifest.quarantine))


def _print(features: FeaturesRef, quarantine: Sequence[QuarantineEntry]) -> None:
    typer.echo(
        f"{features.n_slides} slides, {features.n_tiles} tiles under "
        f"{len(features.teachers)} teacher(s), {len(quarantine)} quarantined"
    )
    for entry in quarantine:
        typer.echo(
            f"  quarantined {entry.slide_id} at {entry.stage}: {entry.reason}: {entry.message}"
        )
    typer.echo(features.uri)
