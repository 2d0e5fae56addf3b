"""`shazam plan` and `--dry-run`: what a run would do, told without any effect on the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from shazam.cli.demo_cohort import with_demo
from shazam.cli.occupy import look
from shazam.cli.plan_print import RunPlan, Slides, print_plan
from shazam.config import Config, load_config
from shazam.demo.plan import plan_cases, plan_slides
from shazam.integrations.environment import prepare_environment
from shazam.workspace import Workspace

if TYPE_CHECKING:
    from shazam.cli.preflight import Checked
    from shazam.integrations.zenml_plan import Fate, StepForecast
    from shazam.upkeep.todo import PlannedSlide


@dataclass(frozen=True, slots=True)
class _NotMade:
    """A slide of the demo's cohort that is not painted yet."""

    path: str
    size_bytes: int = 0
    sha256: str = ""


def plan(
    config: Path, *, workspace: Path, overrides: Sequence[str], use_cache: bool, as_json: bool
) -> None:
    """Print what `shazam run` would do.

    Raises:
        ConfigError: a run would refuse the config, the table or a teacher.
        ShazamError: a run holds the workspace.
    """
    loaded = load_config(config, overrides=overrides).config
    print_plan(_planned(loaded, Workspace(workspace), use_cache=use_cache), as_json=as_json)


def plan_demo(
    config: Path, *, workspace: Path, overrides: Sequence[str], use_cache: bool, as_json: bool
) -> None:
    """Print what `shazam demo` would do; raises as :func:`plan`."""
    place = Workspace(workspace)
    loaded = with_demo(load_config(config, overrides=overrides).config, workspace=place)
    print_plan(_planned(loaded, place, use_cache=use_cache), as_json=as_json)


def _planned(config: Config, workspace: Workspace, *, use_cache: bool) -> RunPlan:
    from shazam.cli.preflight import preflight

    with look(workspace):
        not_made = config.demo is not None and not config.cohort.sources()[0].is_file()
        checked = None if not_made else preflight(config)
        prepare_environment(workspace)
        cache, steps = _steps(config, checked, use_cache=use_cache)
        if config.extraction is None:
            return RunPlan(cache, steps, None, ())
        slides, told = _slides(config, checked, steps, workspace)
        from shazam.upkeep.todo import extraction_to_do, tiled_before

        todo = extraction_to_do(
            slides,
            config=config.extraction,
            tiled=tiled_before(workspace, tiling=config.tiling),
            workspace=workspace,
        )
        return RunPlan(cache, steps, told, todo)


def _steps(
    config: Config, checked: Checked | None, *, use_cache: bool
) -> tuple[str, tuple[StepForecast, ...]]:
    from shazam.integrations.zenml_store import copied_store, store_is_remote

    remote = store_is_remote()
    with copied_store() as there:
        from pipelines.training import training
        from shazam.integrations.environment import quieten
        from shazam.integrations.zenml_plan import Fate, forecast_steps

        quieten()
        digest = "" if checked is None else checked.source_digest
        names = config.imported().names() if config.imports else config.extracted().encoders()
        identities = dict.fromkeys(names, "") if checked is None else dict(checked.identities)
        steps = forecast_steps(training, config, digest, identities)
    if remote:
        return "unknown: it is a server's, which is not asked", _all(steps, Fate.UNKNOWN)
    if not use_cache:
        return "not used", _all(steps, Fate.RUN)
    if not there:
        return "empty", _all(steps, Fate.RUN)
    return "of this workspace", steps


def _all(steps: tuple[StepForecast, ...], fate: Fate) -> tuple[StepForecast, ...]:
    return tuple(replace(step, fate=fate, because=()) for step in steps)


def _slides(
    config: Config,
    checked: Checked | None,
    steps: tuple[StepForecast, ...],
    workspace: Workspace,
) -> tuple[Sequence[PlannedSlide], Slides]:
    """Return the slides that extraction would see, as far as they are known."""
    from shazam.cohort import load_cohort
    from shazam.manifests import TilesManifest

    refs = {step.name: step.outputs for step in steps}
    if tiles := refs.get("tile", {}).get("tiles"):
        tiled = workspace.read_manifest(tiles, TilesManifest).slides
        found: Sequence[PlannedSlide] = [one.slide for one in tiled]
        return found, Slides(len(found), "the slides that were tiled; nothing changed since")
    if cohort := refs.get("ingest", {}).get("cohort"):
        found = load_cohort(workspace.open_ref(cohort)).slides
        return found, Slides(len(found), "the cohort as it was read; some may be set aside")
    if checked is None:
        asked = config.demo
        found = [] if asked is None else _demo_slides(config)
        return found, Slides(len(found), "an upper bound: the demo's slides are not made yet")
    found = checked.cohort.slides
    return found, Slides(
        len(found),
        "an upper bound: table and slide folder were not read as they are now, so slides of a path "
        "and size seen before are taken for unchanged, all others for new",
    )


def _demo_slides(config: Config) -> list[PlannedSlide]:
    asked = config.demo
    if asked is None:
        return []
    return [_NotMade(slide.slide_id) for slide in plan_slides(asked, plan_cases(asked))]
