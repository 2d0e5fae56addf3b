"""The installed packages that compute, read or draw results: they count in every cached result.

The lock file says what should be installed; what is installed decides the bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from shazam.digest import digest_of

# distribution by the name that is imported; a second name holds the compiled part
COMPUTING = {
    "PIL": ("pillow",),
    "great_expectations": ("great-expectations",),
    "h5py": ("h5py",),
    "jinja2": ("jinja2",),
    "matplotlib": ("matplotlib",),
    "numpy": ("numpy",),
    "openslide": ("openslide-python", "openslide-bin"),
    "pandas": ("pandas",),
    "pyarrow": ("pyarrow",),
    "pydantic": ("pydantic",),
    "pydicom": ("pydicom",),
    "safetensors": ("safetensors",),
    "scipy": ("scipy",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "sksurv": ("scikit-survival",),
    "tifffile": ("tifffile", "imagecodecs"),
    "timm": ("timm",),
    "torch": ("torch", "torchvision"),
    "transformers": ("transformers",),
    "yaml": ("pyyaml",),
}
_ABSENT = "absent"


def installed_versions() -> Mapping[str, str]:
    """Return the version of Python, and of each package that computes, ``absent`` without it."""
    names = sorted(name for distributions in COMPUTING.values() for name in distributions)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"python": python, **{name: _version(name) for name in names}}


@cache
def installed_digest() -> str:
    """Return the digest of :func:`installed_versions` as they were when this process began."""
    return digest_of(dict(installed_versions()))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return _ABSENT
