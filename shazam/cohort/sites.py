"""The site of each case: a column of the table, or field 2 of TCGA barcodes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from shazam.cells import is_missing
from shazam.cohort.alike import check_alike, folded
from shazam.cohort.barcodes import site_of
from shazam.cohort.findings import Findings, some_of
from shazam.cohort.rows import Row, Rows

_WHOLE = re.compile(r"(\d+)\.0+")


def sites_of(table: Rows, *, first: Mapping[str, Row], findings: Findings) -> dict[str, str | None]:
    """Return the site of each case; what is missing, mended or doubtful goes to ``findings``.

    Without a column ``site``, or with an empty one, sites are those of TCGA barcodes if every
    case has one.

    Args:
        table: all rows.
        first: the first row of each case.
        findings: collects problems and notes.
    """
    if "site" not in table.columns or not any(row["site"] for row in table.rows):
        return _derived(list(first), findings=findings)
    _check_given(table, findings=findings)
    sites = {case_id: _given(row["site"]) for case_id, row in first.items()}
    mended = _mended(sites)
    if mended:
        shown = some_of([f"'{sites[name]}' of {name} is {site}" for name, site in mended.items()])
        findings.note(
            f"the site of {len(mended)} cases lacks leading zeros of their TCGA barcodes, or is "
            f"empty for 'NA'; it is read from the barcodes ({shown})"
        )
    whole: dict[str, str | None] = {name: site or None for name, site in (sites | mended).items()}
    line_of: dict[str, int] = {}
    for case_id, site in whole.items():
        if site is not None:
            line_of.setdefault(site, first[case_id].line)
    check_alike("sites", line_of, findings=findings)
    _note_doubts(whole, findings=findings)
    return whole


def _derived(case_ids: list[str], *, findings: Findings) -> dict[str, str | None]:
    sites = {case_id: site_of(case_id) for case_id in case_ids}
    n_known = sum(site is not None for site in sites.values())
    if case_ids and n_known == len(case_ids):
        findings.note(
            f"no column site: the {len(set(sites.values()))} sites are the tissue source sites in "
            "field 2 of the TCGA barcodes"
        )
        return sites
    if case_ids:
        some = f"; only {n_known} of {len(case_ids)} cases have TCGA barcodes" if n_known else ""
        findings.note(
            "no column site: whether a hospital stands in both training and test cannot be "
            f"known{some}"
        )
    return dict.fromkeys(case_ids)


def _check_given(table: Rows, *, findings: Findings) -> None:
    for row in table.rows:
        site = row["site"]
        by_barcode = site_of(row.cells.get("case_id", ""))
        if is_missing(site) and (site.upper() or "NA") != by_barcode:
            findings.add(
                "site is empty; give every case its site, or remove the column"
                if not site
                else f"site '{site}' names none; give every case its site, or remove the column",
                line=row.line,
            )


def _given(text: str) -> str:
    """Return a site's name; numbers that went through a table of decimals lose their ``.0``."""
    match = _WHOLE.fullmatch(text)
    return text if match is None else match[1]


def _mended(sites: Mapping[str, str]) -> dict[str, str]:
    """Return the sites that spreadsheets spoilt: ``5`` of a barcode that says ``05``."""
    mended = {}
    for case_id, site in sites.items():
        said = site_of(case_id)
        spoilt = site != said and site.upper().lstrip("0") == (said or "").lstrip("0")
        if said is not None and (spoilt or (not site and said == "NA")):
            mended[case_id] = said
    return mended


def _note_doubts(sites: Mapping[str, str | None], *, findings: Findings) -> None:
    other = [name for name, site in sites.items() if site_of(name) not in (None, site)]
    if other:
        findings.note(
            f"the column site is used, though it differs from field 2 of the TCGA barcode in "
            f"{len(other)} cases ({some_of(other)})"
        )
    alike: dict[str, set[str]] = defaultdict(set)
    for site in sites.values():
        if site:
            alike["".join(site.casefold().split()).lstrip("0")].add(site)
    for names in alike.values():
        if len({folded(name) for name in names}) > 1:
            quoted = ", ".join(f"'{name}'" for name in sorted(names))
            findings.note(f"sites {quoted} count as different ones; write them alike if they are")
