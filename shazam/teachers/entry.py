"""What the catalogue says of a frozen encoder: its origin, how it is run, what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from shazam.manifests import LevelDims

Rgb = tuple[float, float, float]
Setting = str | int | float | bool | None | tuple[int, ...]


class Loader(StrEnum):
    """Which library builds the network; ``remote_code`` is Python from the hub itself."""

    TIMM = "timm"
    TRANSFORMERS = "transformers"
    REMOTE_CODE = "remote_code"


class Pooling(StrEnum):
    """How the last output becomes the level ``high``.

    ``cls``: the class token. ``cls+mean``: beside it the mean of the patch tokens after the
    registers. ``average``: the global average, as the network itself does it. ``pooler``: what a
    transformers model calls its pooled output.
    """

    CLS = "cls"
    CLS_MEAN = "cls+mean"
    AVERAGE = "average"
    POOLER = "pooler"


class Interpolation(StrEnum):
    """How a tile of another size is resized, always with antialiasing."""

    BILINEAR = "bilinear"
    BICUBIC = "bicubic"


@dataclass(frozen=True, slots=True)
class Taps:
    """Blocks, or stages of a convolutional network, after which low and mid are taken, from 0."""

    low: int
    mid: int


@dataclass(frozen=True, slots=True)
class Transform:
    """What happens to a tile before the forward.

    The shorter side becomes ``resize_px``, the centre of ``input_px`` is cropped, values in 0 to
    1 are normalised by ``mean`` and ``std`` of R, G, B.
    """

    mean: Rgb
    std: Rgb
    input_px: int
    resize_px: int
    interpolation: Interpolation


@dataclass(frozen=True, slots=True)
class Network:
    """How the network is built and read.

    ``architecture`` None: the hub's ``config.json`` says it. ``taps`` None: by the formula from
    the number of blocks. ``blocks``, ``patch_px`` and ``registers`` None: read from the network.
    ``bfloat16``: features stay themselves in it (cosine 0.999 to float32); else it is run in
    float32 only.
    """

    loader: Loader
    architecture: str | None
    kwargs: Mapping[str, Setting]
    pooling: Pooling
    taps: Taps | None
    blocks: int | None
    patch_px: int | None
    registers: int | None
    norm_intermediates: bool
    fold_batch_norm: bool
    channels_last: bool
    bfloat16: bool


@dataclass(frozen=True, slots=True)
class Packaged:
    """Weights inside a Python package; its tensors have timm's order, not timm's names."""

    distribution: str
    module: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Hub:
    """Weights in a repository of the hub: the first of ``weights`` that is there."""

    hub_id: str
    weights: tuple[str, ...]
    code: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Local:
    """Weights in a file of the user's."""

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Handcrafted:
    """An encoder without weights; ``definition`` names what it computes."""

    definition: str


Source = Packaged | Hub | Local | Handcrafted


@dataclass(frozen=True, slots=True)
class TeacherEntry:
    """One frozen encoder.

    ``revision`` is None for a hub teacher, whose lock entry says it. ``dims`` are the widths of
    its levels, ``licence`` an SPDX name or the licensor's own words. ``mpp`` is the resolution it
    was trained for, in micrometres per pixel, where the model card says it.
    """

    name: str
    revision: str | None
    source: Source
    network: Network | None
    transform: Transform | None
    dims: LevelDims
    licence: str
    gated: bool
    params_millions: float | None = None
    mpp: float | None = None
    notes: str = field(default="", compare=False)
