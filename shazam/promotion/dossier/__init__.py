"""A dossier: what an outsider needs to check a champion, and the program that does."""

from shazam.promotion.dossier.export import export_dossier

__all__ = ["export_dossier"]
