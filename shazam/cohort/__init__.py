"""Cohorts: cases, slides, outcomes, sites and honest splits."""

from shazam.cohort.external import splits_of_files
from shazam.cohort.folds import Fold, Splits, check_splits
from shazam.cohort.model import Case, Cohort, Slide
from shazam.cohort.repeats import make_repeats
from shazam.cohort.split_files import read_split_files
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
    "make_repeats",
    "make_splits",
    "read_split_files",
    "splits_of_files",
    "write_cohort",
]
