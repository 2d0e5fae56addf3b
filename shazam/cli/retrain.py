"""`shazam retrain`: train again where something is new, judged by the criteria of before."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from shazam.cli.commands import exit_code_of
from shazam.cli.new_data import Plan, print_plan, printed_json
from shazam.cli.occupy import occupy
from shazam.cli.preflight import Checked, preflight
from shazam.cohort import Cohort
from shazam.cohort.slide_memory import recall_slides, remember_slides
from shazam.cohort.table import read_cases_table, read_table
from shazam.config import Config, load_config
from shazam.digest import digest_of_file
from shazam.errors import ExitCode
from shazam.features.imports.planned import planned_imports
from shazam.integrations.environment import prepare_environment
from shazam.progress import console_progress
from shazam.upkeep.criteria import accepted_criteria, changed_criteria, other_changes
from shazam.upkeep.decision import Decision, decide
from shazam.upkeep.feature_files import imported_files, replaced_files
from shazam.upkeep.new_data import NewData, new_data
from shazam.upkeep.registered import RegisteredRun, last_registered
from shazam.workspace import Workspace


def retrain(
    config: Path,
    *,
    workspace: Path,
    overrides: Sequence[str],
    why: str | None,
    strict: bool,
    use_cache: bool,
    as_json: bool,
) -> ExitCode:
    """Run the pipeline if enough is new since the last registered run; see :class:`ExitCode`.

    Args:
        config: YAML file.
        workspace: where the runs lie.
        overrides: ``a.b=value`` texts.
        why: why other criteria than those of the last registered run are accepted.
        strict: whether quarantined slides are an exit code of their own.
        use_cache: whether steps may be taken from earlier runs.
        as_json: print one object on stdout, and all else on stderr.

    Raises:
        ConfigError: cases were lost, or the criteria are others, and nobody accepted that.
        ShazamError: another command holds the workspace, or a step failed.
    """
    loaded = load_config(config, overrides=overrides).config
    place = Workspace(workspace)
    recall_slides(place)
    checked = preflight(loaded)
    with occupy(place):
        prepare_environment(place)
        plan = _plan(loaded, workspace=place, why=why)
        if not as_json:
            print_plan(plan)
        if plan.decision.retrain:
            return _train(plan, checked, place, strict=strict, use_cache=use_cache, as_json=as_json)
    if as_json:
        print(printed_json(plan))
    return ExitCode.DONE


def _train(
    plan: Plan,
    checked: Checked,
    workspace: Workspace,
    *,
    strict: bool,
    use_cache: bool,
    as_json: bool,
) -> ExitCode:
    from shazam.cli.launch import launch
    from shazam.cli.summary import print_summary

    with redirect_stdout(sys.stderr if as_json else sys.stdout):
        results = launch(
            plan.config,
            source_digest=checked.source_digest,
            identities=checked.identities,
            use_cache=use_cache,
        )
        print_summary(results, workspace=workspace)
    if as_json:
        print(printed_json(plan, results=results, workspace=workspace))
    return exit_code_of(results, strict=strict)


def _plan(config: Config, *, workspace: Workspace, why: str | None) -> Plan:
    from shazam.integrations.mlflow import MlflowModelStore

    cohort = _cohort(config, workspace=workspace)
    last = last_registered(
        config.cohort.name,
        now=cohort,
        versions=MlflowModelStore.of(workspace).versions(config.cohort.name),
        workspace=workspace,
    )
    if last.run is None:
        first = Decision(retrain=True, reasons=("the first run: no version is registered here",))
        return Plan(_recording(config, None), first, elsewhere=last.elsewhere)
    found = _new_data(last.run, cohort, config=config, workspace=workspace)
    decision = decide(found, config=config.retraining)
    changes = changed_criteria(last.run.config, config)
    recorded = None
    if decision.retrain:
        recorded = accepted_criteria(changes, version=last.run.version, why=why)
    return Plan(
        _recording(config, recorded),
        decision,
        found=found,
        last=last.run,
        elsewhere=last.elsewhere,
        changes=changes,
        other_changes=other_changes(last.run.config, config),
    )


def _recording(config: Config, criteria: object) -> Config:
    retraining = config.retraining.model_copy(update={"new_criteria": criteria})
    return config.model_copy(update={"retraining": retraining})


def _cohort(config: Config, *, workspace: Workspace) -> Cohort:
    """Read the table, and those slides that are not known from before."""
    if config.imports is not None:
        return read_cases_table(config.cohort.outcomes(), config=config.cohort)
    table, slides_dir = config.cohort.sources()
    cohort = read_table(
        table,
        slides_dir=slides_dir,
        config=config.cohort,
        progress=lambda total: console_progress("look at slides", total),
    )
    remember_slides(cohort, slides_dir=slides_dir, workspace=workspace)
    return cohort


def _new_data(
    last: RegisteredRun, cohort: Cohort, *, config: Config, workspace: Workspace
) -> NewData:
    found = new_data(last.cohort, cohort)
    if config.imports is None:
        return found
    planned = planned_imports(config.imports)
    now: dict[str, set[str]] = defaultdict(set)
    for one in planned:
        for file in one.files:
            now[f"{one.teacher.name}/{file.path.name}"].add(digest_of_file(file.path))
    before = imported_files(last.document.key.feature_set, workspace=workspace)
    tables = {one.teacher.name for one in planned if one.options.is_table}
    replaced = replaced_files(before, {name: frozenset(found) for name, found in now.items()})
    return found.with_files(
        files=tuple(name for name in replaced if name.partition("/")[0] not in tables),
        tables=tuple(name for name in replaced if name.partition("/")[0] in tables),
    )
