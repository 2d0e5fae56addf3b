"""Data contracts: suites of expectations (YAML files beside this one) run by Great Expectations.

A critical expectation that fails stops the run; a warning is reported and the run goes on.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from shazam.digest import digest_of
from shazam.errors import ContractError
from shazam.integrations.environment import quieten
from shazam.publish import publish_folder
from shazam.workspace import Workspace

if TYPE_CHECKING:
    from great_expectations.data_context.store.store import DataDocsSiteConfigTypedDict
    from great_expectations.expectations.expectation import Expectation

SUITES = Path(__file__).parent / "suites"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """An expectation that did not hold, with the first rows that broke it."""

    suite: str
    severity: str
    meaning: str
    rows: tuple[str, ...]

    def __str__(self) -> str:
        rows = f": {', '.join(self.rows)}" if self.rows else ""
        return f"{self.suite} ({self.severity}): violated: {self.meaning}{rows}"


@dataclass(frozen=True, slots=True)
class ContractResult:
    """Warnings of a passed contract and where its Data Docs lie."""

    warnings: tuple[Finding, ...]
    data_docs_uri: str


def check_contract(
    suite: str, frame: pd.DataFrame, *, workspace: Workspace, label: str = "slide_id"
) -> ContractResult:
    """Hold a table against a suite and publish the Data Docs.

    Args:
        suite: name of a YAML file in ``suites``; expectations on absent columns do not apply.
        frame: the table; one row is one thing that the suite speaks of.
        label: column that names a row in findings.

    Raises:
        ContractError: a critical expectation failed.
    """
    rules = [rule for rule in load_suite(suite) if _columns(rule) <= set(frame.columns)]
    digest = digest_of([suite, rules, frame.to_json(orient="split")])
    docs = workspace.root / "data_docs" / suite / digest
    with tempfile.TemporaryDirectory() as scratch:
        findings = _run(suite, rules, frame, label=label, docs=Path(scratch))
        if not docs.exists():
            publish_folder(docs, lambda folder: _copy_tree(Path(scratch), folder))
    critical = [finding for finding in findings if finding.severity == "critical"]
    uri = workspace.uri(docs / "index.html")
    if critical:
        listed = "\n".join(f"  - {finding}" for finding in critical)
        raise ContractError(f"{suite}: {len(critical)} broken expectation(s), see {uri}\n{listed}")
    return ContractResult(warnings=tuple(findings), data_docs_uri=uri)


def load_suite(name: str) -> list[dict[str, Any]]:
    """Return the rules of a suite as its YAML file lists them."""
    rules: list[dict[str, Any]] = yaml.safe_load((SUITES / f"{name}.yaml").read_text("utf-8"))
    return rules


def _copy_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True)


def _columns(rule: dict[str, Any]) -> set[str]:
    named = {rule[key] for key in ("column", "column_A", "column_B") if key in rule}
    return named | set(rule.get("column_list", ()))


def _run(
    suite: str, rules: list[dict[str, Any]], frame: pd.DataFrame, *, label: str, docs: Path
) -> Sequence[Finding]:
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
    return [
        _finding(suite, outcome, labels=frame[label].astype(str).tolist())
        for outcome in run["results"]
        if not outcome.success
    ]


def _expectation(rule: dict[str, Any]) -> Expectation:
    import great_expectations.expectations as catalogue

    arguments = {k: v for k, v in rule.items() if k not in ("expectation", "meaning")}
    kind: type[Expectation] = getattr(catalogue, rule["expectation"])
    return kind(**arguments, meta={"meaning": rule["meaning"]})


def _finding(suite: str, outcome: Any, *, labels: Sequence[str]) -> Finding:
    configuration = outcome.expectation_config
    broken = outcome.result.get("unexpected_index_list") or []
    names = [labels[int(index)] for index in broken[:_SHOWN]]
    if len(broken) > _SHOWN:
        names.append(f"and {len(broken) - _SHOWN} more")
    if outcome.exception_info.get("raised_exception"):
        names = [str(outcome.exception_info.get("exception_message"))]
    return Finding(
        suite=suite,
        severity=str(getattr(configuration.severity, "value", configuration.severity)),
        meaning=str(configuration.meta["meaning"]),
        rows=tuple(names),
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
