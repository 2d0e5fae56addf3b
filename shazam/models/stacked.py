"""Layers that hold several independent copies and run them as one batched operation.

A student has one pooling network per level and teacher, and one gate and one chain of attention
blocks per level. Their tensors are small, so that starting an operation costs more than the
operation; stacked, it is started once for all copies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm


@dataclass(frozen=True, slots=True)
class StackedMap:
    """``n_stack`` linear maps: weight ``[n_stack, dim_out, dim_in]`` and, if there is one, bias
    ``[n_stack, 1, dim_out]``."""

    weight: Tensor
    bias: Tensor | None

    def __call__(self, values: Tensor) -> Tensor:
        """Map ``[n_stack, n, dim_in]`` to ``[n_stack, n, dim_out]``."""
        weight = self.weight.transpose(1, 2)
        if self.bias is None:
            return torch.bmm(values, weight)
        return torch.baddbmm(self.bias, values, weight)


class StackedLinear(nn.Module):
    """``n_stack`` Linear layers, each on its own slice of the input.

    Args:
        n_stack: number of copies.
        dim_in: features in.
        dim_out: features out.
        bias: whether a bias is added.
    """

    def __init__(self, n_stack: int, dim_in: int, dim_out: int, *, bias: bool = True) -> None:
        super().__init__()
        # the distribution that torch.nn.Linear draws from
        bound = 1.0 / math.sqrt(dim_in)
        self.weight = nn.Parameter(torch.empty(n_stack, dim_out, dim_in).uniform_(-bound, bound))
        self.bias: nn.Parameter | None = None
        if bias:
            self.bias = nn.Parameter(torch.empty(n_stack, 1, dim_out).uniform_(-bound, bound))

    def forward(self, values: Tensor) -> Tensor:
        """Map ``[n_stack, n, dim_in]`` to ``[n_stack, n, dim_out]``."""
        return StackedMap(self.weight, self.bias)(values)

    def split(self, size: int) -> Sequence[StackedMap]:
        """Return the copies in groups of ``size``, the last one of what is left."""
        weights = torch.split(self.weight, size)
        biases = [None] * len(weights) if self.bias is None else torch.split(self.bias, size)
        return [StackedMap(*own) for own in zip(weights, biases, strict=True)]


class StackedNorm(nn.Module):
    """``n_stack`` LayerNorms, each on its own slice of the input.

    Args:
        n_stack: number of copies.
        dim: features.
    """

    def __init__(self, n_stack: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_stack, 1, dim))
        self.bias = nn.Parameter(torch.zeros(n_stack, 1, dim))

    def forward(self, values: Tensor) -> Tensor:
        """Normalise ``[n_stack, n, dim]``."""
        normal = layer_norm(values, values.shape[-1:])
        return torch.addcmul(self.bias, normal, self.weight)
