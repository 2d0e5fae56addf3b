"""The TRIPOD+AI checklist: where a report answers each item, or that it does not.

Items by number, in wording of our own, after Collins et al., BMJ 2024;385:e078378.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shazam.config.cohort import Task
from shazam.evaluation.document import ReportDocument

NOT_REPORTED = "not reported"


@dataclass(frozen=True, slots=True)
class Item:
    """One item: its number, what it asks in short, and where it is answered."""

    number: str
    asks: str
    where: str

    @property
    def reported(self) -> bool:
        """Whether it is answered anywhere."""
        return self.where != NOT_REPORTED


# what no run can know: people must add it before the model is used
_FOR_PEOPLE = {
    "3a": "health problem and why a model is needed",
    "3c": "known inequalities between groups of patients",
    "5b": "dates of recruitment and follow-up",
    "6a": "setting and number of centres",
    "6b": "who could take part",
    "6c": "treatments received",
    "8b": "who assessed the outcome, if it takes judgement",
    "8c": "whether the outcome was assessed blind",
    "9c": "who assessed the predictors, if it takes judgement",
    "17": "ethical approval and consent",
    "18a": "funding",
    "18b": "conflicts of interest",
    "18d": "registration of the study",
    "18e": "access to the data",
    "19": "involvement of patients and the public",
    "27b": "what users must do and know",
}
_ALWAYS = {
    "1": ("title that names a prediction model", "title"),
    "2": ("structured abstract", "model card, 'Summary'"),
    "3b": ("intended purpose and users", "report, 'What was asked' (intended_use)"),
    "4": ("aims: development, evaluation or both", "report, 'What these numbers are'"),
    "5a": ("sources of data", "report, 'Cohort' and digests in 'Provenance'"),
    "7": ("data preparation and quality control", "report, 'Cohort' (quarantine with reasons)"),
    "8a": ("outcome that is predicted", "report, 'What was asked' (task, cohort)"),
    "9a": ("choice of predictors", "report, 'Provenance' (teachers, not argued for)"),
    "9b": ("definition of predictors", "report, 'Provenance' (revisions and digests of teachers)"),
    "10": ("sample size", "report, 'Criteria' (enough cases or events to judge by)"),
    "11": ("missing data", "report, 'Cohort'"),
    "12a": ("how data were divided", "report, 'Folds'"),
    "12b": ("handling of predictors", "report, 'What was asked' (the whole configuration)"),
    "12c": ("kind of model and how it was built", "report, 'What was asked'; model card, 'Model'"),
    "12d": ("differences between clusters such as sites", "report, 'Folds' and 'Self-checks'"),
    "12e": ("measures of performance", "report, 'Comparison'"),
    "12g": ("how predictions were made", "model card, 'Model'; report, 'What these numbers are'"),
    "16": ("differences between training and test data", "report, 'Folds' (parts of each fold)"),
    "18c": ("protocol", "report, 'What was asked' (frozen acceptance file with its SHA-256)"),
    "18f": ("access to the code", "report, 'Provenance' (version of the software)"),
    "20a": ("flow of participants", "report, 'Cohort'"),
    "20c": ("development against evaluation data", "report, 'Folds' (parts of each fold)"),
    "21": ("numbers of cases and events in each analysis", "report, 'Folds'"),
    "22": ("the full model", "models folder of the run, with digests in its bundle"),
    "23a": ("performance with intervals", "report, 'Comparison'"),
    "25": ("main results against the aims", "report, 'Criteria' (no other studies)"),
    "26": ("limitations", "model card, 'Limits'"),
    "27a": ("poor or missing input", "report, 'Cohort'; model card, 'Limits'"),
    "27c": ("next steps", "model card, 'Limits' (a locked test cohort)"),
}


def checklist(document: ReportDocument) -> tuple[Item, ...]:
    """Return all items in the order of their numbers.

    Args:
        document: what the report shows; decides the items that not every run answers.
    """
    items = [Item(number, asks, NOT_REPORTED) for number, asks in _FOR_PEOPLE.items()]
    items += [Item(number, asks, where) for number, (asks, where) in _ALWAYS.items()]
    items += _depending(document)
    return tuple(sorted(items, key=_order))


def _depending(document: ReportDocument) -> Iterator[Item]:
    result = document.result
    subgroups = bool(result.subgroups)
    classes = result.task is Task.CLASSIFICATION
    survival = result.risk_groups is not None
    several_sites = len({site for fold in result.folds for site in fold.test_sites}) > 1
    updated = "nothing was recalibrated or updated"
    yield Item("12f", "recalibration or updating", updated)
    yield _item("13", "class imbalance", "report, 'Confusion' and 'Folds'", when=classes)
    yield _item("14", "fairness between groups", "report, 'Subgroups'", when=subgroups)
    cut = "report, 'Risk groups'" if survival else "report, 'Confusion'"
    yield _item("15", "form of the output and cut-offs", cut, when=survival or classes)
    yield Item("20b", "characteristics of the participants", NOT_REPORTED)
    sites = "report, 'Comparison' (by fold) and 'Folds' (sites tested)"
    yield _item("23b", "performance by cluster", sites, when=several_sites)
    yield Item("24", "results of updating a model", updated)


def _item(number: str, asks: str, where: str, *, when: bool) -> Item:
    return Item(number, asks, where if when else NOT_REPORTED)


def _order(item: Item) -> tuple[int, str]:
    digits = item.number.rstrip("abcdefg")
    return int(digits), item.number.removeprefix(digits)
