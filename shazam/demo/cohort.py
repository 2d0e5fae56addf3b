"""Make the demo cohort: slide files and the table that names them."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from shazam.config.tree import DemoConfig
from shazam.demo.paint import PAINT_MPP, paint_glass, paint_section
from shazam.demo.plan import CasePlan, SlideKind, SlidePlan, plan_cases, plan_slides
from shazam.demo.pyramid import enlarge, write_pyramid
from shazam.digest import digest_of, digest_of_file
from shazam.progress import MakeProgress
from shazam.publish import publish, publish_bytes, publish_json

# part of the digest of every slide; raise it when the painting changes
PAINT_METHOD = "sections-1"

_COLUMNS = (
    "case_id",
    "slide_id",
    "slide_path",
    "site",
    "time_months",
    "event",
    "age",
    "sex",
    "stage",
)
_KEPT_OF_TRUNCATED = 0.6
_PAINTERS = 2


@dataclass(frozen=True, slots=True)
class DemoCohort:
    """Where the demo cohort lies."""

    table: Path
    slides_dir: Path


class _Made(BaseModel):
    """What an earlier call made: SHA-256 of each file by the digest of its plan."""

    model_config = ConfigDict(extra="forbid")

    files: dict[str, str]


def make_demo_cohort(config: DemoConfig, *, folder: Path, progress: MakeProgress) -> DemoCohort:
    """Make the slides and the table; what an earlier call made and is unaltered stays.

    Args:
        config: size, signal and seed of the cohort; one seed gives one set of bytes.
        folder: where ``cohort.csv`` and ``slides/`` go.
        progress: told of each slide.
    """
    cases = plan_cases(config)
    slides = plan_slides(config, cases)
    slides_dir = folder / "slides"
    record = folder / "made.json"
    made = _read(record)
    with progress(len(slides)) as told, ThreadPoolExecutor(_PAINTERS) as executor:
        futures = {
            _plan_digest(slide): executor.submit(_make_slide, slide, slides_dir, made)
            for slide in slides
        }
        files: dict[str, str] = {}
        for digest, future in futures.items():
            files[digest] = future.result()
            told.advance()
    publish_json(record, _Made(files=files))
    publish_bytes(folder / "cohort.csv", _table(cases, slides))
    return DemoCohort(table=folder / "cohort.csv", slides_dir=slides_dir)


def _make_slide(slide: SlidePlan, slides_dir: Path, made: _Made) -> str:
    """Publish one slide unless it is there and unaltered; returns its SHA-256."""
    target = slides_dir / _file_name(slide)
    known = made.files.get(_plan_digest(slide))
    if known is not None and target.is_file() and digest_of_file(target) == known:
        return known

    def write(path: Path) -> None:
        _write_slide(path, slide)

    return publish(target, write)


def _write_slide(path: Path, slide: SlidePlan) -> None:
    if slide.kind is SlideKind.NO_TISSUE:
        rgb = paint_glass(slide.seed)
    else:
        rgb = paint_section(slide.seed, risk=slide.risk, site=slide.site)
    factor = round(PAINT_MPP / slide.mpp)
    mpp = None if slide.kind is SlideKind.NO_RESOLUTION else slide.mpp
    write_pyramid(path, enlarge(rgb, factor=factor), mpp=mpp, n_levels=1 + factor)
    if slide.kind is SlideKind.TRUNCATED:
        with path.open("r+b") as file:
            file.truncate(int(path.stat().st_size * _KEPT_OF_TRUNCATED))


def _table(cases: tuple[CasePlan, ...], slides: tuple[SlidePlan, ...]) -> bytes:
    by_id = {case.case_id: case for case in cases}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for slide in slides:
        case = by_id[slide.case_id]
        writer.writerow(
            (
                case.case_id,
                slide.slide_id,
                _file_name(slide),
                f"site-{case.site + 1}",
                f"{case.time_months:.3f}",
                int(case.event),
                case.age,
                case.sex,
                case.stage,
            )
        )
    return text.getvalue().encode()


def _file_name(slide: SlidePlan) -> str:
    return f"{slide.slide_id}.tiff"


def _plan_digest(slide: SlidePlan) -> str:
    return digest_of({"method": PAINT_METHOD, **asdict(slide)})


def _read(record: Path) -> _Made:
    if not record.is_file():
        return _Made(files={})
    try:
        return _Made.model_validate_json(record.read_bytes())
    except ValidationError:
        return _Made(files={})
