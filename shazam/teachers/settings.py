"""Settings of an architecture: plain values, and the few layers that a name may stand for."""

from __future__ import annotations

from typing import Any

from shazam.teachers.entry import Setting

LAYERS = {
    "mlp_layer": ("Mlp", "GluMlp", "SwiGLU", "SwiGLUPacked"),
    "act_layer": ("GELU", "ReLU", "SiLU"),
}
# these would fetch weights, run code or change what the catalogue already says
_RESERVED = ("checkpoint_path", "features_only", "num_classes", "pretrained", "pretrained_cfg")


def check_setting(name: str, value: Setting) -> None:
    """Check one setting of a catalogue file.

    Raises:
        ValueError: it may not be set, or names an unknown layer.
    """
    if name in _RESERVED or name.startswith("pretrained"):
        raise ValueError(f"kwargs.{name}: may not be set; the catalogue's other keys decide it")
    if name in LAYERS and value not in LAYERS[name]:
        known = ", ".join(LAYERS[name])
        raise ValueError(f"kwargs.{name}: '{value}' is unknown; known are {known}")


def as_number(value: Any) -> Any:
    """Return a text such as ``1e-5`` as the number it stands for, anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return value
