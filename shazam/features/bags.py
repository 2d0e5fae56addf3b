"""Packed bags: all tiles of all cases in one tensor per teacher and level, with offsets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from shazam.config.cohort import Unit
from shazam.config.imports import MissingTeacher, MissingValues
from shazam.errors import ArtifactError, ConfigError, FeatureError
from shazam.features.store import StoredArray, is_bad, read_features
from shazam.manifests import FeatureSetManifest, SlideFeatures, TeacherIdentity, tile_ids
from shazam.workspace import Workspace

Source = tuple[str, str]
TileChoice = Sequence[npt.NDArray[np.int64]]


class FeatureFiles(Protocol):
    """Feature files of some teachers: ``features[i]`` belongs to ``teachers[i]``."""

    @property
    def teachers(self) -> Sequence[TeacherIdentity]: ...

    @property
    def features(self) -> Sequence[Sequence[SlideFeatures]]: ...


@dataclass(frozen=True, slots=True)
class PackedBags:
    """One bag per case: the tiles of all its slides.

    Args:
        case_ids: sorted.
        offsets: int64 ``[n_cases + 1]``; tiles of case ``i`` are rows ``offsets[i]`` to
            ``offsets[i + 1]`` of every tensor.
        levels: float16 or float32 ``[n_tiles, dim]`` by (teacher, level).
        present: which cases a teacher has seen, bool ``[n_cases]``, for teachers that lack some;
            the features of the others are zeros.
    """

    case_ids: tuple[str, ...]
    offsets: Tensor
    levels: Mapping[Source, Tensor]
    present: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def lengths(self) -> Tensor:
        """Number of tiles of each case, int64 ``[n_cases]``."""
        return self.offsets.diff()

    @property
    def dims(self) -> Mapping[Source, int]:
        """Number of features by (teacher, level)."""
        return {source: tensor.shape[1] for source, tensor in self.levels.items()}

    def only(self, sources: Sequence[Source]) -> PackedBags:
        """Return the bags with these teachers and levels alone."""
        teachers = {teacher for teacher, _ in sources}
        return replace(
            self,
            levels={source: self.levels[source] for source in sources},
            present={name: mask for name, mask in self.present.items() if name in teachers},
        )

    def select(self, indices: Sequence[int], tiles: TileChoice | None = None) -> PackedBags:
        """Return the bags of these cases, in this order.

        Args:
            indices: of the cases.
            tiles: for each of them which of its tiles, int64; None takes all.
        """
        chosen = torch.as_tensor(indices, dtype=torch.int64)
        lengths, rows = self._rows(chosen, tiles)
        return PackedBags(
            case_ids=tuple(self.case_ids[index] for index in chosen.tolist()),
            offsets=offsets_of(lengths),
            levels={source: tensor[rows] for source, tensor in self.levels.items()},
            present={name: mask[chosen] for name, mask in self.present.items()},
        )

    def _rows(self, chosen: Tensor, tiles: TileChoice | None) -> tuple[Tensor, Tensor]:
        starts = self.offsets[chosen]
        if tiles is not None:
            lengths = torch.tensor([len(own) for own in tiles])
            within = torch.from_numpy(np.concatenate(tiles))
            return lengths, within + starts.repeat_interleave(lengths)
        lengths = self.lengths[chosen]
        shift = (starts - offsets_of(lengths)[:-1]).repeat_interleave(lengths)
        return lengths, torch.arange(int(lengths.sum())) + shift

    def to(self, device: torch.device) -> PackedBags:
        """Return the bags on a device."""
        return replace(
            self,
            offsets=self.offsets.to(device),
            levels={source: tensor.to(device) for source, tensor in self.levels.items()},
            present={name: mask.to(device) for name, mask in self.present.items()},
        )


def offsets_of(lengths: Tensor) -> Tensor:
    """Return the borders of cases with so many tiles: ``[n]`` to int64 ``[n + 1]``."""
    return torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])


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


_WHOLE = Reading()


def load_bags(
    manifest: FeatureFiles,
    *,
    workspace: Workspace,
    teachers: Sequence[str],
    levels: Sequence[str] | None,
    reading: Reading = _WHOLE,
) -> PackedBags:
    """Read the features of some teachers and levels; cases, and slides inside a case, by id.

    A teacher that lacks a slide of a case is absent from the whole case.

    Args:
        manifest: the validated feature files, of a feature set or of imports.
        workspace: where they lie; the digest of every file is verified.
        teachers: names of teachers of the manifest.
        levels: of low, mid, high; None for all that each teacher gives.
        reading: which slides there must be, and what a bag is.

    Raises:
        ConfigError: a teacher is not in the manifest, or does not give a level.
        ArtifactError: a file is missing, altered, or does not fit the others.
        FeatureError: a file holds NaN or an infinity.
    """
    files = {name: _files_of(manifest, name) for name in teachers}
    asked = {name: _levels_of(manifest, name, levels) for name in teachers}
    slides = files[teachers[0]] if reading.slides is None else list(reading.slides)
    parts: dict[Source, list[npt.NDArray[np.floating]]] = defaultdict(list)
    present: dict[str, Tensor] = {}
    for name in teachers:
        if reading.slides is None:
            _check_same_slides(slides, files[name], teacher=name)
        absent = _absent(slides, files[name], unit=reading.unit)
        if any(absent):
            present[name] = _present(slides, absent, unit=reading.unit)
        held = {slide.slide_id: slide for slide in files[name]}
        for slide, gone in zip(slides, absent, strict=True):
            if gone:
                tiles = _zeros(manifest, name, levels=asked[name], n_tiles=slide.n_tiles)
            else:
                tiles = _read(
                    held[slide.slide_id],
                    workspace=workspace,
                    levels=asked[name],
                    allow_nan=reading.allow_nan,
                )
            for level, array in tiles.items():
                parts[name, level].append(array)
    case_ids, offsets = _borders(slides, unit=reading.unit)
    return PackedBags(
        case_ids=case_ids,
        offsets=offsets,
        levels={
            source: torch.from_numpy(np.concatenate(arrays)) for source, arrays in parts.items()
        },
        present=present,
    )


def _absent(
    slides: Sequence[SlideFeatures], files: Sequence[SlideFeatures], *, unit: Unit
) -> list[bool]:
    """Return for each slide whether the teacher is absent from it, or from another of its case."""
    held = {slide.slide_id for slide in files}
    lacking = {slide.case_id for slide in slides if slide.slide_id not in held}
    if unit is Unit.TILE:
        return [slide.slide_id not in held for slide in slides]
    return [slide.case_id in lacking for slide in slides]


def _present(slides: Sequence[SlideFeatures], absent: Sequence[bool], *, unit: Unit) -> Tensor:
    seen = {
        bag: not gone
        for slide, gone in zip(slides, absent, strict=True)
        for bag in _bag_names(slide, unit=unit)
    }
    return torch.tensor(list(seen.values()))


def _bag_names(slide: SlideFeatures, *, unit: Unit) -> tuple[str, ...]:
    return tile_ids(slide) if unit is Unit.TILE else (slide.case_id,)


def _borders(slides: Sequence[SlideFeatures], *, unit: Unit) -> tuple[tuple[str, ...], Tensor]:
    """Return the names of the bags and int64 ``[n_bags + 1]``, where they begin and end."""
    if unit is Unit.TILE:
        names = tuple(name for slide in slides for name in tile_ids(slide))
        return names, torch.arange(len(names) + 1)
    n_tiles: dict[str, int] = defaultdict(int)
    for slide in slides:
        n_tiles[slide.case_id] += slide.n_tiles
    return tuple(n_tiles), torch.tensor([0, *n_tiles.values()]).cumsum(0)


def _zeros(
    manifest: FeatureFiles, teacher: str, *, levels: Sequence[str], n_tiles: int
) -> dict[str, StoredArray]:
    (widths,) = (entry.dims.widths() for entry in manifest.teachers if entry.name == teacher)
    return {level: np.zeros((n_tiles, widths[level]), dtype=np.float16) for level in levels}


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


def _read(
    slide: SlideFeatures, *, workspace: Workspace, levels: Sequence[str], allow_nan: bool
) -> dict[str, StoredArray]:
    path = workspace.open(slide.uri, slide.sha256)
    features = read_features(path, levels=levels)
    for level, tiles in features.items():
        if len(tiles) != slide.n_tiles:
            raise ArtifactError(
                f"{slide.uri}: level {level} has {len(tiles)} tiles, not {slide.n_tiles}"
            )
        if is_bad(tiles, allow_nan=allow_nan).any():
            raise FeatureError(
                f"slide '{slide.slide_id}' ({slide.uri}): level {level} holds NaN or Inf; "
                "extract it again"
            )
    return features
