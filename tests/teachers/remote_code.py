"""What a repository with code of its own holds: two modules and a config.json."""

from __future__ import annotations

CONFIGURATION = """
from transformers import Dinov2WithRegistersConfig


class OwnConfig(Dinov2WithRegistersConfig):
    model_type = "own"
"""
MODELING = """
from transformers import Dinov2WithRegistersModel

from .configuration_dinov2 import OwnConfig


class OwnModel(Dinov2WithRegistersModel):
    config_class = OwnConfig
"""
AUTO_MAP = {
    "AutoConfig": "configuration_dinov2.OwnConfig",
    "AutoModel": "modeling_dinov2.OwnModel",
}


def remote_config(**settings) -> dict:
    return {"auto_map": dict(AUTO_MAP), "model_type": "own", **settings}
