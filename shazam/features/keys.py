"""The key of a feature file: everything that changes its bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

from shazam.manifests import TeacherIdentity, TiledSlide
from shazam.meaning import meaning_of

EXTRACTION_METHOD = "half-2"
# what decides the bytes beyond the tiles: reading pixels, encoding, rounding, storing
_DECIDING = (
    *(f"shazam/features/{name}.py" for name in ("decoding", "encoding", "order", "store")),
    "shazam/features/stored_levels.py",
    "shazam/slides/tile_pixels.py",
    *(
        f"shazam/teachers/{name}.py"
        for name in ("colour", "fold", "network_encoder", "networks", "prepare", "taps", "wiring")
    ),
)


def extraction_method() -> str:
    """Return what stands in every key: the code that reads, encodes, rounds and stores."""
    return f"{EXTRACTION_METHOD}.{meaning_of(*_DECIDING)}"


@dataclass(frozen=True, slots=True)
class FeaturesKey:
    """Everything that changes the bytes of a feature file.

    ``tiles_key`` covers the slide's own SHA-256, its resolution and the tiling; ``device_type``
    (``cpu`` or ``cuda``) and ``precision`` change the last bits.
    """

    tiles_key: str
    teacher: str
    revision: str
    weights_sha256: str | None
    transform_sha256: str | None
    device_type: str
    precision: str
    method: str = field(default_factory=extraction_method)

    @classmethod
    def of(
        cls, tiled: TiledSlide, *, teacher: TeacherIdentity, device_type: str, precision: str
    ) -> FeaturesKey:
        """Return the key of one slide under a teacher."""
        return cls(
            tiles_key=tiled.key,
            teacher=teacher.name,
            revision=teacher.revision,
            weights_sha256=teacher.weights_sha256,
            transform_sha256=teacher.transform_sha256,
            device_type=device_type,
            precision=precision,
        )
