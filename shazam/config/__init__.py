"""The config tree and how it is loaded."""

from shazam.config.load import LoadedConfig, leaves, load_config
from shazam.config.tree import Config

__all__ = ["Config", "LoadedConfig", "leaves", "load_config"]
