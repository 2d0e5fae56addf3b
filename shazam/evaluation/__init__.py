"""Honest evaluation: metrics with intervals, probes, gates and the report."""
