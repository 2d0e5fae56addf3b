"""Packed bags: all tiles of all cases in one tensor per teacher and level, with offsets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
        levels: float16 ``[n_tiles, dim]`` by (teacher, level).
    """

    case_ids: tuple[str, ...]
    offsets: Tensor
    levels: Mapping[Source, Tensor]

    @property
    def lengths(self) -> Tensor:
        """Number of tiles of each case, int64 ``[n_cases]``."""
        return self.offsets.diff()

    def select(self, indices: Sequence[int]) -> PackedBags:
        """Return the bags of these cases, in this order."""
        chosen = torch.as_tensor(indices, dtype=torch.int64)
        lengths = self.lengths[chosen]
        offsets = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
        shift = (self.offsets[chosen] - offsets[:-1]).repeat_interleave(lengths)
        rows = torch.arange(int(offsets[-1])) + shift
        return PackedBags(
            case_ids=tuple(self.case_ids[index] for index in chosen.tolist()),
            offsets=offsets,
            levels={source: tensor[rows] for source, tensor in self.levels.items()},
        )

    def mean(self, teacher: str, level: str) -> npt.NDArray[np.float32]:
        """Return the mean tile feature of each case, float32 ``[n_cases, dim]``."""
        tiles = self.levels[teacher, level].float()
        total = torch.segment_reduce(tiles, "sum", lengths=self.lengths, axis=0, unsafe=True)
        mean: npt.NDArray[np.float32] = (total / self.lengths[:, None]).numpy()
        return mean


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
