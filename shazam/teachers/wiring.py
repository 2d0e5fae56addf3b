"""How a network is read: its blocks, what one of them says, and its pooled output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any

import torch
from torch import Tensor, nn

from shazam.errors import ConfigError
from shazam.teachers.entry import Loader, Network, Pooling

Forward = Callable[[Tensor], Tensor]
_CONTAINERS = ("blocks", "stages", "layers")
_NUMBERED = ("layer", "s")


@dataclass(frozen=True, slots=True)
class Wiring:
    """A network's parts.

    ``read`` takes a block's output to ``[n, dim]``; ``forward`` takes images ``[n, 3, h, w]`` to
    the level high in one pass over ``blocks``. ``patch_px`` and ``registers`` are None where the
    network does not say them.
    """

    blocks: Sequence[nn.Module]
    read: Forward
    forward: Forward
    patch_px: int | None
    registers: int | None


def wire(network: nn.Module, spec: Network) -> Wiring:
    """Find the parts of a network and compare them with what the catalogue says.

    Raises:
        ConfigError: a part cannot be found, or is not as catalogued.
    """
    if spec.loader is not Loader.TIMM:
        wiring = _transformers(network, spec)
    elif getattr(network, "num_prefix_tokens", 0) or spec.pooling is not Pooling.AVERAGE:
        wiring = _tokens(network, spec)
    else:
        wiring = _maps(network, spec)
    found = {
        "blocks": len(wiring.blocks),
        "patch_px": wiring.patch_px,
        "registers": wiring.registers,
    }
    for name, value in found.items():
        wanted = getattr(spec, name)
        if wanted is not None and value is not None and value != wanted:
            raise ConfigError(
                f"{_name(network)}: {name} is {value}, the catalogue says {wanted}; correct it"
            )
    return wiring


def _tokens(network: Any, spec: Network) -> Wiring:
    """Wire a vision transformer of timm."""
    n_prefix = getattr(network, "num_prefix_tokens", 0)
    if spec.pooling is not Pooling.AVERAGE and not n_prefix:
        raise ConfigError(f"{_name(network)}: has no class token; use pooling: average")
    if spec.pooling is not Pooling.AVERAGE and not isinstance(
        getattr(network, "fc_norm", nn.Identity()), nn.Identity
    ):
        raise ConfigError(
            f"{_name(network)}: normalises after pooling; set kwargs.global_pool: token"
        )
    if spec.pooling is Pooling.AVERAGE and getattr(network, "global_pool", None) != "avg":
        raise ConfigError(f"{_name(network)}: for pooling: average set kwargs.global_pool: avg")

    def forward(images: Tensor) -> Tensor:
        tokens: Tensor = network.forward_features(images)
        if spec.pooling is Pooling.AVERAGE:
            pooled: Tensor = network.forward_head(tokens, pre_logits=True)
            return pooled
        return _pooled(tokens, n_prefix=n_prefix, pooling=spec.pooling)

    return Wiring(
        blocks=_timm_blocks(network),
        read=_class_token(network, "norm", spec),
        forward=forward,
        patch_px=_side(getattr(getattr(network, "patch_embed", None), "patch_size", None)),
        registers=n_prefix - 1,
    )


def _maps(network: Any, spec: Network) -> Wiring:
    """Wire a convolutional network, or another that gives maps, of timm."""
    if spec.norm_intermediates:
        raise ConfigError(f"{_name(network)}: has no tokens; set norm_intermediates: false")
    space = (1, 2) if getattr(network, "output_fmt", "NCHW") == "NHWC" else (2, 3)

    def read(stage: Tensor) -> Tensor:
        if stage.ndim != 4:
            raise ConfigError(f"{_name(network)}: a stage gives {stage.ndim} dimensions, not 4")
        return stage.mean(dim=space)

    def forward(images: Tensor) -> Tensor:
        pooled: Tensor = network.forward_head(network.forward_features(images), pre_logits=True)
        return pooled

    return Wiring(_timm_blocks(network), read, forward, patch_px=None, registers=None)


def _transformers(network: Any, spec: Network) -> Wiring:
    """Wire a vision transformer of transformers, or of remote code written for it."""
    config = network.config
    unsaid = 0 if spec.loader is Loader.TRANSFORMERS else spec.registers
    registers = getattr(config, "num_register_tokens", unsaid)
    if spec.loader is Loader.TRANSFORMERS and network.main_input_name != "pixel_values":
        raise ConfigError(f"{_name(network)}: takes no images; choose another architecture")
    if spec.pooling is Pooling.AVERAGE:
        raise ConfigError(f"{_name(network)}: use pooling: cls, cls+mean or pooler")
    if spec.pooling is Pooling.CLS_MEAN and registers is None:
        raise ConfigError(f"{_name(network)}: does not say its registers; name them")

    def forward(images: Tensor) -> Tensor:
        output = network(pixel_values=images)
        if spec.pooling is Pooling.POOLER:
            pooler: Tensor = output.pooler_output
            return pooler
        n_prefix = 1 + (registers or 0)
        return _pooled(output.last_hidden_state, n_prefix=n_prefix, pooling=spec.pooling)

    return Wiring(
        blocks=_counted_blocks(network, getattr(config, "num_hidden_layers", None)),
        read=_class_token(network, "layernorm", spec),
        forward=forward,
        patch_px=_side(getattr(config, "patch_size", None)),
        registers=registers,
    )


def _class_token(network: nn.Module, norm_name: str, spec: Network) -> Forward:
    """Return a function that takes tokens ``[n, n_tokens, dim]`` to the class token."""
    norm = getattr(network, norm_name, None)
    if spec.norm_intermediates and not isinstance(norm, nn.Module):
        raise ConfigError(f"{_name(network)}: has no final norm '{norm_name}' for its blocks")

    def read(tokens: Tensor) -> Tensor:
        token = tokens[:, 0]
        return norm(token) if spec.norm_intermediates and norm is not None else token

    return read


def _pooled(tokens: Tensor, *, n_prefix: int, pooling: Pooling) -> Tensor:
    if pooling is Pooling.CLS_MEAN:
        return torch.cat([tokens[:, 0], tokens[:, n_prefix:].mean(dim=1)], dim=1)
    return tokens[:, 0]


def _timm_blocks(network: nn.Module) -> Sequence[nn.Module]:
    """Return the blocks or stages, in the order in which they are run."""
    for name in _CONTAINERS:
        container = getattr(network, name, None)
        if isinstance(container, nn.Sequential | nn.ModuleList) and len(container):
            return list(container)
    for prefix in _NUMBERED:
        found = (getattr(network, f"{prefix}{number}", None) for number in count(1))
        stages = list(takewhile(lambda stage: stage is not None, found))
        if stages:
            return [stage for stage in stages if stage is not None]
    raise ConfigError(
        f"{_name(network)}: no blocks, stages or layers are found in it, so levels cannot be "
        "taken; choose another architecture"
    )


def _counted_blocks(network: nn.Module, n_blocks: int | None) -> Sequence[nn.Module]:
    """Return the one list of modules that has as many as the network's config says."""
    lists = [
        module
        for module in network.modules()
        if isinstance(module, nn.ModuleList) and len(module) == n_blocks
    ]
    if n_blocks is None or len(lists) != 1:
        raise ConfigError(
            f"{_name(network)}: the number of blocks cannot be read from it "
            f"({len(lists)} lists of {n_blocks} modules); low and mid cannot be taken"
        )
    return list(lists[0])


def _side(value: Any) -> int | None:
    return int(value[0]) if isinstance(value, list | tuple) else value


def _name(network: nn.Module) -> str:
    return type(network).__name__
