"""What came of holding tables against their contracts: read by reports, and kept as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field, NonNegativeInt

from shazam.manifests import Entry, Sha256
from shazam.refs import ContractsRef
from shazam.workspace import Workspace


class Outcome(Entry):
    """One expectation of a suite: what it means, and the rows that broke it.

    ``rows`` names the first 1,000 of ``n_broken``; where the check itself could not be made it
    holds the reason.
    """

    meaning: str
    expectation: str
    severity: str
    passed: bool
    n_broken: NonNegativeInt
    rows: tuple[str, ...]


class ContractReport(Entry):
    """The result of one table; equal tables and suites give equal bytes.

    ``not_applied`` lists what could not be asked, because the table lacks the columns.
    """

    suite: str
    suite_sha256: str = Sha256
    table_sha256: str = Sha256
    n_rows: NonNegativeInt
    outcomes: tuple[Outcome, ...]
    not_applied: tuple[str, ...]

    def broken(self, severity: str) -> tuple[Outcome, ...]:
        """Return the expectations of a severity that did not hold."""
        return tuple(
            outcome
            for outcome in self.outcomes
            if not outcome.passed and outcome.severity == severity
        )


class CheckedContract(Entry):
    """A contract that held: its warnings, and where its result and its Data Docs lie."""

    suite: str
    suite_sha256: str = Sha256
    n_rows: NonNegativeInt
    n_expectations: NonNegativeInt
    warnings: tuple[str, ...]
    result_uri: str
    result_sha256: str = Sha256
    data_docs_uri: str


class Contracts(Entry):
    """The contracts that one step held its tables against."""

    checked: tuple[CheckedContract, ...] = Field(min_length=1)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings of all of them."""
        return tuple(warning for contract in self.checked for warning in contract.warnings)


def publish_contracts(checked: Sequence[CheckedContract], *, workspace: Workspace) -> ContractsRef:
    """Publish what held."""
    contracts = Contracts(checked=tuple(checked))
    uri, sha256 = workspace.write_manifest("contracts", contracts)
    return ContractsRef(uri=uri, sha256=sha256, n_warnings=len(contracts.warnings))
