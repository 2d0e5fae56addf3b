"""The schema of a catalogue file: YAML is checked here and becomes entries."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator, model_validator

from shazam.ids import ID_PATTERN
from shazam.manifests import LevelDims
from shazam.refs import SHA256_PATTERN
from shazam.teachers.entry import (
    Handcrafted,
    Hub,
    Interpolation,
    Loader,
    Local,
    Network,
    Packaged,
    Pooling,
    Setting,
    Source,
    Taps,
    TeacherEntry,
    Transform,
)
from shazam.teachers.settings import as_number, check_setting

HUB_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$"
FILE_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$"
CODE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*\.py$"

TeacherName = Annotated[str, Field(pattern=f"^{ID_PATTERN.pattern}$")]
FileName = Annotated[str, Field(pattern=FILE_PATTERN)]
Share = Annotated[float, Field(ge=0, le=1)]
Deviation = Annotated[float, Field(gt=0, le=1)]
Pixels = Annotated[int, Field(ge=16, le=2048)]


class Part(BaseModel):
    """A part of a catalogue file; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PackagedSource(Part):
    """See :class:`Packaged`."""

    kind: Literal["packaged"]
    distribution: str = Field(min_length=1)
    module: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    file: FileName
    sha256: str = Field(pattern=SHA256_PATTERN)

    def entry(self, _folder: Path) -> Packaged:
        return Packaged(self.distribution, self.module, self.file, self.sha256)


class HubSource(Part):
    """See :class:`Hub`."""

    kind: Literal["hub"]
    hub_id: str = Field(pattern=HUB_ID_PATTERN)
    weights: tuple[FileName, ...] = Field(min_length=1)
    code: tuple[Annotated[str, Field(pattern=CODE_PATTERN)], ...] = ()

    def entry(self, _folder: Path) -> Hub:
        return Hub(self.hub_id, self.weights, self.code)


class LocalSource(Part):
    """See :class:`Local`; the path is relative to the catalogue file."""

    kind: Literal["local"]
    path: str = Field(min_length=1)
    sha256: str = Field(pattern=SHA256_PATTERN)

    def entry(self, folder: Path) -> Local:
        return Local(folder.resolve() / self.path, self.sha256)


class HandcraftedSource(Part):
    """See :class:`Handcrafted`."""

    kind: Literal["handcrafted"]
    definition: Literal["colour_statistics"]

    def entry(self, _folder: Path) -> Handcrafted:
        return Handcrafted(self.definition)


AnySource = Annotated[
    PackagedSource | HubSource | LocalSource | HandcraftedSource, Field(discriminator="kind")
]


class TapsPart(Part):
    """See :class:`Taps`."""

    low: Annotated[int, Field(ge=0)]
    mid: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low >= self.mid:
            raise ValueError(f"taps: low ({self.low}) must come before mid ({self.mid})")
        return self


class NetworkPart(Part):
    """See :class:`Network`; ``bfloat16`` is true unless the pooling is ``average``."""

    loader: Loader = Loader.TIMM
    architecture: str | None
    kwargs: dict[str, Setting] = Field(default_factory=dict)
    pooling: Pooling
    taps: TapsPart | None = None
    blocks: PositiveInt | None = None
    patch_px: PositiveInt | None = None
    registers: Annotated[int, Field(ge=0)] | None = None
    norm_intermediates: bool = False
    fold_batch_norm: bool = False
    channels_last: bool = False
    bfloat16: bool | None = None

    @field_validator("kwargs", mode="before")
    @classmethod
    def _numbers(cls, kwargs: Any) -> Any:
        """Read 1e-5 as a number: YAML takes it for a text."""
        return {k: as_number(v) for k, v in kwargs.items()} if isinstance(kwargs, dict) else kwargs

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.taps and self.blocks and self.taps.mid >= self.blocks:
            raise ValueError(
                f"taps: mid ({self.taps.mid}) is impossible with {self.blocks} blocks, "
                f"which are counted from 0 to {self.blocks - 1}"
            )
        if self.loader is Loader.REMOTE_CODE and self.architecture is not None:
            raise ValueError("architecture: remote code has its own; leave it null")
        if self.loader is Loader.TIMM and self.pooling is Pooling.POOLER:
            raise ValueError("pooling: timm networks have no pooler; use cls or average")
        for name, value in self.kwargs.items():
            check_setting(name, value)
        return self

    def entry(self) -> Network:
        return Network(
            loader=self.loader,
            architecture=self.architecture,
            kwargs=dict(self.kwargs),
            pooling=self.pooling,
            taps=Taps(self.taps.low, self.taps.mid) if self.taps else None,
            blocks=self.blocks,
            patch_px=self.patch_px,
            registers=self.registers,
            norm_intermediates=self.norm_intermediates,
            fold_batch_norm=self.fold_batch_norm,
            channels_last=self.channels_last,
            bfloat16=self._stays_itself_in_bfloat16(),
        )

    def _stays_itself_in_bfloat16(self) -> bool:
        # convolutional networks leave the bound, vision transformers do not come near it
        return self.pooling is not Pooling.AVERAGE if self.bfloat16 is None else self.bfloat16


class TransformPart(Part):
    """See :class:`Transform`; ``resize_px`` is ``input_px`` unless given."""

    mean: tuple[Share, Share, Share]
    std: tuple[Deviation, Deviation, Deviation]
    input_px: Pixels = 224
    resize_px: Pixels | None = None
    interpolation: Interpolation = Interpolation.BICUBIC

    @model_validator(mode="after")
    def _crop_fits(self) -> Self:
        if self.resize_px is not None and self.resize_px < self.input_px:
            raise ValueError(f"resize_px: {self.resize_px} is below input_px {self.input_px}")
        return self

    def entry(self) -> Transform:
        return Transform(
            mean=self.mean,
            std=self.std,
            input_px=self.input_px,
            resize_px=self.resize_px or self.input_px,
            interpolation=self.interpolation,
        )


class TeacherPart(Part):
    """See :class:`TeacherEntry`."""

    source: AnySource
    revision: str | None = Field(default=None, min_length=1)
    network: NetworkPart | None = None
    transform: TransformPart | None = None
    dims: LevelDims
    licence: str = Field(min_length=1)
    gated: bool = False
    params_millions: float | None = Field(default=None, gt=0)
    mpp: float | None = Field(default=None, ge=0.05, le=5)
    notes: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        learned = not isinstance(self.source, HandcraftedSource)
        if learned and (self.network is None or self.transform is None):
            raise ValueError("network and transform are needed for a teacher with weights")
        if not learned and (self.network or self.transform):
            raise ValueError("network and transform have no meaning for a handcrafted teacher")
        if isinstance(self.source, HubSource):
            if self.revision is not None:
                raise ValueError("revision: the lock file holds the revision of a hub teacher")
        elif self.revision is None:
            raise ValueError("revision: missing; name the version of the weights")
        return self._sources_fit()

    def _sources_fit(self) -> Self:
        if self.network is None:
            return self
        is_hub = isinstance(self.source, HubSource)
        if self.network.architecture is None and not is_hub:
            raise ValueError("architecture: only the hub's config.json can say it; name it here")
        code = bool(is_hub and self.source.code)  # type: ignore[union-attr]
        if code != (self.network.loader is Loader.REMOTE_CODE):
            raise ValueError("source.code: goes with the loader remote_code, and only with it")
        packaged = isinstance(self.source, PackagedSource)
        if packaged and self.network.loader is not Loader.TIMM:
            raise ValueError("loader: packaged weights are run by timm")
        return self

    def entry(self, name: str, *, folder: Path) -> TeacherEntry:
        source: Source = self.source.entry(folder)
        return TeacherEntry(
            name=name,
            revision=self.revision,
            source=source,
            network=self.network.entry() if self.network else None,
            transform=self.transform.entry() if self.transform else None,
            dims=self.dims,
            licence=self.licence,
            gated=self.gated,
            params_millions=self.params_millions,
            mpp=self.mpp,
            notes=self.notes,
        )


class CatalogueFile(Part):
    """A catalogue file: entries by name."""

    teachers: dict[TeacherName, TeacherPart]
