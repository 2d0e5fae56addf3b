"""Packed bags: all tiles of all cases in one tensor per teacher and level, with offsets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from shazam.errors import ArtifactError, FeatureError
from shazam.features.bag_files import WHOLE, FeatureFiles, Reading, find_bag_files
from shazam.features.store import read_features
from shazam.features.stored_levels import is_bad
from shazam.manifests import SlideFeatures
from shazam.workspace import Workspace

Source = tuple[str, str]
TileChoice = Sequence[npt.NDArray[np.int64]]


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
    reading: Reading = WHOLE,
) -> PackedBags:
    """Read the features of some teachers and levels; cases, and slides inside a case, by id.

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
    found = find_bag_files(manifest, teachers=teachers, levels=levels, reading=reading)
    dims = {teacher.name: teacher.dims.widths() for teacher in manifest.teachers}
    parts: dict[Source, list[npt.NDArray[np.floating]]] = defaultdict(list)
    for name in teachers:
        asked = found.levels[name]
        for slide, file in zip(found.slides, found.files[name], strict=True):
            if file is None:
                zeros = {level: (slide.n_tiles, dims[name][level]) for level in asked}
                tiles = {level: np.zeros(shape, np.float16) for level, shape in zeros.items()}
            else:
                tiles = _read(file, workspace=workspace, levels=asked, allow_nan=reading.allow_nan)
            for level, array in tiles.items():
                parts[name, level].append(array)
    lengths = found.lengths
    return PackedBags(
        case_ids=tuple(lengths),
        offsets=offsets_of(torch.tensor(list(lengths.values()))),
        levels={
            source: torch.from_numpy(np.concatenate(arrays)) for source, arrays in parts.items()
        },
        present=found.present,
    )


def _read(
    slide: SlideFeatures, *, workspace: Workspace, levels: Sequence[str], allow_nan: bool
) -> dict[str, npt.NDArray[np.floating]]:
    path = workspace.open(slide.uri, slide.sha256)
    features: dict[str, npt.NDArray[np.floating]] = {**read_features(path, levels=levels)}
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
