"""The TRIPOD+AI checklist: where a report answers each item, or that it does not.

Numbers and meanings of the items: Collins et al., TRIPOD+AI statement, BMJ 2024;385:e078378
(doi 10.1136/bmj-2023-078378), 27 items in 52 parts; the wording is our own.
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
    "3a": "clinical context, why a model is needed, models that exist",
    "3c": "known inequalities between groups of patients",
    "5b": "dates of recruitment and follow-up",
    "6a": "setting, number and places of the centres",
    "6b": "who could take part",
    "6c": "treatments received and how they were dealt with",
    "8b": "who assessed the outcome, where that takes judgement",
    "8c": "blinding of those who assessed the outcome",
    "9c": "who assessed the predictors, where that takes judgement",
    "17": "ethical approval and informed consent, or their waiver",
    "18a": "funding and the role of the funders",
    "18b": "conflicts of interest",
    "18d": "registration of the study, or that there is none",
    "18e": "availability of the data",
    "19": "involvement of patients and the public",
    "27b": "what users must do, and which expertise that takes",
}
_ALWAYS = {
    "1": ("title: prediction model, whom it is for, outcome", "model card, title and 'Model'"),
    "2": ("abstract, by a checklist of its own", "model card, 'Summary' (numbers only)"),
    "3b": (
        "target population, purpose and users",
        "report, 'What was asked' (intended_use; the rest is for people to say)",
    ),
    "4": ("aims: development, evaluation or both", "report, 'What these numbers are'"),
    "5a": (
        "sources of data and what they stand for",
        "report, 'Cohort' and digests in 'Provenance'",
    ),
    "7": ("data preparation and quality control", "report, 'Cohort' (quarantine with reasons)"),
    "8a": (
        "outcome, its horizon and how it was assessed",
        "report, 'What was asked' (task, cohort)",
    ),
    "9a": ("choice of the first predictors", "report, 'Provenance' (teachers, not argued for)"),
    "9b": (
        "definition and measurement of predictors",
        "report, 'Provenance' (revisions and digests of teachers)",
    ),
    "10": ("sample size and why it is enough", "report, 'Criteria' (cases or events, power)"),
    "11": ("missing data and reasons for leaving any out", "report, 'Cohort'"),
    "12a": ("how data were used and divided", "report, 'Folds'"),
    "12b": (
        "handling and scaling of predictors",
        "report, 'What was asked' (the whole configuration)",
    ),
    "12c": (
        "kind of model, how it was built, internal validation",
        "report, 'What was asked'; model card, 'Model'",
    ),
    "12d": (
        "how differences between clusters, such as sites, were dealt with",
        "report, 'Comparison' (folds), 'Folds' (sites) and 'Self-checks' (site probe)",
    ),
    "12e": ("measures and plots of performance", "report, 'Comparison'"),
    "12g": ("how predictions were made", "model card, 'Model'; report, 'What these numbers are'"),
    "16": (
        "differences between development and evaluation data",
        "report, 'Folds' (parts of one cohort)",
    ),
    "18c": ("protocol", "report, 'What was asked' (frozen acceptance file with its SHA-256)"),
    "18f": ("availability of the code", "report, 'Provenance' (version of the software)"),
    "20a": (
        "flow of participants, with and without the outcome",
        "report, 'Cohort' and 'Folds' (events or classes)",
    ),
    "20c": (
        "predictors and outcome in evaluation against development data",
        "report, 'Folds' (parts of each fold)",
    ),
    "21": ("numbers of cases and events in each analysis", "report, 'Folds'"),
    "22": (
        "the full model and restrictions of its use",
        "models folder of the run; model card, 'Teachers and licences'",
    ),
    "23a": (
        "performance with intervals, also in subgroups",
        "report, 'Comparison' and 'Subgroups'",
    ),
    "25": ("interpretation: aims, fairness, earlier studies", "report, 'Criteria' (aims only)"),
    "26": ("limitations", "model card, 'Limits'"),
    "27a": ("input that is poor or missing in use", "report, 'Cohort'; model card, 'Limits'"),
    "27c": ("next steps for wider use", "model card, 'Limits' (a locked test cohort)"),
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
    yield Item("12f", "updating of the model, such as recalibration", updated)
    balanced = "report, 'What was asked' (class_weights); nothing was recalibrated after"
    yield _item("13", "methods against class imbalance", balanced, when=classes)
    fair = "report, 'Subgroups' (measured only; nothing was done to even them out)"
    yield _item("14", "what was done for fairness, and why", fair, when=subgroups)
    cut = "report, 'Risk groups'" if survival else "report, 'Confusion'"
    output = cut if survival or classes else "report, 'Targets' (values, no cut-offs)"
    yield Item("15", "form of the output, cut-offs and their reasons", output)
    yield Item("20b", "characteristics of the participants", NOT_REPORTED)
    sites = "report, 'Comparison' (by fold) and 'Folds' (sites tested)"
    yield _item("23b", "differences in performance between clusters", sites, when=several_sites)
    yield Item("24", "the updated model and its performance", updated)


def _item(number: str, asks: str, where: str, *, when: bool) -> Item:
    return Item(number, asks, where if when else NOT_REPORTED)


def _order(item: Item) -> tuple[int, str]:
    digits = item.number.rstrip("abcdefg")
    return int(digits), item.number.removeprefix(digits)
