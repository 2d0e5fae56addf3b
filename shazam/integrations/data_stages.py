"""The data stages as jobs: each reads views of earlier stages and shows what it made as one.

:data:`shazam.stages.DATA_STAGES` names these functions; ``dvc.yaml`` runs them one by one, through
the same code as the pipeline's steps, so both make the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from shazam.cohort.ingest import ingest_cohort
from shazam.config.tree import Config
from shazam.errors import ConfigError
from shazam.integrations.feature_validation import validated_features
from shazam.integrations.stage_views import Shown, adopt
from shazam.integrations.validation import validated_cohort
from shazam.manifests import ExtractionManifest, TilesManifest, ValidationManifest
from shazam.refs import CohortRef, FeaturesRef, Ref, TilesRef, ValidationRef
from shazam.slides.publish import publish_tiles
from shazam.stages import DataStage, data_stage
from shazam.workspace import Workspace

AnyRef = TypeVar("AnyRef", bound=Ref)


@dataclass(frozen=True, slots=True)
class Job:
    """One stage to run.

    Args:
        config: the resolved config.
        workspace: where bytes go.
        views: the folder of all views.
        teacher: for a stage that is done once for each teacher.
    """

    config: Config
    workspace: Workspace
    views: Path
    teacher: str | None = None

    @property
    def slides_dir(self) -> Path:
        """The slide folder."""
        return self.config.cohort.sources()[1]

    def view(self, stage: DataStage, teacher: str | None = None) -> Path:
        """Return where a stage shows what it made."""
        return self.views / stage.view(teacher)

    def cohort(self) -> CohortRef:
        """Return what ``ingest`` made; the workspace is given what only the view has."""
        return self._adopted("ingest", CohortRef)

    def validation(self) -> ValidationRef:
        """Return what ``validate`` made."""
        return self._adopted("validate", ValidationRef)

    def tiles(self) -> TilesRef:
        """Return what ``tile`` made."""
        return self._adopted("tile", TilesRef)

    def features(self) -> list[FeaturesRef]:
        """Return what ``extract`` made of each encoder."""
        names = self.config.extracted().encoders()
        return [self._adopted("extract", FeaturesRef, teacher=name) for name in names]

    def _adopted(self, name: str, kind: type[AnyRef], *, teacher: str | None = None) -> AnyRef:
        view = self.view(data_stage(name), teacher)
        return adopt(view, kind=kind, workspace=self.workspace)


def ingest(job: Job) -> Shown:
    """Show the cohort."""
    cohort = ingest_cohort(job.config.cohort, imported=False, workspace=job.workspace)
    return Shown(cohort, {})


def validate(job: Job) -> Shown:
    """Show which slides go on, and the contracts of the tables."""
    validation, contracts = validated_cohort(
        job.cohort(),
        slides_dir=job.slides_dir,
        tiling=job.config.tiling,
        max_quarantine_fraction=job.config.max_quarantine_fraction,
        workspace=job.workspace,
    )
    return Shown(validation, {"contracts.json": contracts.uri})


def tile(job: Job) -> Shown:
    """Show the tile grid of each slide, and the contact sheet."""
    job.cohort()  # the tiles name it
    tiles = publish_tiles(
        job.workspace.read_manifest(job.validation(), ValidationManifest),
        slides_dir=job.slides_dir,
        config=job.config.tiling,
        max_quarantine_fraction=job.config.max_quarantine_fraction,
        workspace=job.workspace,
    )
    manifest = job.workspace.read_manifest(tiles, TilesManifest)
    files = {f"{tiled.slide.slide_id}.h5": tiled.uri for tiled in manifest.slides}
    if manifest.contact_sheet is not None:
        files["contact_sheet.jpg"] = manifest.contact_sheet.uri
    return Shown(tiles, files)


def extract(job: Job) -> Shown:
    """Show the features of one teacher.

    Raises:
        ConfigError: no teacher is named, or one that the config does not have.
    """
    # needs torch, which the stages before and after do without
    from shazam.features.publish import publish_features
    from shazam.features.shards import Shard

    names = job.config.extracted().encoders()
    if job.teacher not in names:
        raise ConfigError(f"--teacher {job.teacher}: the config has {', '.join(names)}")
    features = publish_features(
        job.tiles(),
        teachers=(job.teacher,),
        slides_dir=job.slides_dir,
        config=job.config.extracted().encoding(),
        shard=Shard.parse("0/1"),
        max_quarantine_fraction=job.config.max_quarantine_fraction,
        workspace=job.workspace,
    )
    (manifest,) = job.workspace.read_manifest(features, ExtractionManifest).features
    return Shown(features, {f"{entry.slide_id}.h5": entry.uri for entry in manifest.slides})


def validate_features(job: Job) -> Shown:
    """Show the feature set that training reads, and its contracts."""
    job.cohort()
    feature_set, contracts = validated_features(
        job.tiles(),
        job.features(),
        slides_dir=job.slides_dir,
        unit=job.config.cohort.unit,
        max_quarantine_fraction=job.config.max_quarantine_fraction,
        workspace=job.workspace,
    )
    return Shown(feature_set, {"contracts.json": contracts.uri})
