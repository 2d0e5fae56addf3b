"""Bags that stay on disk: each batch reads the tiles that it needs, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from shazam.config.cohort import Unit
from shazam.errors import ArtifactError, ConfigError
from shazam.features.bag_files import WHOLE, FeatureFiles, Reading, find_bag_files
from shazam.features.bags import PackedBags, Source, TileChoice, offsets_of
from shazam.hdf5_rows import StoredRows, locate_rows
from shazam.manifests import SlideFeatures
from shazam.workspace import Workspace


@dataclass(frozen=True, slots=True)
class StoredBags:
    """Bags in feature files. They hold no features, so other processes get them cheaply.

    Args:
        case_ids: sorted.
        lengths: number of tiles of each case, int64 ``[n_cases]``.
        files: by (teacher, level) and case, where the tiles of its slides lie; none where the
            teacher has not seen the case.
        present: as of :class:`PackedBags`.
    """

    case_ids: tuple[str, ...]
    lengths: Tensor
    files: Mapping[Source, tuple[tuple[StoredRows, ...], ...]]
    present: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def dims(self) -> Mapping[Source, int]:
        """Number of features by (teacher, level)."""
        return {source: self._first(source).dim for source in self.files}

    @property
    def tile_bytes(self) -> int:
        """Bytes of a tile, all teachers and levels together."""
        return sum(self._first(source).row_bytes for source in self.files)

    def _first(self, source: Source) -> StoredRows:
        return next(rows for case in self.files[source] for rows in case)

    def only(self, sources: Sequence[Source]) -> StoredBags:
        """Return the bags with these teachers and levels alone."""
        teachers = {teacher for teacher, _ in sources}
        return replace(
            self,
            files={source: self.files[source] for source in sources},
            present={name: mask for name, mask in self.present.items() if name in teachers},
        )

    def select(self, indices: Sequence[int], tiles: TileChoice | None = None) -> PackedBags:
        """Read the bags of these cases, in this order; arguments as of :class:`PackedBags`.

        Raises:
            ArtifactError: a file is missing or ends too early.
        """
        chosen = torch.as_tensor(indices, dtype=torch.int64)
        lengths = self.lengths[chosen]
        if tiles is not None:
            lengths = torch.tensor([len(own) for own in tiles])
        offsets = offsets_of(lengths)
        return PackedBags(
            case_ids=tuple(self.case_ids[index] for index in chosen.tolist()),
            offsets=offsets,
            levels={
                source: self._read(source, chosen.tolist(), offsets.tolist(), tiles)
                for source in self.files
            },
            present={name: mask[chosen] for name, mask in self.present.items()},
        )

    def _read(
        self,
        source: Source,
        cases: Sequence[int],
        offsets: Sequence[int],
        tiles: TileChoice | None,
    ) -> Tensor:
        first = self._first(source)
        packed = np.empty((offsets[-1], first.dim), dtype=first.dtype)
        for position, case in enumerate(cases):
            out = packed[offsets[position] : offsets[position + 1]]
            wanted = None if tiles is None else tiles[position]
            start = done = 0
            if not self.files[source][case]:
                out[...] = 0  # the teacher has not seen the case
            for slide in self.files[source][case]:
                if wanted is None:
                    rows, n_rows = None, slide.n_rows
                else:
                    inside = (wanted >= start) & (wanted < start + slide.n_rows)
                    rows = wanted[inside] - start
                    n_rows = len(rows)
                slide.read(out[done : done + n_rows], rows=rows)
                start, done = start + slide.n_rows, done + n_rows
        return torch.from_numpy(packed)


def open_bags(
    manifest: FeatureFiles,
    *,
    workspace: Workspace,
    teachers: Sequence[str],
    levels: Sequence[str] | None,
    reading: Reading = WHOLE,
) -> StoredBags:
    """Open the features of some teachers and levels; arguments as of :func:`load_bags`.

    The digest of every file is compared now; features are read later.

    Raises:
        ConfigError: a teacher is not in the manifest, does not give a level, or has no case whole.
        ArtifactError: a file is missing, altered, or does not fit the others.
    """
    found = find_bag_files(manifest, teachers=teachers, levels=levels, reading=reading)
    lengths = found.lengths
    row = {name: index for index, name in enumerate(lengths)}
    located: dict[Source, list[list[StoredRows]]] = {
        (name, level): [[] for _ in lengths] for name in teachers for level in found.levels[name]
    }
    for name in teachers:
        for file, bags in zip(found.files[name], found.bags, strict=True):
            if file is None:
                continue
            asked = found.levels[name]
            for level, rows in _locate(file, workspace=workspace, levels=asked).items():
                parts = (rows,) if reading.unit is Unit.CASE else rows.single()
                for bag, part in zip(bags, parts, strict=True):
                    located[name, level][row[bag]].append(part)
    for source, cases in located.items():
        if not any(cases):
            raise ConfigError(
                f"teacher '{source[0]}' has features of all slides of no case: complete its "
                "features, or leave the teacher out"
            )
        _check_alike(source, [rows for own in cases for rows in own])
    return StoredBags(
        case_ids=tuple(lengths),
        lengths=torch.tensor(list(lengths.values())),
        files={source: tuple(tuple(own) for own in cases) for source, cases in located.items()},
        present=found.present,
    )


def _locate(
    slide: SlideFeatures, *, workspace: Workspace, levels: Sequence[str]
) -> dict[str, StoredRows]:
    located = locate_rows(workspace.open(slide.uri, slide.sha256), levels)
    for level, rows in located.items():
        if rows.n_rows != slide.n_tiles:
            raise ArtifactError(
                f"{slide.uri}: level {level} has {rows.n_rows} tiles, not {slide.n_tiles}"
            )
    return located


def _check_alike(source: Source, stored: Sequence[StoredRows]) -> None:
    """Refuse files of one teacher and level that hold rows of another width or type."""
    kinds = {(rows.dim, str(rows.dtype)): rows.path.name for rows in stored}
    if len(kinds) > 1:
        told = ", ".join(f"{dim} of {dtype} ({name})" for (dim, dtype), name in kinds.items())
        raise ArtifactError(
            f"teacher '{source[0]}', level {source[1]}: files differ in values of a tile: {told}; "
            "extract or import them again in one way"
        )
