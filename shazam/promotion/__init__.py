"""Bundles, and the protocol of the place they are registered in.

``register`` makes a bundle of a run, ``flow`` brings it into use.
"""

from shazam.promotion.bundle import Bundle, build_bundle
from shazam.promotion.opened import OpenedBundle, open_bundle
from shazam.promotion.store import ModelStore, RegisteredVersion, Registration, StoredVersion

__all__ = [
    "Bundle",
    "ModelStore",
    "OpenedBundle",
    "RegisteredVersion",
    "Registration",
    "StoredVersion",
    "build_bundle",
    "open_bundle",
]
