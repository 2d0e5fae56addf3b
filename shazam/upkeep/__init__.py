"""Keeping up: what a workspace holds and refers to, what a run costs, what is new for a model."""
