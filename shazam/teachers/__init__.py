"""Teachers: the catalogue of frozen encoders; ``teachers.encoder`` loads and runs them."""

from shazam.teachers.catalogue import TeacherEntry, identity, teacher_entry, teacher_names

__all__ = ["TeacherEntry", "identity", "teacher_entry", "teacher_names"]
