"""Build a teacher's network and give it its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import timm
import torch
from timm import layers
from torch import nn

from shazam.errors import ArtifactError, ConfigError
from shazam.teachers.entry import Loader, Network
from shazam.teachers.remote import remote_classes
from shazam.teachers.settings import check_setting
from shazam.teachers.state import State, assign, in_order, read_state, refuse_differences

_REASON_LENGTH = 160
_HOMES = {"mlp_layer": layers, "act_layer": nn}


@dataclass(frozen=True, slots=True)
class Beside:
    """Verified content of what lies beside the weights: ``config.json`` and code by file name."""

    hub_id: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)


def build_network(spec: Network, *, beside: Beside) -> nn.Module:
    """Build a network with random weights, on torch's default device.

    Raises:
        ConfigError: the architecture is unknown, or does not take its kwargs.
        ArtifactError: ``config.json`` does not say the architecture.
    """
    match spec.loader:
        case Loader.TIMM:
            return _timm(spec, beside)
        case Loader.TRANSFORMERS:
            auto_model, config = _transformers(spec, beside)
            return _built(lambda: auto_model.from_config(config), name=str(spec.architecture))
        case Loader.REMOTE_CODE:
            _require_transformers()
            config_class, model_class = remote_classes(
                beside.config, code=beside.code, hub_id=beside.hub_id
            )
            return _built(
                lambda: model_class(config_class.from_dict(dict(beside.config))), name=beside.hub_id
            )


def load_network(
    spec: Network, *, weights: Path, beside: Beside, packaged: bool = False
) -> nn.Module:
    """Build a network and give it the weights of a verified file, as float32 on the CPU.

    Args:
        spec: the architecture.
        weights: the file.
        beside: what lies beside it.
        packaged: the tensors have timm's order, not its names.

    Raises:
        ConfigError: the architecture cannot be built.
        ArtifactError: the file is no weights file, or its tensors do not fit.
    """
    state = read_state(weights)
    if spec.loader is Loader.TRANSFORMERS:
        return _load_transformers(spec, beside=beside, state=state, origin=weights.name)
    network = _empty_network(spec, beside)
    if packaged:
        state = in_order(state, network, origin=weights.name)
    assign(network, _without_classifier(state, network), origin=weights.name)
    return network.eval().requires_grad_(requires_grad=False)


def _empty_network(spec: Network, beside: Beside) -> nn.Module:
    """Build without memory where all that is computed at building is also in the weights file."""
    if spec.loader is Loader.REMOTE_CODE:
        return build_network(spec, beside=beside)
    with torch.device("meta"):
        network = build_network(spec, beside=beside)
    computed = any(module._non_persistent_buffers_set for module in network.modules())
    return build_network(spec, beside=beside) if computed else network


def _timm(spec: Network, beside: Beside) -> nn.Module:
    name, settings = spec.architecture, dict(spec.kwargs)
    if name is None:
        name, inherited = _from_hub(beside)
        settings = inherited | settings
    if not timm.is_model(name):
        raise ConfigError(f"architecture '{name}': timm {timm.__version__} has none of that name")
    given: dict[str, Any] = {
        key: getattr(_HOMES[key], value) if key in _HOMES and isinstance(value, str) else value
        for key, value in settings.items()
    }
    return _built(
        lambda: timm.create_model(name, pretrained=False, num_classes=0, **given), name=name
    )


def _from_hub(beside: Beside) -> tuple[str, dict[str, Any]]:
    """Return (architecture, kwargs) as timm writes them into ``config.json``."""
    name, settings = beside.config.get("architecture"), beside.config.get("model_args", {})
    if not isinstance(name, str) or not isinstance(settings, dict):
        raise ArtifactError(
            f"{beside.hub_id}: config.json does not say the architecture as timm writes it; name "
            "architecture and kwargs in the catalogue"
        )
    settings = {key: value for key, value in settings.items() if key != "num_classes"}
    try:
        for key, value in settings.items():
            check_setting(key, value)
    except ValueError as error:
        raise ArtifactError(f"{beside.hub_id}: config.json: {error}") from error
    return name, settings


def _transformers(spec: Network, beside: Beside) -> tuple[Any, Any]:
    """Return (AutoModel, config); ``auto_map`` of ``config.json`` is never followed."""
    _require_transformers()
    from transformers import AutoConfig, AutoModel  # noqa: PLC0415

    inherited = {k: v for k, v in beside.config.items() if k not in {"auto_map", "model_type"}}
    settings = (inherited if spec.architecture is None else {}) | dict(spec.kwargs)
    name = spec.architecture or str(beside.config.get("model_type"))
    try:
        known = AutoConfig.for_model(name)
        config = AutoConfig.for_model(name, **settings)
    except (ValueError, TypeError) as error:
        reason = str(error)[:_REASON_LENGTH]
        raise ConfigError(f"architecture '{name}': transformers refuses it: {reason}") from error
    unknown = [key for key in spec.kwargs if not hasattr(known, key)]
    if unknown:
        raise ConfigError(f"architecture '{name}': has no setting {', '.join(unknown)}")
    return AutoModel, config


def _load_transformers(spec: Network, *, beside: Beside, state: State, origin: str) -> nn.Module:
    """Load through transformers, which knows the former names of tensors."""
    _, config = _transformers(spec, beside)
    _silence_transformers()
    with torch.device("meta"):
        kind: Any = type(build_network(spec, beside=beside))
    network, report = kind.from_pretrained(
        None,
        config=config,
        state_dict=state,
        dtype=torch.float32,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
    )
    refuse_differences(
        missing=report["missing_keys"],
        unexpected=report["unexpected_keys"],
        mismatched={str(item[0]) for item in report["mismatched_keys"]},
        origin=origin,
    )
    loaded: nn.Module = network
    return loaded.eval().requires_grad_(requires_grad=False)


def _without_classifier(state: State, network: nn.Module) -> State:
    """Leave out the classifier, which an encoder does not have."""
    names = getattr(network, "pretrained_cfg", {}).get("classifier") or ()
    prefixes = tuple(f"{name}." for name in ([names] if isinstance(names, str) else names))
    own = network.state_dict()
    return {k: v for k, v in state.items() if k in own or not k.startswith(prefixes)}


def _built(build: Any, *, name: str) -> nn.Module:
    try:
        network = build()
    except (TypeError, ValueError, RuntimeError, AttributeError, KeyError, AssertionError) as error:
        raise ConfigError(f"architecture '{name}': cannot be built: {error}") from error
    if not isinstance(network, nn.Module):
        raise ConfigError(f"architecture '{name}': is no network")
    return network


def _silence_transformers() -> None:
    from transformers.utils import logging  # noqa: PLC0415

    quiet: Any = logging
    quiet.set_verbosity_error()
    quiet.disable_progress_bar()


def _require_transformers() -> None:
    try:
        import transformers  # noqa: F401, PLC0415
    except ImportError as error:
        raise ConfigError(
            "this teacher needs transformers: pip install 'shazam[transformers]'"
        ) from error
