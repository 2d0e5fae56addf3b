"""The files that bags are made of: which slide lies in which bag, and which teacher lacks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from shazam.config.cohort import Unit
from shazam.config.imports import MissingTeacher, MissingValues
from shazam.errors import ArtifactError, ConfigError
from shazam.manifests import FeatureSetManifest, SlideFeatures, TeacherIdentity, tile_ids


class FeatureFiles(Protocol):
    """Feature files of some teachers: ``features[i]`` belongs to ``teachers[i]``."""

    @property
    def teachers(self) -> Sequence[TeacherIdentity]: ...

    @property
    def features(self) -> Sequence[Sequence[SlideFeatures]]: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """What the bags of a feature set are, beside its files.

    Args:
        slides: the slides of all bags, of which a teacher may lack some; None means that every
            teacher must have the same ones.
        allow_nan: whether NaN may stand among the features.
        unit: whether a bag is a case or a tile.
    """

    slides: tuple[SlideFeatures, ...] | None = None
    allow_nan: bool = False
    unit: Unit = Unit.CASE

    @classmethod
    def of(cls, manifest: FeatureSetManifest) -> Reading:
        """Return how a feature set is read."""
        masked = manifest.missing_teacher is MissingTeacher.MASK
        return cls(
            slides=manifest.slides() if masked else None,
            allow_nan=manifest.missing_values is MissingValues.IMPUTE,
            unit=manifest.unit,
        )


WHOLE = Reading()


@dataclass(frozen=True, slots=True)
class BagFiles:
    """Files and bags of some teachers; everything is in the order of the slides.

    Args:
        slides: by case, then by id.
        bags: for each slide the names of its bags: its case, or its tiles.
        files: by teacher, the file of each slide; None where the teacher is absent.
        levels: by teacher, the levels that are read.
        present: by teacher that lacks some, bool ``[n_bags]``.
    """

    slides: tuple[SlideFeatures, ...]
    bags: tuple[tuple[str, ...], ...]
    files: Mapping[str, tuple[SlideFeatures | None, ...]]
    levels: Mapping[str, Sequence[str]]
    present: Mapping[str, Tensor]

    @property
    def lengths(self) -> Mapping[str, int]:
        """Number of tiles of each bag, in the order of the bags."""
        n_tiles: Counter[str] = Counter()
        for slide, names in zip(self.slides, self.bags, strict=True):
            for name in names:
                n_tiles[name] += slide.n_tiles // len(names)
        return n_tiles


def find_bag_files(
    manifest: FeatureFiles,
    *,
    teachers: Sequence[str],
    levels: Sequence[str] | None,
    reading: Reading,
) -> BagFiles:
    """Return the files of some teachers; a teacher that lacks a slide is absent from its case.

    Raises:
        ConfigError: a teacher is not in the manifest, or does not give a level.
        ArtifactError: teachers have other slides or tiles than each other, or none.
    """
    files = {name: _files_of(manifest, name) for name in teachers}
    asked = {name: _levels_of(manifest, name, levels) for name in teachers}
    slides = tuple(files[teachers[0]]) if reading.slides is None else reading.slides
    bags = tuple(_bags_of(slide, unit=reading.unit) for slide in slides)
    found: dict[str, tuple[SlideFeatures | None, ...]] = {}
    present: dict[str, Tensor] = {}
    for name in teachers:
        if reading.slides is None:
            _check_same_slides(slides, files[name], teacher=name)
        held = {slide.slide_id: slide for slide in files[name]}
        seen: dict[str, bool] = {}
        for slide, names in zip(slides, bags, strict=True):
            for bag in names:
                seen[bag] = seen.get(bag, True) and slide.slide_id in held
        found[name] = tuple(
            held[slide.slide_id] if seen[names[0]] else None
            for slide, names in zip(slides, bags, strict=True)
        )
        if not all(seen.values()):
            present[name] = torch.tensor(list(seen.values()))
    return BagFiles(slides=slides, bags=bags, files=found, levels=asked, present=present)


def _bags_of(slide: SlideFeatures, *, unit: Unit) -> tuple[str, ...]:
    return tile_ids(slide) if unit is Unit.TILE else (slide.case_id,)


def _files_of(manifest: FeatureFiles, teacher: str) -> list[SlideFeatures]:
    known = {
        entry.name: files for entry, files in zip(manifest.teachers, manifest.features, strict=True)
    }
    if teacher not in known:
        raise ConfigError(f"no features of teacher '{teacher}'; there are {sorted(known)}")
    return sorted(known[teacher], key=lambda slide: (slide.case_id, slide.slide_id))


def _levels_of(manifest: FeatureFiles, teacher: str, levels: Sequence[str] | None) -> Sequence[str]:
    (present,) = (entry.dims.present() for entry in manifest.teachers if entry.name == teacher)
    for level in levels or ():
        if level not in present:
            raise ConfigError(f"teacher '{teacher}' gives {', '.join(present)}, not level {level}")
    return present if levels is None else levels


def _check_same_slides(
    expected: Sequence[SlideFeatures], found: Sequence[SlideFeatures], *, teacher: str
) -> None:
    def identity(slides: Sequence[SlideFeatures]) -> list[tuple[str, str, int, str]]:
        return [(s.case_id, s.slide_id, s.n_tiles, s.tiles_key) for s in slides]

    if not found or identity(found) != identity(expected):
        raise ArtifactError(
            f"teacher '{teacher}' has other slides or tiles than the first one, or none; "
            "validate the features again"
        )
