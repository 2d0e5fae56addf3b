"""The published way: each teacher alone, each slide decoded each time, the model run twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openslide
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from shazam.manifests import TilesManifest
from shazam.slides.grid import TileGrid
from shazam.slides.tiles import read_grid
from shazam.workspace import Workspace

_BATCH = 32


@dataclass(frozen=True, slots=True)
class PlainTeacher:
    """A network as it comes, with what its pictures need."""

    name: str
    network: nn.Module
    indices: tuple[int, ...]
    side_px: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


class _Tiles(Dataset[Tensor]):
    def __init__(self, path: Path, grid: TileGrid, teacher: PlainTeacher) -> None:
        self._path, self._grid, self._teacher = path, grid, teacher
        self._slide: openslide.OpenSlide | None = None

    def __len__(self) -> int:
        return self._grid.n_tiles

    def __getitem__(self, index: int) -> Tensor:
        if self._slide is None:
            self._slide = openslide.OpenSlide(self._path)
        tile = read_plain(self._slide, self._grid, index)
        side_px = self._teacher.side_px
        if tile.size != (side_px, side_px):
            tile = tile.resize((side_px, side_px), Image.Resampling.BICUBIC)
        picture = torch.from_numpy(np.array(tile)).permute(2, 0, 1).float() / 255.0
        mean = torch.tensor(self._teacher.mean).view(3, 1, 1)
        return (picture - mean) / torch.tensor(self._teacher.std).view(3, 1, 1)


def read_plain(slide: openslide.OpenSlide, grid: TileGrid, index: int) -> Image.Image:
    """Read one tile by a plain ``read_region`` and resize it."""
    spec = grid.spec
    x, y = (int(value) for value in grid.coords_level0[index])
    side_px = spec.tile_px_level
    tile = slide.read_region((x, y), spec.level, (side_px, side_px)).convert("RGB")
    if side_px == spec.tile_px:
        return tile
    return tile.resize((spec.tile_px, spec.tile_px), Image.Resampling.BICUBIC)


def extract_as_published(
    tiles: TilesManifest,
    teachers: list[PlainTeacher],
    *,
    slides_dir: Path,
    workspace: Workspace,
    out: Path,
) -> None:
    """Extract (low, mid, high) of every slide with every teacher into float32 ``.pt`` tuples."""
    for teacher in teachers:
        folder = out / teacher.name
        folder.mkdir(parents=True, exist_ok=True)
        for tiled in tiles.slides:
            grid = read_grid(workspace.path(tiled.uri))
            dataset = _Tiles(slides_dir / tiled.slide.path, grid, teacher)
            loader = DataLoader(dataset, batch_size=_BATCH, num_workers=1)
            levels = [torch.cat(parts) for parts in zip(*_run(teacher, loader), strict=True)]
            torch.save(tuple(levels), folder / f"{tiled.slide.slide_id}.pt")


def _run(teacher: PlainTeacher, loader: DataLoader[Tensor]) -> Iterator[tuple[Tensor, ...]]:
    network = teacher.network
    tokens = {"return_prefix_tokens": True} if hasattr(network, "num_prefix_tokens") else {}
    with torch.inference_mode():
        for batch in loader:
            _, between = network.forward_intermediates(  # type: ignore[operator]
                batch, indices=list(teacher.indices), norm=False, **tokens
            )
            high = network(batch)
            yield (*(_one_vector(level) for level in between), high)


def _one_vector(level: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    """Return the CLS token of a transformer's block, or the average of a stage's map."""
    if isinstance(level, Tensor):
        return level.mean(dim=(2, 3))
    return level[1][:, 0]
