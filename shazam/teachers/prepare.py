"""From tiles as they are read to what a network takes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from shazam.errors import ConfigError
from shazam.teachers.entry import Transform

Tiles = npt.NDArray[np.uint8] | Tensor


class Preparation:
    """Resizes tiles, moves them to a device, crops and normalises them.

    As torchvision's Resize, CenterCrop and Normalize do. A tile is resized as bytes and before it
    is moved, as in the published pipelines: bytes overshoot less than floats at bicubic edges.
    """

    def __init__(self, transform: Transform, *, device: torch.device) -> None:
        self._transform = transform
        self._device = device
        self._mean = torch.tensor(transform.mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(transform.std, device=device).view(1, 3, 1, 1)

    def __call__(self, tiles: Tiles) -> Tensor:
        """Return float32 ``[n, 3, input_px, input_px]`` of uint8 ``[n, height, width, 3]``.

        Raises:
            ConfigError: the tiles are not uint8 RGB.
        """
        if isinstance(tiles, np.ndarray):
            # torch takes neither read-only arrays nor negative strides
            batch = torch.from_numpy(np.require(tiles, requirements=["C", "W"]))
        else:
            batch = tiles
        if batch.dtype != torch.uint8 or batch.ndim != 4 or batch.shape[-1] != 3:
            raise ConfigError(
                f"tiles are {batch.dtype} {list(batch.shape)}, expected uint8 [n, h, w, 3]"
            )
        batch = self._cropped(self._resized(batch.permute(0, 3, 1, 2)))
        if self._device.type == "cuda" and batch.device.type == "cpu":
            batch = batch.pin_memory()
        images = batch.to(self._device, non_blocking=True).float() / 255.0
        return (images - self._mean) / self._std

    def _resized(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        side = self._transform.resize_px
        if min(height, width) == side:
            return images
        scale = side / min(height, width)
        # bytes are resized on a CPU only
        is_bytes = images.device.type == "cpu"
        resized = interpolate(
            images if is_bytes else images.float(),
            size=(max(side, int(height * scale)), max(side, int(width * scale))),
            mode=self._transform.interpolation.value,
            antialias=True,
            align_corners=False,
        )
        return resized if is_bytes else resized.round().clamp(0, 255)

    def _cropped(self, images: Tensor) -> Tensor:
        side = self._transform.input_px
        top, left = (round((length - side) / 2.0) for length in images.shape[-2:])
        return images[..., top : top + side, left : left + side]
