"""The report: self-contained, complete, escaped, and the same bytes for the same evaluation."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import pytest
from markupsafe import escape

from shazam.digest import canonical_json
from shazam.evaluation.attended import without_pixels
from shazam.evaluation.document import ExcludedCase
from shazam.evaluation.earlier import EarlierFreeze
from shazam.evaluation.interval import Interval
from shazam.evaluation.report import render_report
from shazam.evaluation.result import EvaluationResult, FusionWeights
from shazam.explanations import Explanations
from tests.evaluation import made
from tests.evaluation.made_report import (
    attended_case,
    attended_found,
    context,
    gates_found,
)

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Checks that tags close, and gathers what a reader meets."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open_tags: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.targets: list[str] = []
        self.ids: list[str] = []
        self.feed(page)
        assert self.open_tags == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in VOID:
            self.open_tags.append(tag)
        if tag == "img":
            self.images.append(found)
        if "id" in found:
            self.ids.append(found["id"] or "")
        self.targets += [found[key] or "" for key in ("href", "src") if key in found]

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag


@pytest.fixture(scope="module")
def survival_page() -> str:
    return render_report(made.survival_result(), context=context())


def test_the_page_is_whole_small_and_needs_nothing_from_elsewhere(survival_page: str) -> None:
    page = Page(survival_page)
    assert len(survival_page.encode()) <= 250_000
    assert all(target.startswith(("#", "data:image/svg+xml")) for target in page.targets)
    assert all(target[1:] in page.ids for target in page.targets if target.startswith("#"))
    assert len(set(page.ids)) == len(page.ids)
    assert "<script" not in survival_page
    assert not re.search(r"url\(|@import|https?://", survival_page)


def test_the_contact_sheet_is_linked_with_words_where_there_is_one(survival_page: str) -> None:
    shown = context().model_copy(update={"contact_sheet": "contact_sheet.jpg"})
    page = render_report(made.survival_result(), context=shown)
    assert "contact_sheet.jpg" in Page(page).targets
    assert "a cell for each slide" in page
    assert "contact_sheet" not in survival_page


def test_pictures_have_words_and_no_dates(survival_page: str) -> None:
    images = Page(survival_page).images
    assert len(images) == 4
    for image in images:
        assert len(image["alt"] or "") > 40
        svg = base64.b64decode((image["src"] or "").split(",")[1]).decode()
        assert svg.startswith("<?xml")
        assert "dc:date" not in svg
    assert "fusion_student_v2 0." in (images[0]["alt"] or "")
    assert "lower risk" in (images[1]["alt"] or "")


def test_equal_evaluations_give_equal_pages(survival_page: str) -> None:
    assert render_report(made.survival_result(), context=context()) == survival_page


def test_the_page_holds_what_was_asked_and_what_was_found(survival_page: str) -> None:
    result = made.survival_result()
    for part in (
        "Passed: all 9 criteria",
        "estimates the training <em>procedure</em>",
        "candidate: fusion_student_v2",
        "margin: 0.1",
        "broken-no_tissue",
        "Apache-2.0",
        "e" * 64,
        result.cohort_sha256,
        f"{result.candidate_arm.primary.value:.3f}",
        "site-8",
        "torch",
    ):
        assert part in survival_page
    for gate in result.gates:
        assert str(escape(gate.explanation)) in survival_page


def test_criteria_that_are_not_the_first_are_told_above_them(survival_page: str) -> None:
    assert "Not the first attempt" not in survival_page
    earlier = EarlierFreeze(criteria_sha256="8" * 64, differs=("acceptance", "evaluation"))
    folds = EarlierFreeze(criteria_sha256="8" * 64, differs=(), splits_sha256="9" * 64)
    result = made.survival_result().model_copy(update={"earlier_freezes": (earlier, folds)})
    read_back = EvaluationResult.model_validate_json(canonical_json(result))
    page = render_report(read_back, context=context())
    assert "1 other set(s) of criteria were frozen for the same folds" in page
    assert "888888888888 (acceptance, evaluation)" in page
    assert "1 other partition(s) of the same cohort into folds were frozen" in page
    assert "999999999999 (the same criteria)" in page
    assert "Not the first attempt" in page


def test_a_failed_evaluation_says_so_first() -> None:
    result = made.survival_result(noise=8.0, n_cases=40)
    assert not result.passed
    page = render_report(result, context=context())
    assert page.index("Not passed: ") < page.index("<h2>")
    assert "must not be offered as a challenger" in page
    assert "No claim is made on fold" in page
    Page(page)


def test_classification_shows_its_confusion() -> None:
    page = render_report(made.class_result(), context=context())
    assert "what it was called" in page
    assert "Kaplan-Meier" not in page
    assert "balanced accuracy" in page
    assert "Not probed" in page
    Page(page)


def test_regression_shows_every_target_of_the_candidate_and_few_columns_of_the_arms() -> None:
    result = made.value_result()
    page = render_report(result, context=context())
    assert "mean Pearson correlation" in page
    assert "guessing 0.000" in page
    assert "HLA-A" in page
    assert page.count("mean squared error / variance") == 1
    assert "mean squared error of HLA-A" not in page
    assert f"{result.candidate_arm.metric('mse_HLA-A').value:.3f}" in page
    for other in ("Kaplan-Meier", "what it was called", "Events tested", "Classes tested"):
        assert other not in page
    Page(page)


def test_names_cannot_become_markup() -> None:
    page = render_report(made.survival_result(), context=context(title="<b>&\"'"))
    assert '<b>&"' not in page
    assert "&lt;b&gt;&amp;" in page


def test_the_weights_of_a_fusion_are_shown() -> None:
    fusion = FusionWeights(
        arm="logit_prod", fold=2, seed=0, parts=("abmil.lite0", "abmil.lite1"), weights=(0.8, 0.2)
    )
    result = made.survival_result().model_copy(update={"fusions": (fusion,)})
    page = render_report(result, context=context())
    assert re.search(r"logit_prod</th>.*>2<.*>0<.*\n.*>0\.800<.*\n.*>0\.200<", page)
    assert "Weights of the fused arms" not in render_report(
        made.survival_result(), context=context()
    )


def test_a_clinical_arm_that_is_not_there_is_mentioned() -> None:
    page = render_report(made.survival_result(), context=context())
    assert "There is no clinical arm: the configuration names no clinical columns" in page


def test_gate_weights_are_drawn_told_and_listed() -> None:
    shown = context().model_copy(update={"explanations": gates_found()})
    page = render_report(made.survival_result(), context=shown)
    images = Page(page).images
    told = "low: lite0 0.70, lite1 0.30; high: lite0 0.70"
    assert sum(told in (image["alt"] or "") for image in images) == 1
    assert page.count("0.700 <span") == 6
    assert "hardly matter" not in page


def test_inert_gate_weights_are_called_so() -> None:
    shown = context().model_copy(update={"explanations": gates_found(inert=True)})
    assert "These weights hardly matter" in render_report(made.survival_result(), context=shown)


def test_a_candidate_without_a_gate_is_mentioned() -> None:
    found = Explanations(arm="abmil.lite0", without_gates="abmil.lite0 has no gate over teachers")
    shown = context().model_copy(update={"explanations": found})
    page = render_report(made.survival_result(), context=shown)
    assert "abmil.lite0 has no gate over teachers." in page
    assert "Gate weight" not in page


def test_excluded_cases_are_listed_with_the_reason() -> None:
    excluded = (
        ExcludedCase(case_id="case-x", reasons=("no_tissue", "unreadable")),
        ExcludedCase(case_id="case-y", reasons=()),
    )
    shown = context().model_copy(update={"excluded": excluded})
    page = render_report(made.survival_result(), context=shown)
    assert re.search(r"case-x</th>.*no tissue found; cannot be opened or decoded", page)
    assert re.search(r"case-y</th>.*in no test part of the folds", page)


def test_tiles_of_highest_attention_are_shown_on_their_slides_and_listed() -> None:
    found, pixels = attended_found()
    shown = context().model_copy(update={"explanations": found})
    page = render_report(made.survival_result(), context=shown, pixels=pixels)
    images = [i for i in Page(page).images if (i["src"] or "").startswith("data:image/jpeg")]
    assert len(images) == 3
    contents = [base64.b64decode((image["src"] or "").split(",")[1]) for image in images]
    assert set(contents) == set(pixels.values())
    alt = images[0]["alt"] or ""
    assert alt.startswith("Slide slide-a of case case-000 (highest risk), 7 of its tiles outlined")
    assert "number 1 weighs 3.75, number 2 weighs 3.50" in alt
    assert "number 8 weighs 2.00 times an equal weight." in (images[1]["alt"] or "")
    assert "tile <strong>7</strong> 2.25." in page
    assert "case-001: no picture of slide slide-b: the file is gone; put it back." in page
    assert "8 of 321 tiles" in page
    assert re.search(r">slide-b</th><td class=\"n\">56</td>\n<td class=\"n\">3584</td>", page)
    assert page.count("Whether attention explains what a model") == 1


def test_without_pixels_the_tiles_are_listed_openly() -> None:
    case = attended_case()
    bare = {"x_level0_px": None, "y_level0_px": None, "side_level0_px": None}
    tiles = tuple(tile.model_copy(update=bare) for tile in case.tiles)
    found = gates_found(cases=(case.model_copy(update={"tiles": tiles}),))
    shown = context().model_copy(update={"explanations": found})
    page = render_report(made.survival_result(), context=shown)
    assert "<details open>" in page
    assert "data:image/jpeg" not in page
    assert page.count('<td class="n">\u2013</td>\n' * 3) == 8
    Page(page)


def test_a_candidate_without_attention_over_tiles_says_so() -> None:
    found = Explanations(
        arm="mean_pool.lite0",
        without_gates="mean_pool.lite0 has no gate over teachers",
        without_attention="mean_pool.lite0 takes the mean of a case's tiles",
    )
    page = render_report(
        made.survival_result(), context=context().model_copy(update={"explanations": found})
    )
    assert "mean_pool.lite0 has no gate over teachers." in page
    assert "mean_pool.lite0 takes the mean of a case&#39;s tiles." in page
    assert "times an equal weight" not in page


def test_whole_site_intervals_stand_beside_those_of_cases_where_there_are_any() -> None:
    result = made.survival_result()
    assert "whole sites" not in render_report(result, context=context())
    by_site = Interval(value=0.7, lower=0.612, upper=0.789)
    lone = Interval(value=0.7, lower=None, upper=None)
    arms = tuple(
        arm.model_copy(update={"primary_by_site": by_site if number == 0 else lone})
        for number, arm in enumerate(result.arms)
    )
    page = render_report(result.model_copy(update={"arms": arms}), context=context())
    assert page.count("whole sites: 0.612 to 0.789") == 1
    assert page.count('The interval of "whole sites"') == 1


def test_a_copy_without_pixels_keeps_the_words_and_the_figures() -> None:
    found, pixels = attended_found()
    shown = context().model_copy(update={"explanations": found})
    page = render_report(made.survival_result(), context=shown, pixels=pixels)
    copy = without_pixels(page)
    assert "image/jpeg" not in copy
    assert [i["alt"] for i in Page(copy).images] == [i["alt"] for i in Page(page).images]
    assert copy.count("data:image/svg") == page.count("data:image/svg") > 0
