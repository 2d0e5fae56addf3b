"""What surrounds an evaluation in tests of the report."""

from __future__ import annotations

import hashlib
import io
from functools import cache

from PIL import Image

from shazam.config.cohort import CohortConfig
from shazam.config.extraction import ExtractionConfig
from shazam.config.tree import Config
from shazam.evaluation.document import Asked, ReportContext, ReportDocument, RunKey
from shazam.explanations import (
    AttendedCase,
    AttendedSlide,
    AttendedTile,
    Explanations,
    GateWeight,
)
from shazam.manifests import Picture, QuarantineEntry
from tests.evaluation import made


def context(*, title: str = "demo") -> ReportContext:
    config = Config(
        cohort=CohortConfig(name="demo"),
        extraction=ExtractionConfig(teachers=("lite0", "lite1")),
        acceptance=made.ACCEPTANCE,
    )
    quarantine = tuple(
        QuarantineEntry(
            slide_id=f"broken-{reason}",
            slide_sha256="d" * 64,
            stage="validate",
            error="SlideError",
            reason=reason,
            message=f"broken-{reason}.tiff: what went wrong, and what to do next",
        )
        for reason in ("no_resolution", "no_tissue", "unreadable")
    )
    return ReportContext(
        title=title,
        asked=Asked.of(config),
        quarantine=quarantine,
        teachers=(made.teacher(), made.teacher("lite1")),
        digests=(("feature set", "e" * 64),),
        versions=(("shazam", "0.1.0"), ("torch", "2.14.1")),
    )


def gates_found(**more: object) -> Explanations:
    gates = tuple(
        GateWeight(fold=fold, level=level, teacher=teacher, mean=mean, sd=0.01, n_cases=24)
        for fold in range(3)
        for level in ("low", "high")
        for teacher, mean in (("lite0", 0.7), ("lite1", 0.3))
    )
    return Explanations(arm="fusion_student_v2", gates=gates, **more)


def jpeg(shade: int = 200, *, size_px: tuple[int, int] = (512, 300)) -> bytes:
    """Return a small picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size_px, (shade, 120, 170)).save(buffer, format="JPEG")
    return buffer.getvalue()


def picture_of(content: bytes) -> Picture:
    """Return what a manifest says of a picture."""
    sha256 = hashlib.sha256(content).hexdigest()
    return Picture(uri=f"attention/{sha256[:8]}/slide.jpg", sha256=sha256)


def attended_case(
    number: int = 0, *, slides: tuple[AttendedSlide, ...] = (), slide_id: str = "slide-a"
) -> AttendedCase:
    """Return a case with eight tiles, the last of them on a second slide."""
    tiles = tuple(
        AttendedTile(
            rank=rank,
            slide_id=slide_id if rank < 8 else "slide-b",
            row=7 * rank,
            x_level0_px=448 * rank,
            y_level0_px=896,
            side_level0_px=448,
            relative_weight=4.0 - rank / 4,
        )
        for rank in range(1, 9)
    )
    return AttendedCase(
        case_id=f"case-{number:03}",
        chosen="highest risk",
        fold=1,
        seed=0,
        n_tiles=321,
        tiles=tiles,
        slides=slides,
    )


def attended_found(*, slide_id: str = "slide-a") -> tuple[Explanations, dict[str, bytes]]:
    """Return two cases, one slide of which cannot be shown, and the bytes of the pictures."""
    contents = [jpeg(200), jpeg(140, size_px=(120, 512))]
    shown = tuple(
        AttendedSlide(slide_id=name, picture=picture_of(content))
        for name, content in zip((slide_id, "slide-b"), contents, strict=True)
    )
    gone = AttendedSlide(slide_id="slide-b", without_picture="the file is gone; put it back")
    found = gates_found(
        cases=(
            attended_case(0, slides=shown, slide_id=slide_id),
            attended_case(1, slides=(shown[0], gone), slide_id=slide_id),
        )
    )
    return found, {picture_of(content).sha256: content for content in contents}


@cache
def document() -> ReportDocument:
    """Return what the report of a made evaluation shows."""
    key = RunKey(
        feature_set="1" * 64,
        splits="2" * 64,
        predictions=("3" * 64,),
        probe="4" * 64,
        explanations="6" * 64,
        config="5" * 64,
        frozen="7" * 64,
    )
    return ReportDocument(key=key, result=made.survival_result(), context=context())
