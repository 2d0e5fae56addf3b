"""What is registered, and the protocol of the place it is registered in."""

from shazam.promotion.bundle import Bundle, build_bundle
from shazam.promotion.opened import OpenedBundle, open_bundle
from shazam.promotion.register import CHALLENGER, register_candidate
from shazam.promotion.store import ModelStore, RegisteredVersion, Registration, StoredVersion

__all__ = [
    "CHALLENGER",
    "Bundle",
    "ModelStore",
    "OpenedBundle",
    "RegisteredVersion",
    "Registration",
    "StoredVersion",
    "build_bundle",
    "open_bundle",
    "register_candidate",
]
