"""Data contracts: suites of expectations (YAML files beside this one) run by Great Expectations.

A critical expectation that fails stops the run; a warning is reported and the run goes on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from shazam.contracts import CheckedContract, ContractReport, Outcome
from shazam.digest import canonical_json, digest_of, digest_of_file
from shazam.errors import ContractError
from shazam.integrations.environment import quieten
from shazam.publish import publish_folder, publish_link
from shazam.workspace import Workspace

if TYPE_CHECKING:
    from great_expectations.data_context.store.store import DataDocsSiteConfigTypedDict
    from great_expectations.expectations.expectation import Expectation

SUITES = Path(__file__).parent / "suites"
REPORT = "result.json"
_SHARED = "static"
_MOST_ROWS = 1000  # of a broken expectation that the result names
_SHOWN = 5


def check_contract(
    suite: str,
    frame: pd.DataFrame,
    *,
    workspace: Workspace,
    label: Sequence[str] = ("slide_id",),
) -> CheckedContract:
    """Hold a table against a suite and publish its result and the Data Docs.

    Both lie in ``data_docs/<suite>/<digest>/``, named by the suite's rules and the table, and are
    there when a critical expectation failed too.

    Args:
        suite: name of a YAML file in ``suites``; expectations on absent columns do not apply.
        frame: the table; one row is one thing that the suite speaks of.
        label: columns that together name a row in findings.

    Raises:
        ContractError: a critical expectation failed.
    """
    rules = load_suite(suite)
    applied = [rule for rule in rules if _columns(rule) <= set(frame.columns)]
    names = _names(frame, label)
    table_sha256 = digest_of(frame.to_json(orient="split"))
    folder = workspace.root / "data_docs" / suite / digest_of([suite, rules, table_sha256])
    with tempfile.TemporaryDirectory() as scratch:
        docs = Path(scratch)
        report = ContractReport(
            suite=suite,
            suite_sha256=digest_of(rules),
            table_sha256=table_sha256,
            n_rows=len(frame),
            outcomes=_run(suite, applied, frame, names=names, docs=docs) if len(frame) else (),
            not_applied=tuple(str(rule["meaning"]) for rule in rules if rule not in applied),
        )
        (docs / REPORT).write_bytes(canonical_json(report))
        if not folder.exists():
            shared = workspace.root / "data_docs" / _SHARED
            publish_folder(folder, lambda target: _fill(target, docs, shared=shared))
    checked = CheckedContract(
        suite=suite,
        suite_sha256=report.suite_sha256,
        n_rows=report.n_rows,
        n_expectations=len(report.outcomes),
        warnings=tuple(_told(suite, broken) for broken in report.broken("warning")),
        result_uri=workspace.uri(folder / REPORT),
        result_sha256=digest_of(report),
        data_docs_uri=workspace.uri(folder / "index.html"),
    )
    if critical := report.broken("critical"):
        listed = "\n".join(f"  - {_told(suite, broken)}" for broken in critical)
        raise ContractError(
            f"{suite}: {len(critical)} broken expectation(s), see {checked.data_docs_uri}\n{listed}"
        )
    return checked


def load_suite(name: str) -> list[dict[str, Any]]:
    """Return the rules of a suite as its YAML file lists them."""
    rules: list[dict[str, Any]] = yaml.safe_load((SUITES / f"{name}.yaml").read_text("utf-8"))
    return rules


def _fill(target: Path, docs: Path, *, shared: Path) -> None:
    """Fill a folder with pages; pictures and styles, the same in all of them, are stored once."""
    for path in sorted(docs.rglob("*")):
        if not path.is_file():
            continue
        name = path.relative_to(docs)
        if name.parts[0] == _SHARED:
            kept = shared / digest_of_file(path)
            if not kept.is_file():
                publish_link(kept, path)
            publish_link(target / name, kept)
        else:
            publish_link(target / name, path)


def _names(frame: pd.DataFrame, label: Sequence[str]) -> list[str]:
    known = [name for name in label if name in frame.columns]
    if frame.empty or not known:
        return [f"row {number}" for number in range(len(frame))]
    return [" ".join(map(str, row)) for row in frame[known].itertuples(index=False)]


def _columns(rule: dict[str, Any]) -> set[str]:
    named = {rule[key] for key in ("column", "column_A", "column_B") if key in rule}
    return named | set(rule.get("column_list", ()))


def _told(suite: str, broken: Outcome) -> str:
    shown = [*broken.rows[:_SHOWN]]
    if broken.n_broken > _SHOWN:
        shown.append(f"and {broken.n_broken - _SHOWN} more")
    rows = f": {', '.join(shown)}" if shown else ""
    return f"{suite} ({broken.severity}): violated: {broken.meaning}{rows}"


def _run(
    suite: str,
    rules: list[dict[str, Any]],
    frame: pd.DataFrame,
    *,
    names: Sequence[str],
    docs: Path,
) -> tuple[Outcome, ...]:
    import great_expectations as gx
    from great_expectations.checkpoint.actions import UpdateDataDocsAction
    from great_expectations.data_context.types.base import ProgressBarsConfig

    quieten()  # Great Expectations sets its own level when it is imported
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    context.add_data_docs_site("docs", _site(docs))
    batch = (
        context.data_sources.add_pandas("shazam")
        .add_dataframe_asset(suite)
        .add_batch_definition_whole_dataframe("all")
    )
    expectations = gx.ExpectationSuite(name=suite, expectations=[_expectation(r) for r in rules])
    definition = gx.ValidationDefinition(
        name=suite, data=batch, suite=context.suites.add(expectations)
    )
    checkpoint = gx.Checkpoint(
        name=suite,
        validation_definitions=[context.validation_definitions.add(definition)],
        actions=[UpdateDataDocsAction(name="docs")],
        result_format={"result_format": "COMPLETE"},
    )
    result = context.checkpoints.add(checkpoint).run(batch_parameters={"dataframe": frame})
    (run,) = result.run_results.values()
    return tuple(_outcome(found, names=names) for found in run["results"])


def _expectation(rule: dict[str, Any]) -> Expectation:
    import great_expectations.expectations as catalogue

    arguments = {k: v for k, v in rule.items() if k not in ("expectation", "meaning")}
    kind: type[Expectation] = getattr(catalogue, rule["expectation"])
    return kind(**arguments, meta={"meaning": rule["meaning"]})


def _outcome(found: Any, *, names: Sequence[str]) -> Outcome:
    configuration = found.expectation_config
    broken = [int(index) for index in found.result.get("unexpected_index_list") or []]
    rows = [names[index] for index in broken[:_MOST_ROWS]]
    if found.exception_info.get("raised_exception"):
        rows = [str(found.exception_info.get("exception_message"))]
    return Outcome(
        meaning=str(configuration.meta["meaning"]),
        expectation=str(configuration.type),
        severity=str(getattr(configuration.severity, "value", configuration.severity)),
        passed=bool(found.success),
        n_broken=0 if found.success else max(len(broken), len(rows)),
        rows=() if found.success else tuple(rows),
    )


def _site(folder: Path) -> DataDocsSiteConfigTypedDict:
    return {
        "class_name": "SiteBuilder",
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(folder),
        },
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
