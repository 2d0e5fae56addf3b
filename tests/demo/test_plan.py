import numpy as np
import pytest
from scipy.stats import kruskal, spearmanr

from shazam.config.tree import DemoConfig
from shazam.demo.plan import SlideKind, plan_cases, plan_slides

CONFIG = DemoConfig()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("signal", [0.0, 1.0])
def test_exactly_the_asked_fraction_are_events_and_times_are_positive(seed, signal):
    cases = plan_cases(DemoConfig(seed=seed, signal=signal))
    assert sum(case.event for case in cases) == round(0.7 * 72)
    assert all(case.time_months > 0 for case in cases)


def test_the_default_is_as_large_as_promised():
    cases = plan_cases(CONFIG)
    slides = plan_slides(CONFIG, cases)
    assert len(cases) >= 60
    assert sum(case.event for case in cases) >= 36
    assert len({case.site for case in cases}) >= 6
    assert sum(slide.kind is SlideKind.SOUND for slide in slides) >= 75
    assert {slide.mpp for slide in slides} == {0.25, 0.5}
    assert len({slide.slide_id for slide in slides}) == len(slides)


def test_broken_slides_cost_no_case():
    cases = plan_cases(CONFIG)
    slides = plan_slides(CONFIG, cases)
    broken = [slide for slide in slides if slide.kind is not SlideKind.SOUND]
    assert sorted(slide.kind for slide in broken) == ["no_resolution", "no_tissue", "truncated"]
    sound = {slide.case_id for slide in slides if slide.kind is SlideKind.SOUND}
    assert sound == {case.case_id for case in cases}
    without = plan_slides(DemoConfig(broken_slides=False), cases)
    assert all(slide.kind is SlideKind.SOUND for slide in without)


def test_risk_drives_the_hazard_only_with_a_signal():
    def correlation(signal: float) -> float:
        cases = plan_cases(DemoConfig(n_cases=600, signal=signal, event_fraction=1.0))
        return spearmanr([c.risk for c in cases], [c.time_months for c in cases]).statistic

    assert correlation(1.0) < -0.5
    assert abs(correlation(0.0)) < 0.1


def test_a_site_says_nothing_of_the_outcome():
    cases = plan_cases(DemoConfig(n_cases=600, event_fraction=1.0))
    risks = [[c.risk for c in cases if c.site == site] for site in range(CONFIG.n_sites)]
    times = [[c.time_months for c in cases if c.site == site] for site in range(CONFIG.n_sites)]
    assert kruskal(*risks).pvalue > 0.5
    assert kruskal(*times).pvalue > 0.05


def test_a_null_cohort_has_the_same_slides():
    null = DemoConfig(signal=0.0)
    assert plan_slides(null, plan_cases(null)) == plan_slides(CONFIG, plan_cases(CONFIG))


def test_another_seed_gives_another_cohort():
    times = [[c.time_months for c in plan_cases(DemoConfig(seed=seed))] for seed in (0, 1)]
    assert not np.allclose(*times)
