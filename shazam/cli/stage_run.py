"""One data stage as a command of its own."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import typer

from shazam.cli.demo_cohort import make_demo, with_demo
from shazam.cli.occupy import occupy
from shazam.cli.slides_version import brought, resolved
from shazam.config import Config, load_config
from shazam.errors import ConfigError
from shazam.integrations.data_stages import Job
from shazam.integrations.dvc_cache import offer_to_cache, repository_of
from shazam.integrations.dvc_yaml import DEMO
from shazam.integrations.environment import prepare_environment
from shazam.integrations.stage_views import Shown, adopt_files, publish_view
from shazam.stages import DataStage, data_stage
from shazam.workspace import Workspace


def run_stage(
    name: str, *, config: Path, workspace: Path, views: Path, teacher: str | None
) -> None:
    """Run a stage and print the folder that shows what it made.

    Raises:
        ConfigError: there is no such stage, or it needs a teacher.
        ArtifactError: a view of a stage before it is missing or altered.
    """
    loaded = resolved(load_config(config).config)
    place = Workspace(workspace)
    stage = None if name == DEMO else data_stage(name)
    if stage is not None and stage.per_teacher is (teacher is None):
        raise ConfigError(
            f"stage {name}: {'give --teacher' if stage.per_teacher else 'takes no --teacher'}"
        )
    with occupy(place):
        prepare_environment(place)
        view = views / (DEMO if stage is None else stage.view(teacher))
        shown = (
            _demo(loaded, place)
            if stage is None
            else _made(stage, loaded, workspace=place, views=views, teacher=teacher)
        )
        files = publish_view(view, shown, workspace=place)
        with repository_of(view) as repository:
            if repository is not None:
                offer_to_cache(view, files, repository=repository)
    typer.echo(view)


def _demo(config: Config, workspace: Workspace) -> Shown:
    made = make_demo(config, workspace=workspace)
    folder = made.table.parent
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return Shown(None, {path.relative_to(folder).as_posix(): workspace.uri(path) for path in files})


def _made(
    stage: DataStage, config: Config, *, workspace: Workspace, views: Path, teacher: str | None
) -> Shown:
    if config.demo is not None:
        adopt_files(views / DEMO, workspace=workspace)
        config = with_demo(config, workspace=workspace)
    config = brought(config, workspace=workspace)
    module, _, function = stage.function.rpartition(".")
    work = getattr(import_module(module), function)
    shown: Shown = work(Job(config, workspace=workspace, views=views, teacher=teacher))
    return shown
