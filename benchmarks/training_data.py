"""Features of the training benchmark: five teachers of real widths, in both forms on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from shazam.cohort.folds import Fold, Splits
from shazam.config.student import Variant
from shazam.config.training import TrainingConfig
from shazam.features.bags import PackedBags
from shazam.features.store import FeatureAttrs, write_features
from shazam.features.stored_bags import StoredBags
from shazam.features.stored_levels import LEVELS
from shazam.hdf5_rows import locate_rows
from shazam.models.student import StudentShape
from shazam.training.outcomes import Outcomes
from shazam.training.study import Study

N_SLIDES = 24
N_TILES = 2000
# widths of low, mid and high, by METHOD's table of teachers
DIMS = {
    "uni_v2": (1536, 1536, 1536),
    "virchow2": (1280, 1280, 2560),
    "hoptimus1": (1536, 1536, 1536),
    "gigapath": (1536, 1536, 1536),
    "phikon_v2": (1024, 1024, 1024),
}
_ZEROS = "0" * 64
_N_SMALL_CASES = 60
_N_SMALL_TILES = 500


def make_features(folder: Path) -> None:
    """Write the same float16 numbers as feature files and as float32 tuples."""
    generator = torch.Generator().manual_seed(0)
    for name, dims in DIMS.items():
        for slide in range(N_SLIDES):
            levels = [
                torch.randn((N_TILES, dim), generator=generator).half().numpy() for dim in dims
            ]
            attrs = FeatureAttrs(
                name, "1", _ZEROS, _ZEROS, _ZEROS, _ZEROS, _ZEROS, None, without_coords="made"
            )
            write_features(
                _feature_file(folder, name, slide),
                levels=dict(zip(LEVELS, levels, strict=True)),
                coords=None,
                attrs=attrs,
            )
            plain = folder / "published" / name / f"{slide:02d}.pt"
            plain.parent.mkdir(parents=True, exist_ok=True)
            torch.save(tuple(torch.from_numpy(level).float() for level in levels), plain)


def plain_files(folder: Path, slide: int) -> list[Path]:
    """Return a slide's files of the published form, by teacher."""
    return [folder / "published" / name / f"{slide:02d}.pt" for name in DIMS]


def bags_of(folder: Path) -> StoredBags:
    """Return the slides as bags on disk, one case each."""
    files = {
        (name, level): tuple(
            (locate_rows(_feature_file(folder, name, slide), [level])[level],)
            for slide in range(N_SLIDES)
        )
        for name in DIMS
        for level in LEVELS
    }
    return StoredBags(
        case_ids=tuple(f"{slide:02d}" for slide in range(N_SLIDES)),
        lengths=torch.full((N_SLIDES,), N_TILES),
        files=files,
    )


def shape_of() -> StudentShape:
    """Return the published form of the student for these teachers, without dropout."""
    return StudentShape(
        teachers=tuple(DIMS),
        levels=LEVELS,
        dims=tuple(tuple(dims[index] for dims in DIMS.values()) for index in range(len(LEVELS))),
        dim=128,
        n_blocks=4,
        dropout=0.0,
        variant=Variant.FAITHFUL,
    )


def small_study() -> tuple[Study, TrainingConfig]:
    """Return cases of 500 tiles of one teacher, with five folds and five seeds to fit."""
    generator = np.random.default_rng(0)
    n_tiles = _N_SMALL_CASES * _N_SMALL_TILES
    tiles = generator.normal(size=(n_tiles, 512)).astype(np.float16)
    names = tuple(f"case{number:03d}" for number in range(_N_SMALL_CASES))
    bags = PackedBags(
        names,
        torch.arange(_N_SMALL_CASES + 1) * _N_SMALL_TILES,
        {("one", "high"): torch.from_numpy(tiles)},
    )
    outcomes = Outcomes(
        names,
        generator.exponential(20, size=_N_SMALL_CASES) + 0.1,
        generator.random(_N_SMALL_CASES) < 0.6,
        None,
        (),
    )
    study = Study.of(bags, outcomes=outcomes, splits=_splits(names))
    return study, TrainingConfig(seeds=(0, 1, 2, 3, 4), max_epochs=10)


def _splits(names: tuple[str, ...]) -> Splits:
    folds = []
    for number in range(5):
        rest = [name for index, name in enumerate(names) if index % 5 != number]
        folds.append(
            Fold(train=tuple(rest[10:]), validation=tuple(rest[:10]), test=names[number::5])
        )
    return Splits(folds=tuple(folds), sites_preserved=False)


def _feature_file(folder: Path, name: str, slide: int) -> Path:
    return folder / "features" / name / f"{slide:02d}.h5"
