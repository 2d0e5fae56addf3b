"""The acceptance section: its defaults, and what contradicts itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from shazam.config.acceptance import (
    AcceptanceConfig,
    CalibrationRule,
    CandidateCanary,
    ChampionRule,
    Comparison,
)
from shazam.config.licences import IntendedUse
from shazam.config.load import load_config
from shazam.digest import digest_of
from shazam.errors import ConfigError

CONFIG = Path(__file__).parents[2] / "configs" / "demo.yaml"


@pytest.mark.parametrize(
    ("given", "margin", "required", "assumed"),
    [
        ({}, 0.05, -0.05, 0.0),
        ({"margin": 0.0}, 0.0, 0.0, 0.05),
        ({"comparison": "superior"}, 0.0, 0.0, 0.05),
        ({"comparison": "superior", "margin": 0.02}, 0.02, 0.02, 0.07),
        ({"comparison": "superior", "margin": 0.98}, 0.98, 0.98, 0.99),
        ({"comparison": "superior", "expected_difference": 0.1}, 0.0, 0.0, 0.1),
        ({"margin": 0.1, "expected_difference": -0.05}, 0.1, -0.1, -0.05),
    ],
)
def test_a_margin_is_what_the_comparison_asks(
    given: dict[str, object], margin: float, required: float, assumed: float
) -> None:
    acceptance = AcceptanceConfig.model_validate(given)
    assert acceptance.margin == margin
    assert acceptance.required_difference == required
    assert acceptance.assumed_difference == pytest.approx(assumed)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"margins": 0.1}, "Extra inputs"),
        ({"comparison": "equal"}, "non_inferior"),
        ({"comparison": "superior", "expected_difference": 0.0}, "must lie above"),
        ({"margin": 0.05, "expected_difference": -0.05}, "must lie above"),
        ({"margin": float("nan")}, "finite"),
        ({"floor": 1.0}, "less than 1"),
        ({"calibration": {}}, "asks nothing"),
        ({"calibration": {"max_calibration_in_the_large": 1.1}}, "less than or equal to 1"),
        ({"canary_max_standard_errors": 5.1}, "less than or equal to 5"),
        ({"canary_max_standard_errors": 0}, "greater than 0"),
        ({"candidate_canary": "maybe"}, "left_out"),
        ({"calibration": {"slope_min": 1.2, "slope_max": 0.8}}, "must lie below"),
        ({"subgroup_floors": {"sex": 1.5}}, "less than 1"),
        ({"subgroup_floors": {"se x": 0.5}}, "pattern"),
        ({"champion": {"bundle": "short"}}, "pattern"),
        ({"accepted_licences": ["MIT", "MIT"]}, "named twice"),
        ({"accepted_licences": [""]}, "at least 1"),
        ({"licence_terms": {"MIT": ["gated"]}}, "are known"),
        ({"licence_terms": {"Ours": ["gated"]}}, "not among accepted_licences"),
        ({"accepted_licences": ["Ours"], "licence_terms": {"Ours": ["unknown"]}}, "say what"),
        ({"accepted_licences": ["Ours"], "licence_terms": {"Ours": ["free"]}}, "research_only"),
        ({"intended_use": "fun"}, "research"),
        ({"max_site_balanced_accuracy": 0}, "greater than 0"),
    ],
)
def test_what_is_unknown_or_contradicts_itself_is_refused(
    given: dict[str, object], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        AcceptanceConfig.model_validate(given)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("calibration.max_calibration_error=0.1", "is for classification, and cohort.task is surv"),
        ("calibration.slope_mean=1", "Extra inputs"),
        ("comparison=better", "non_inferior"),
    ],
)
def test_the_config_refuses_it_with_the_same_reasons(setting: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        load_config(CONFIG, overrides=[f"acceptance.{setting}"], environment={})


def test_the_level_at_a_horizon_is_for_survival_only() -> None:
    asked = ["acceptance.calibration.max_calibration_in_the_large=0.1"]
    assert load_config(CONFIG, overrides=asked, environment={}).config.acceptance.calibration
    classes = CONFIG.with_name("classification.yaml")
    with pytest.raises(ConfigError, match=r"in_the_large: is for survival, and cohort\.task is cl"):
        load_config(classes, overrides=asked, environment={})


def test_sections_can_be_set_by_their_keys() -> None:
    settings = ["calibration.slope_min=0.8", "subgroup_floors.sex=0.5", "comparison=superior"]
    config = load_config(
        CONFIG, overrides=[f"acceptance.{text}" for text in settings], environment={}
    ).config
    assert config.acceptance.calibration == CalibrationRule(slope_min=0.8)
    assert config.acceptance.subgroup_floors == {"sex": 0.5}
    assert config.acceptance.comparison is Comparison.SUPERIOR


def test_every_setting_changes_the_digest() -> None:
    base = AcceptanceConfig()
    changes: dict[str, object] = {
        "candidate": "abmil.a",
        "floor": 0.6,
        "compared_to": "logit_prod",
        "comparison": Comparison.SUPERIOR,
        "margin": 0.1,
        "expected_difference": 0.2,
        "expected_correlation": 0.6,
        "min_events": 31,
        "canary_max_standard_errors": 2.0,
        "candidate_canary": CandidateCanary.LEFT_OUT,
        "max_site_balanced_accuracy": 0.5,
        "calibration": CalibrationRule(slope_min=0.5),
        "subgroup_floors": {"sex": 0.5},
        "champion": ChampionRule(bundle="0" * 64),
        "intended_use": IntendedUse.CLINICAL,
        "accepted_licences": (),
        "licence_terms": {"Ours": ()},
    }
    assert set(changes) == set(AcceptanceConfig.model_fields)
    digests = {digest_of(base.model_copy(update={name: changes[name]})) for name in changes}
    assert len(digests | {digest_of(base)}) == len(changes) + 1
