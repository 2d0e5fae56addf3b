"""Teachers: the catalogue of frozen encoders; ``teachers.encoder`` loads and runs them."""

from shazam.teachers.catalogue import Catalogue, shipped_catalogue
from shazam.teachers.entry import TeacherEntry
from shazam.teachers.identity import identity
from shazam.teachers.library import TeacherLibrary, check_identities

__all__ = [
    "Catalogue",
    "TeacherEntry",
    "TeacherLibrary",
    "check_identities",
    "identity",
    "shipped_catalogue",
]
