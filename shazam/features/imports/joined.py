"""Several imports over the same slides: several teachers, ready to be loaded as bags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shazam.errors import ArtifactError, ConfigError
from shazam.manifests import ImportedSlide, ImportManifest, QuarantineEntry, TeacherIdentity

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class JoinedImports:
    """Imported files of several teachers over the same slides; see :class:`FeatureFiles`.

    ``features[i]`` belongs to ``teachers[i]``; all hold the same slides in the same order.
    ``incomplete`` names slides that some teacher lacks.
    """

    teachers: tuple[TeacherIdentity, ...]
    features: tuple[tuple[ImportedSlide, ...], ...]
    quarantine: tuple[QuarantineEntry, ...]
    incomplete: tuple[str, ...]


def join_imports(manifests: Sequence[ImportManifest]) -> JoinedImports:
    """Join imports over the slides that all teachers have.

    Raises:
        ConfigError: there is no import, or a teacher is imported twice.
        ArtifactError: teachers disagree about the case or tiles of a slide, or share no slide.
    """
    names = [manifest.teacher.name for manifest in manifests]
    if not names or len(set(names)) != len(names):
        raise ConfigError(f"imports of {names}: give one import for each teacher, at least one")
    by_slide = [{slide.slide_id: slide for slide in manifest.slides} for manifest in manifests]
    everywhere = sorted(set.intersection(*(set(slides) for slides in by_slide)))
    if not everywhere:
        raise ArtifactError(f"no slide has the features of all of {names}; compare their slide ids")
    check_same_tiles(by_slide, names=names)
    quarantine = {
        (entry.slide_id, entry.stage): entry
        for manifest in manifests
        for entry in manifest.quarantine
    }
    return JoinedImports(
        teachers=tuple(manifest.teacher for manifest in manifests),
        features=tuple(tuple(slides[name] for name in everywhere) for slides in by_slide),
        quarantine=tuple(quarantine[key] for key in sorted(quarantine)),
        incomplete=tuple(sorted(set().union(*by_slide) - set(everywhere))),
    )


def check_same_tiles(
    by_slide: Sequence[Mapping[str, ImportedSlide]], *, names: Sequence[str]
) -> None:
    """Refuse teachers that saw other tiles of a slide, or say that it is of another case.

    Args:
        by_slide: the files of each teacher, by slide.
        names: of the teachers.

    Raises:
        ArtifactError: names the slides.
    """
    slide_ids = sorted(set().union(*by_slide))
    for what in ("case_id", "n_tiles", "tiles_key"):
        differ = [
            slide_id
            for slide_id in slide_ids
            if len({getattr(slides[slide_id], what) for slides in by_slide if slide_id in slides})
            > 1
        ]
        if differ:
            more = f" and {len(differ) - _SHOWN} more" if len(differ) > _SHOWN else ""
            raise ArtifactError(
                f"teachers {', '.join(names)} differ in {what} of slides "
                f"{', '.join(differ[:_SHOWN])}{more}; import features of the same tiles"
            )
