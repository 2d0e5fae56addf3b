"""Validation: whether a slide can be opened, decoded, measured and tiled."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pydantic import Field, PositiveInt

from shazam.config.tiling import TilingConfig
from shazam.digest import canonical_json, digest_of
from shazam.ids import resolve_inside
from shazam.manifests import Entry, QuarantineEntry, ValidatedSlide, ValidationManifest
from shazam.progress import MakeProgress
from shazam.publish import publish_sealed, sealed_digest
from shazam.refs import CohortRef
from shazam.slides.filters import FILTER_SETTINGS
from shazam.slides.quarantine import attempt
from shazam.slides.reader import open_slide
from shazam.slides.records import SlideList, SlideRecord, check_content, check_unchanged
from shazam.slides.survey import survey, survey_method
from shazam.workspace import Workspace

STAGE = "validate"


@dataclass(frozen=True, slots=True)
class FindingsKey:
    """Everything that changes what validation finds in a slide."""

    slide_sha256: str
    tile_um: float
    tile_px: int
    min_tissue_fraction: float
    tissue_um_per_px: float
    max_upsampling: float
    assume_mpp: float | None
    method: str = field(default_factory=survey_method)

    @classmethod
    def of(cls, slide_sha256: str, *, config: TilingConfig) -> FindingsKey:
        """Return the key of one slide under a configuration."""
        settings = config.model_dump(mode="json", exclude=set(FILTER_SETTINGS))
        return cls(slide_sha256, **settings)


class Findings(Entry):
    """What validation found in the bytes of a slide, wherever the file lies."""

    mpp: float = Field(gt=0)
    mpp_origin: str
    width_px: PositiveInt
    height_px: PositiveInt
    tissue_fraction: float = Field(ge=0, le=1)


def validate_slides(
    cohort: SlideList,
    *,
    cohort_ref: CohortRef,
    slides_dir: Path,
    config: TilingConfig,
    workspace: Workspace,
    progress: MakeProgress,
) -> ValidationManifest:
    """Validate all slides of a cohort; bad ones are quarantined.

    What was found in a slide is kept under the key of its bytes, so validating again costs a look
    at each file's size.
    """
    slides: list[ValidatedSlide] = []
    quarantine: list[QuarantineEntry] = []
    with progress(len(cohort.slides)) as told:
        for slide in cohort.slides:
            outcome = attempt(
                partial(_validate_once, slide, slides_dir, config, workspace),
                slide_id=slide.slide_id,
                slide_sha256=slide.sha256,
                stage=STAGE,
            )
            if isinstance(outcome, QuarantineEntry):
                quarantine.append(outcome)
                told.quarantine(outcome.slide_id, outcome.reason)
            else:
                slides.append(outcome)
            told.advance()
    return ValidationManifest(cohort=cohort_ref, slides=tuple(slides), quarantine=tuple(quarantine))


def validate_slide(path: Path, *, slide: SlideRecord, config: TilingConfig) -> ValidatedSlide:
    """Validate one slide.

    Args:
        path: the slide's file.
        slide: the slide as ingested.
        config: size of tiles and limits; ``assume_mpp`` serves slides without a resolution.

    Raises:
        SlideError: the file changed, cannot be opened or decoded to its end, has no or no
            plausible resolution, is too coarse, not brightfield or without tissue.
    """
    check_unchanged(path, size_bytes=slide.size_bytes)
    return _validated(slide, _find(path, slide, config))


def _validate_once(
    slide: SlideRecord, slides_dir: Path, config: TilingConfig, workspace: Workspace
) -> ValidatedSlide:
    path = resolve_inside(slides_dir, slide.path)
    key = digest_of(FindingsKey.of(slide.sha256, config=config))
    kept = workspace.root / "slides" / f"{key}.json"
    findings = _read(kept)
    if findings is None:
        validated = validate_slide(path, slide=slide, config=config)
        _keep(kept, _findings(validated))
        return validated
    check_unchanged(path, size_bytes=slide.size_bytes)
    return _validated(slide, findings)


def _find(path: Path, slide: SlideRecord, config: TilingConfig) -> Findings:
    with open_slide(path) as reader:
        properties = reader.properties(
            assume_mpp=config.assume_mpp, size_bytes=slide.size_bytes, sha256=slide.sha256
        )
        reader.probe()
        found = survey(reader, mpp=properties.mpp, config=config)
    check_content(path, sha256=slide.sha256)
    return Findings(
        mpp=properties.mpp,
        mpp_origin=properties.mpp_origin,
        width_px=properties.width_px,
        height_px=properties.height_px,
        tissue_fraction=found.tissue_fraction,
    )


def _validated(slide: SlideRecord, findings: Findings) -> ValidatedSlide:
    return ValidatedSlide(
        slide_id=slide.slide_id,
        case_id=slide.case_id,
        path=slide.path,
        size_bytes=slide.size_bytes,
        sha256=slide.sha256,
        **findings.model_dump(),
    )


def _findings(validated: ValidatedSlide) -> Findings:
    return Findings(**validated.model_dump(include=set(Findings.model_fields)))


def _keep(kept: Path, findings: Findings) -> None:
    content = canonical_json(findings)
    publish_sealed(kept, lambda path: _write(path, content))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _read(kept: Path) -> Findings | None:
    """Return what was kept; an altered file counts as none and is written anew."""
    if sealed_digest(kept) is None:
        return None
    return Findings.model_validate_json(kept.read_bytes())
