"""Run a network over tiles: all levels from one forward."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from shazam.config.extraction import Precision
from shazam.errors import ConfigError
from shazam.manifests import TeacherIdentity
from shazam.teachers.entry import Network, Transform
from shazam.teachers.fold import fold_batch_norm
from shazam.teachers.prepare import Preparation, Tiles
from shazam.teachers.taps import BlockTaps, taps_of
from shazam.teachers.wiring import wire

# of a forward on a CPU: with one shape for every forward, bytes do not depend on the batch
_CPU_TILES = 4


class NetworkEncoder:
    """A network of timm or transformers. Nothing is kept between calls: threads may share it."""

    def __init__(
        self,
        network: nn.Module,
        *,
        spec: Network,
        transform: Transform,
        identity: TeacherIdentity,
        device: torch.device,
        precision: Precision,
    ) -> None:
        self.identity = identity
        self.device_type = device.type
        self.precision = precision.value
        self.input_px = transform.input_px
        if spec.fold_batch_norm:
            network = fold_batch_norm(network, input_px=transform.input_px)
        network = network.eval().to(device)
        self._format = torch.channels_last if spec.channels_last else torch.contiguous_format
        network.to(memory_format=self._format)
        wiring = wire(network, spec)
        taps = spec.taps or taps_of(len(wiring.blocks))
        self.blocks = wiring.blocks
        self._forward = wiring.forward
        self._taps = BlockTaps(wiring.blocks, taps=taps, read=wiring.read)
        self._prepare = Preparation(transform, device=device)
        self._try()

    def _try(self) -> None:
        """Run one made tile, so that what cannot be run is known before a slide is opened."""
        tile = torch.zeros((1, self.input_px, self.input_px, 3), dtype=torch.uint8)
        try:
            with torch.inference_mode():
                self._levels(self._prepare(tile))
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, ValueError, TypeError, AssertionError, AttributeError) as error:
            raise ConfigError(
                f"teacher '{self.identity.name}': the network cannot be run on {self.input_px} px: "
                f"{error}; correct input_px or the architecture's kwargs"
            ) from error

    def encode(self, tiles: Tiles) -> dict[str, npt.NDArray[np.float32]]:
        """Encode tiles.

        Args:
            tiles: uint8 ``[n_tiles, height, width, 3]``, an array or a tensor on any device.

        Returns:
            float32 ``[n_tiles, dim]`` by level name.

        Raises:
            ConfigError: a level is not as wide as the catalogue says.
        """
        if len(tiles) == 0:
            dims = self.identity.dims.model_dump()
            return {level: np.empty((0, dim), np.float32) for level, dim in dims.items()}
        with torch.inference_mode():
            parts = [self._levels(part) for part in self._parts(self._prepare(tiles))]
        levels = {level: np.concatenate([part[level] for part in parts]) for level in parts[0]}
        return {level: array[: len(tiles)] for level, array in levels.items()}

    def _levels(self, images: Tensor) -> dict[str, npt.NDArray[np.float32]]:
        images = images.contiguous(memory_format=self._format)
        with self._autocast(), self._taps.record() as tapped:
            high = self._forward(images)
        levels = {"low": tapped["low"], "mid": tapped["mid"], "high": high}
        for level, tensor in levels.items():
            wanted = getattr(self.identity.dims, level)
            if tensor.shape != (len(images), wanted):
                raise ConfigError(
                    f"teacher '{self.identity.name}': level {level} has shape "
                    f"{list(tensor.shape[1:])}, the catalogue says [{wanted}]; correct dims"
                )
        return {level: tensor.float().cpu().numpy() for level, tensor in levels.items()}

    def _parts(self, images: Tensor) -> Iterator[Tensor]:
        if self.device_type != "cpu":
            yield images
            return
        n_missing = -len(images) % _CPU_TILES
        filled = torch.cat([images, images.new_zeros((n_missing, *images.shape[1:]))])
        for start in range(0, len(filled), _CPU_TILES):
            yield filled[start : start + _CPU_TILES]

    def _autocast(self) -> AbstractContextManager[object]:
        if self.precision == Precision.FLOAT32:
            return nullcontext()
        return torch.autocast(self.device_type, dtype=torch.bfloat16)
