"""Distil pathology foundation models into a small, audited student."""

__version__ = "0.1.0"
