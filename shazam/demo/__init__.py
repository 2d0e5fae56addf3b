"""The synthetic cohort of ``shazam demo``: slides whose look carries a survival signal."""

from shazam.demo.cohort import DemoCohort, make_demo_cohort

__all__ = ["DemoCohort", "make_demo_cohort"]
