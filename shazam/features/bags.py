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

from shazam.errors import ArtifactError, ConfigError, FeatureError
from shazam.features.store import read_features
from shazam.manifests import SlideFeatures, TeacherIdentity
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


def load_bags(
    manifest: FeatureFiles,
    *,
    workspace: Workspace,
    teachers: Sequence[str],
    levels: Sequence[str] | None,
) -> PackedBags:
    """Read the features of some teachers and levels; cases, and slides inside a case, by id.

    Args:
        manifest: the validated feature files, of a feature set or of imports.
        workspace: where they lie; the digest of every file is verified.
        teachers: names of teachers of the manifest.
        levels: of low, mid, high; None for all that each teacher gives.

    Raises:
        ConfigError: a teacher is not in the manifest, or does not give a level.
        ArtifactError: a file is missing, altered, or does not fit the others.
        FeatureError: a file holds NaN or an infinity.
    """
    files = {name: _files_of(manifest, name) for name in teachers}
    asked = {name: _levels_of(manifest, name, levels) for name in teachers}
    slides = files[teachers[0]]
    for name in teachers:
        _check_same_slides(slides, files[name], teacher=name)
    parts: dict[Source, list[npt.NDArray[np.float16]]] = defaultdict(list)
    for name in teachers:
        for slide in files[name]:
            for level, tiles in _read(slide, workspace=workspace, levels=asked[name]).items():
                parts[name, level].append(tiles)
    return PackedBags(
        case_ids=tuple(dict.fromkeys(slide.case_id for slide in slides)),
        offsets=_offsets(slides),
        levels={
            source: torch.from_numpy(np.concatenate(arrays)) for source, arrays in parts.items()
        },
    )


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
    slide: SlideFeatures, *, workspace: Workspace, levels: Sequence[str]
) -> dict[str, npt.NDArray[np.float16]]:
    path = workspace.open(slide.uri, slide.sha256)
    features = read_features(path, levels=levels)
    for level, tiles in features.items():
        if len(tiles) != slide.n_tiles:
            raise ArtifactError(
                f"{slide.uri}: level {level} has {len(tiles)} tiles, not {slide.n_tiles}"
            )
        if not np.isfinite(tiles).all():
            raise FeatureError(
                f"slide '{slide.slide_id}' ({slide.uri}): level {level} holds NaN or Inf; "
                "extract it again"
            )
    return features


def _offsets(slides: Sequence[SlideFeatures]) -> Tensor:
    n_tiles: dict[str, int] = defaultdict(int)
    for slide in slides:
        n_tiles[slide.case_id] += slide.n_tiles
    return torch.tensor([0, *n_tiles.values()]).cumsum(0)
