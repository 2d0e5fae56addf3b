"""The model card is one that the hub reads, says what its numbers are, and hides nothing."""

from __future__ import annotations

import re

import pytest
from huggingface_hub import ModelCard

from shazam.evaluation.document import ReportDocument
from shazam.evaluation.model_card import render_card
from shazam.evaluation.tripod import checklist
from tests.evaluation import made
from tests.evaluation.made_report import document

# the 52 parts of the 27 items, Collins et al., BMJ 2024;385:e078378
TRIPOD_AI = """
1 2 3a 3b 3c 4
5a 5b 6a 6b 6c 7 8a 8b 8c 9a 9b 9c 10 11 12a 12b 12c 12d 12e 12f 12g 13 14 15 16 17
18a 18b 18c 18d 18e 18f 19
20a 20b 20c 21 22 23a 23b 24 25 26 27a 27b 27c
"""


def changed(**context: object) -> ReportDocument:
    own = document().context.model_copy(update=context)
    return document().model_copy(update={"context": own})


def test_the_hub_reads_the_front_matter():
    data = ModelCard(render_card(document())).data
    assert data.license == "apache-2.0"
    assert "survival" in data.tags
    (entry,) = [r for r in data.eval_results if r.metric_type == "harrell_c"]
    primary = document().result.candidate_arm.primary
    assert entry.metric_value == pytest.approx(primary.value, abs=1e-4)
    assert entry.dataset_revision == document().result.cohort_sha256


@pytest.mark.parametrize(
    "licences", [("CC-BY-NC-ND-4.0", "Apache-2.0"), ("a house licence: 'v1'\n---",), ()]
)
def test_other_licences_are_named_and_stay_inside_the_front_matter(licences):
    teachers = tuple(made.teacher(f"t{n}", licence=name) for n, name in enumerate(licences))
    result = document().result.model_copy(update={"teachers": tuple(t.name for t in teachers)})
    own = changed(teachers=teachers).model_copy(update={"result": result})
    data = ModelCard(render_card(own)).data
    assert data.license == "other"
    assert all(name in data.license_name for name in licences) or not licences


def test_an_arm_of_one_teacher_has_its_licence_alone():
    result = document().result.model_copy(update={"candidate": "abmil.lite0"})
    teachers = (made.teacher("lite0"), made.teacher("uni", licence="CC-BY-NC-ND-4.0"))
    one = changed(teachers=teachers).model_copy(update={"result": result})
    assert ModelCard(render_card(one)).data.license == "apache-2.0"


def test_an_encoder_that_is_only_a_reference_gives_no_licence():
    result = document().result.model_copy(update={"teachers": ("lite0",)})
    teachers = (made.teacher("lite0"), made.teacher("colours", licence="CC-BY-NC-ND-4.0"))
    card = render_card(changed(teachers=teachers).model_copy(update={"result": result}))
    assert ModelCard(card).data.license == "apache-2.0"
    assert "colours" not in card


def test_it_says_what_the_number_is_and_that_the_model_was_not_measured():
    card = render_card(document())
    assert "estimates the training procedure by cross-validation" in card
    assert "It was not measured itself" in card


def test_equal_documents_give_equal_cards():
    assert render_card(document()) == render_card(document())


def test_a_failed_gate_is_said_first():
    result = made.survival_result(noise=8.0, n_cases=40)
    card = render_card(document().model_copy(update={"result": result}))
    assert card.index("not met") < card.index("## Model")
    assert "must not be used" in card


@pytest.mark.parametrize("make", [made.class_result, made.value_result])
def test_other_tasks_have_a_card(make):
    card = render_card(document().model_copy(update={"result": make()}))
    assert ModelCard(card).data.eval_results
    assert "events" not in card.split("## Model")[0]


def test_names_cannot_become_markup():
    card = render_card(changed(title="a|b <script> `x` [y](z)"))
    assert "# a\\|b \\<script\\> \\`x\\` \\[y\\](z)" in card


def test_the_checklist_is_whole_and_in_order():
    numbers = [item.number for item in checklist(document())]
    assert len(numbers) == len(set(numbers)) == 52
    assert {int(re.match(r"\d+", number).group()) for number in numbers} == set(range(1, 28))
    assert numbers == TRIPOD_AI.split()


def test_what_no_run_can_know_is_not_reported():
    card = render_card(document())
    for number in ("5b", "6b", "17", "18a", "19"):
        assert re.search(rf"^\| {number} \| .* \| \*\*not reported\*\* \|$", card, re.MULTILINE)


def test_items_follow_what_the_run_shows():
    where = {item.number: item for item in checklist(document())}
    assert where["15"].where == "report, 'Risk groups'"
    assert not where["13"].reported
    classes = document().model_copy(update={"result": made.class_result()})
    assert "class_weights" in {i.number: i for i in checklist(classes)}["13"].where
    values = document().model_copy(update={"result": made.value_result()})
    assert {i.number: i for i in checklist(values)}["15"].where.startswith("report, 'Targets'")


@pytest.mark.parametrize(
    ("number", "meaning"),
    [
        ("5b", "dates"),
        ("6c", "treatments"),
        ("8c", "blinding"),
        ("10", "sample size"),
        ("11", "missing data"),
        ("12f", "updating"),
        ("13", "imbalance"),
        ("14", "fairness"),
        ("15", "output"),
        ("16", "development and evaluation"),
        ("17", "ethical"),
        ("18a", "funding"),
        ("18c", "protocol"),
        ("18d", "registration"),
        ("18f", "code"),
        ("19", "public"),
        ("20b", "characteristics"),
        ("22", "full model"),
        ("23b", "clusters"),
        ("24", "updated"),
        ("26", "limitations"),
        ("27c", "next steps"),
    ],
)
def test_numbers_keep_their_meaning(number, meaning):
    assert meaning in {item.number: item.asks for item in checklist(document())}[number]


def test_sections_that_the_checklist_names_are_in_the_report_or_card():
    from shazam.evaluation.report import render_report

    card = render_card(document())
    page = render_report(document().result, context=document().context)
    for item in checklist(document()):
        for name in re.findall(r"'([^']+)'", item.where):
            assert f"<h2>{name}</h2>" in page or name in page or f"## {name}" in card, item
