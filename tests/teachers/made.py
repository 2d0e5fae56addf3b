"""Small teachers with seeded weights, as files that a lock or a catalogue entry can name."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from shazam.manifests import LevelDims
from shazam.teachers.catalogue import Catalogue
from shazam.teachers.encoder import Encoder, load_encoder
from shazam.teachers.entry import (
    Hub,
    Interpolation,
    Loader,
    Local,
    Network,
    Pooling,
    Source,
    TeacherEntry,
    Transform,
)
from shazam.teachers.library import TeacherLibrary
from shazam.teachers.lock import Lock, LockedFile, LockedTeacher
from shazam.teachers.networks import Beside, build_network

REVISION = "0123456789abcdef0123456789abcdef01234567"
HUB_ID = "some-lab/small"
TRANSFORM = Transform(
    mean=(0.5, 0.4, 0.3),
    std=(0.2, 0.25, 0.3),
    input_px=28,
    resize_px=28,
    interpolation=Interpolation.BICUBIC,
)
VIT = Network(
    loader=Loader.TIMM,
    architecture="vit_tiny_patch16_224",
    kwargs={
        "img_size": 28,
        "patch_size": 14,
        "depth": 5,
        "embed_dim": 32,
        "num_heads": 2,
        "init_values": 0.3,
    },
    pooling=Pooling.CLS,
    taps=None,
    blocks=None,
    patch_px=None,
    registers=None,
    norm_intermediates=False,
    fold_batch_norm=False,
    channels_last=False,
    bfloat16=True,
)
VIT_WITH_REGISTERS = replace(
    VIT, kwargs={**VIT.kwargs, "reg_tokens": 3, "no_embed_class": True}, pooling=Pooling.CLS_MEAN
)
DINOV2 = replace(
    VIT,
    loader=Loader.TRANSFORMERS,
    architecture="dinov2",
    kwargs={
        "hidden_size": 32,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    },
)
RESNET = replace(
    VIT,
    architecture="resnet18",
    kwargs={},
    pooling=Pooling.AVERAGE,
    fold_batch_norm=True,
    channels_last=True,
    bfloat16=False,
)
DIMS = LevelDims(low=32, mid=32, high=32)
RESNET_DIMS = LevelDims(low=128, mid=256, high=512)


def entry(spec: Network, source: Source, *, name: str = "small", dims=DIMS) -> TeacherEntry:
    return TeacherEntry(
        name=name,
        revision=None if isinstance(source, Hub) else "1",
        source=source,
        network=spec,
        transform=TRANSFORM,
        dims=dims,
        licence="Apache-2.0",
        gated=False,
    )


def seeded(spec: Network, *, seed: int = 0, beside: Beside | None = None) -> nn.Module:
    """Build a network whose weights, statistics of batch norm included, come from a seed."""
    torch.manual_seed(seed)
    network = build_network(spec, beside=beside or Beside()).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2.0)
    return network


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def local_library(
    folder: Path, spec: Network, *, dims: LevelDims = DIMS
) -> tuple[TeacherLibrary, nn.Module]:
    """Return a library with one teacher `small` in a local file, and the network saved there."""
    network = seeded(spec)
    path = folder / "small.safetensors"
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, path)
    made = entry(spec, Local(path, digest(path)), dims=dims)
    return TeacherLibrary(Catalogue({"small": made})), network


def mirror_library(
    root: Path,
    spec: Network,
    files: dict[str, bytes],
    *,
    code: tuple[str, ...] = (),
    allowed: frozenset[str] = frozenset(),
    dims: LevelDims = DIMS,
) -> TeacherLibrary:
    """Write files, the weights first, into a mirror and return a library that locked them."""
    folder = root / HUB_ID
    folder.mkdir(parents=True, exist_ok=True)
    locked = []
    for name, content in files.items():
        (folder / name).write_bytes(content)
        locked.append(
            LockedFile(
                file=name, sha256=sha256(content).hexdigest(), size_bytes=max(len(content), 1)
            )
        )
    made = entry(spec, Hub(HUB_ID, (locked[0].file,), code), dims=dims)
    teacher = LockedTeacher(hub_id=HUB_ID, revision=REVISION, files=tuple(locked))
    return TeacherLibrary(
        catalogue=Catalogue({"small": made}),
        lock=Lock(teachers={"small": teacher}),
        allow_remote_code=allowed,
        weights_dir=root,
    )


def tiles(n: int = 3, *, side_px: int = 28, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, side_px, side_px, 3), dtype=np.uint8)


def normalised(batch: np.ndarray, transform: Transform = TRANSFORM) -> torch.Tensor:
    images = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255.0
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (transform.mean, transform.std))
    return (images - mean) / std


def loaded(library: TeacherLibrary, *, device: str = "cpu") -> Encoder:
    """Load the teacher 'small' of a library."""
    return load_encoder("small", device=device, library=library)
