"""Batch norm folded into convolutions: the same function, with less to do."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from shazam.errors import ConfigError

_PROBE_PX = 64
_TOLERANCE = 1e-3


def fold_batch_norm(model: nn.Module, *, input_px: int = _PROBE_PX) -> nn.Module:
    """Return a copy with every batch norm in the convolution before it; its activation stays.

    The copy is compared with the model on one made picture, because the order in which a network
    lists its layers need not be the order in which it runs them.

    Args:
        model: the network, on the CPU.
        input_px: side of the picture.

    Raises:
        ConfigError: a batch norm follows no convolution, or the copy computes something else.
    """
    folded = deepcopy(model).eval()
    for parent in list(folded.modules()):
        for (name, layer), (next_name, norm) in pairwise(list(parent.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(layer, norm))
                setattr(parent, next_name, getattr(norm, "act", nn.Identity()))
    if any(isinstance(module, nn.BatchNorm2d) for module in folded.modules()):
        raise ConfigError(f"{_advice(model)}: a batch norm follows no convolution")
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand((1, 3, input_px, input_px), generator=generator) - 0.5
    with torch.inference_mode():
        before, after = model.eval()(picture), folded(picture)
    scale = before.abs().max().clamp_min(1e-6)
    if not bool((before - after).abs().max() <= _TOLERANCE * scale):
        raise ConfigError(f"{_advice(model)}: the folded network computes something else")
    return folded


def _advice(model: nn.Module) -> str:
    return f"{type(model).__name__}: set fold_batch_norm: false"
