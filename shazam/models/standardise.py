"""Standardisation of features with statistics of the training cases."""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

_BLOCK_ROWS = 512


class Standardiser(nn.Module):
    """``(x - mean) / sd`` per feature; the identity until :meth:`set` is called.

    Args:
        dim: number of features.
        impute: NaN becomes the training mean, which is 0 after standardising, and each feature
            is followed by an indicator of where it was missing.
    """

    mean: Tensor
    sd: Tensor

    def __init__(self, dim: int, *, impute: bool = False) -> None:
        super().__init__()
        self.impute = impute
        self.dim_out = 2 * dim if impute else dim
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("sd", torch.ones(dim))

    def set(self, mean: Tensor, sd: Tensor) -> None:
        """Take the statistics of the training cases, ``[dim]`` each."""
        self.mean.copy_(mean)
        self.sd.copy_(sd)

    def forward(self, features: Tensor) -> Tensor:
        """Standardise ``[n, dim]`` to float32 ``[n, dim_out]``."""
        return self._completed((features - self.mean).div_(self.sd))

    def centred(self, features: Tensor) -> Tensor:
        """Return ``x - mean`` alone, float32 ``[n, dim_out]``; for who divides by ``sd`` later."""
        return self._completed(features - self.mean)

    def _completed(self, values: Tensor) -> Tensor:
        if not self.impute:
            return values
        missing = torch.isnan(values)
        return torch.cat([values.masked_fill(missing, 0.0), missing.float()], dim=-1)


class StandardisedLinear(nn.Module):
    """A Linear on standardised features.

    The division is done on the weights: tiles are many, weights are few. The mean is taken off
    the tiles, because it may be large beside what varies.

    Args:
        dim_in: features of a tile.
        dim_out: features out.
        impute: as of :class:`Standardiser`.
    """

    def __init__(self, dim_in: int, dim_out: int, *, impute: bool = False) -> None:
        super().__init__()
        self.standardise = Standardiser(dim_in, impute=impute)
        self.linear = nn.Linear(self.standardise.dim_out, dim_out)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``[n, dim_in]`` to ``[n, dim_out]``."""
        scale = 1.0 / self.standardise.sd
        if self.standardise.impute:
            scale = torch.cat([scale, torch.ones_like(scale)])
        weight = self.linear.weight * scale
        if self.standardise.impute or features.requires_grad:
            return linear(self.standardise.centred(features), weight, self.linear.bias)
        centred: Tensor = _CentredLinear.apply(
            features, self.standardise.mean, weight, self.linear.bias
        )
        return centred


class _CentredLinear(torch.autograd.Function):
    """``(x - mean) W^T + b`` for fixed features, which are kept as they came for the gradient.

    What autograd would keep is ``x - mean`` in float32: twice the bytes of float16 features, for
    all teachers and levels at once. It is made in blocks that a processor's cache holds, and made
    again for the gradient.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, mean: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(features, mean)
        done = [linear(_centred(block, mean), weight, bias) for block in _blocks(features)]
        return done[0] if len(done) == 1 else torch.cat(done)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, None, Tensor, Tensor]:
        features, mean = ctx.saved_tensors
        of_weight = mean.new_zeros(grad.shape[1], features.shape[1])  # many tiles: in float32
        for block, of_block in zip(_blocks(features), _blocks(grad), strict=True):
            centred = _centred(block, mean)
            if grad.dtype == of_weight.dtype:
                of_weight.addmm_(of_block.t(), centred)
            else:
                of_weight += of_block.t() @ centred.to(grad.dtype)
        return None, None, of_weight, grad.sum(dim=0)


def _blocks(rows: Tensor) -> tuple[Tensor, ...]:
    """Divide rows as a processor computes them best; a GPU takes them at once."""
    return torch.split(rows, _BLOCK_ROWS if rows.device.type == "cpu" else max(len(rows), 1))


def _centred(features: Tensor, mean: Tensor) -> Tensor:
    """Return ``x - mean`` in float32, valid until the next call in the same thread.

    On a processor all blocks use the same memory: fresh memory costs more than the conversion.
    """
    if features.device.type != "cpu":
        return features.to(torch.float32, copy=True).sub_(mean)
    return _scratch.like(features).copy_(features).sub_(mean)


class _Scratch(threading.local):
    def __init__(self) -> None:
        self._values = torch.empty(0)

    def like(self, block: Tensor) -> Tensor:
        """Return float32 memory of a block's shape."""
        if self._values.numel() < block.numel():
            with torch.inference_mode(False):  # or training could not write to it afterwards
                self._values = torch.empty(block.numel())
        return self._values[: block.numel()].view(block.shape)


_scratch = _Scratch()
