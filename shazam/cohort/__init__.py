"""Cohorts: cases, slides, outcomes, sites and honest splits."""

from shazam.cohort.folds import Fold, Splits, check_splits
from shazam.cohort.model import Case, Cohort, Slide
from shazam.cohort.splits import make_splits
from shazam.cohort.store import load_cohort, write_cohort

__all__ = [
    "Case",
    "Cohort",
    "Fold",
    "Slide",
    "Splits",
    "check_splits",
    "load_cohort",
    "make_splits",
    "write_cohort",
]
