"""Standardisation of features with statistics of the training cases."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


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
        return self._completed((features - self.mean) / self.sd)

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
    all teachers and levels at once.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, mean: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(features, mean)
        return linear(_centred(features, mean), weight, bias)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, None, Tensor, Tensor]:
        features, mean = ctx.saved_tensors
        return None, None, grad.t() @ _centred(features, mean).to(grad.dtype), grad.sum(dim=0)


def _centred(features: Tensor, mean: Tensor) -> Tensor:
    """Return ``x - mean`` in float32; converted first, which is faster than in one step."""
    return features.to(torch.float32, copy=True).sub_(mean)
