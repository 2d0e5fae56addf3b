"""Who is in the demo cohort: cases with a latent risk, their outcomes and their slides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from shazam.config.tree import DemoConfig

FloatArray = npt.NDArray[np.float64]

# log hazard per standard deviation of the latent risk, at signal 1
LOG_HAZARD = 1.4
_MEDIAN_MONTHS = 24.0
_STREAM_CASES, _STREAM_SLIDES = 1, 2


class SlideKind(StrEnum):
    """What a slide is made to be; all but ``sound`` must end in quarantine."""

    SOUND = "sound"
    TRUNCATED = "truncated"
    NO_RESOLUTION = "no_resolution"
    NO_TISSUE = "no_tissue"


@dataclass(frozen=True, slots=True)
class CasePlan:
    """One case. ``risk`` is the latent standard normal that both look and hazard follow."""

    case_id: str
    site: int
    risk: float
    time_months: float
    event: bool
    age: int
    sex: str
    stage: str


@dataclass(frozen=True, slots=True)
class SlidePlan:
    """One slide; ``seed`` fixes every pixel, ``mpp`` is micrometres per pixel at level 0."""

    slide_id: str
    case_id: str
    site: int
    risk: float
    mpp: float
    kind: SlideKind
    seed: tuple[int, ...]


def plan_cases(config: DemoConfig) -> tuple[CasePlan, ...]:
    """Draw the cases.

    Times are exponential with log hazard ``signal * LOG_HAZARD * risk``; censoring is drawn
    independently of them and scaled so that exactly the asked fraction are events. Every site
    gets cases of all risks, so a site says nothing of the outcome. ``signal`` changes outcomes
    only: the slides of a null cohort look the same.
    """
    rng = np.random.default_rng([config.seed, _STREAM_CASES])
    n = config.n_cases
    risk = rng.standard_normal(n)
    sites = _balanced_sites(risk, n_sites=config.n_sites, rng=rng)
    hazard = np.log(2) / _MEDIAN_MONTHS * np.exp(config.signal * LOG_HAZARD * risk)
    times, events = _censor(
        rng.exponential(size=n) / hazard,
        rng.uniform(0.2, 1.0, size=n),
        n_events=round(config.event_fraction * n),
    )
    ages = np.clip(rng.normal(64, 10, size=n), 30, 90).astype(int)
    sexes = rng.choice(["female", "male"], size=n)
    stages = np.digitize(risk + rng.normal(0, 2.0, size=n), [-1.5, 0.5, 2.5])
    return tuple(
        CasePlan(
            case_id=f"DEMO-{i + 1:03d}",
            site=int(sites[i]),
            risk=float(risk[i]),
            time_months=round(float(times[i]), 3),
            event=bool(events[i]),
            age=int(ages[i]),
            sex=str(sexes[i]),
            stage=("I", "II", "III", "IV")[int(stages[i])],
        )
        for i in range(n)
    )


def plan_slides(config: DemoConfig, cases: tuple[CasePlan, ...]) -> tuple[SlidePlan, ...]:
    """Draw the slides: one a case, second ones for some, and three broken ones."""
    rng = np.random.default_rng([config.seed, _STREAM_SLIDES])
    n_extra = min(config.n_extra_slides, len(cases))
    extra = rng.choice(len(cases), size=n_extra, replace=False)
    owners = [(case, "A", SlideKind.SOUND) for case in cases]
    owners += [(cases[i], "B", SlideKind.SOUND) for i in sorted(extra)]
    if config.broken_slides:
        broken = (kind for kind in SlideKind if kind is not SlideKind.SOUND)
        owners += [(cases[i], kind.value, kind) for i, kind in enumerate(broken)]
    mpps = rng.choice([0.25, 0.5], size=len(owners))
    return tuple(
        SlidePlan(
            slide_id=f"{case.case_id}-{suffix}",
            case_id=case.case_id,
            site=case.site,
            risk=case.risk,
            mpp=float(mpp),
            kind=kind,
            seed=(config.seed, _STREAM_SLIDES, i),
        )
        for i, ((case, suffix, kind), mpp) in enumerate(zip(owners, mpps, strict=True))
    )


def _balanced_sites(
    risk: FloatArray, *, n_sites: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Deal neighbours in risk to different sites, ``[n_cases]``."""
    n_rounds = -(-len(risk) // n_sites)
    dealt = np.concatenate([rng.permutation(n_sites) for _ in range(n_rounds)])
    sites = np.empty(len(risk), np.int64)
    sites[np.argsort(risk)] = dealt[: len(risk)]
    return sites


def _censor(
    times: FloatArray, shares: FloatArray, *, n_events: int
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Censor at ``scale * share``, the scale being the one that leaves ``n_events`` events."""
    needed = np.sort(times / shares)
    scale = needed[-1] if n_events >= len(times) else needed[n_events - 1 : n_events + 1].mean()
    limits = scale * shares
    return np.minimum(times, limits), times <= limits
