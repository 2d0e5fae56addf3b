"""`shazam split check` as a user runs it."""

import pytest

from tests.command import shazam_here
from tests.real_data import shared_data


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "splits_0.csv").write_text(
        ",train,val,test\n0,TCGA-05-0001,TCGA-06-0002,TCGA-07-0003\n"
    )
    (tmp_path / "splits_1.csv").write_text(
        ",train,val,test\n0,TCGA-07-0001,TCGA-06-0002,TCGA-07-0003\n"
    )
    return tmp_path


def test_clean_folds_end_with_code_0(folder):
    outcome = shazam_here("split", "check", folder / "splits_0.csv", "--site-preserved")
    assert outcome.code == 0, outcome.text
    assert "train 1 cases of 1 sites" in outcome.out
    assert "no leak in 1 folds (cases, slides and sites)" in outcome.last_line


def test_a_leak_is_named_and_ends_with_code_5(folder):
    assert shazam_here("split", "check", folder).code == 0
    outcome = shazam_here("split", "check", folder, "--site-preserved")
    assert outcome.code == 5, outcome.text
    assert "LEAK: sites in train and test: 07" in outcome.out
    assert "1 of 2 folds leak" in outcome.last_line


def test_a_cohort_table_decides(folder, tmp_path):
    table = tmp_path / "cohort" / "table.csv"
    table.parent.mkdir()
    table.write_text(
        "case_id,slide_id,site\np,TCGA-05-0001,1\np,TCGA-07-0003,1\nq,TCGA-06-0002,2\n"
    )
    outcome = shazam_here("split", "check", folder / "splits_0.csv", "--cohort", table)
    assert outcome.code == 5
    assert "LEAK: cases in train and test: p" in outcome.out


def test_wrong_use_ends_with_code_2(folder, tmp_path):
    (tmp_path / "no.csv").write_text("a,b\n1,2\n")
    for arguments in (
        ["missing.csv"],
        [tmp_path / "no.csv"],
        [folder / "splits_0.csv", "--cohort", tmp_path / "no.csv"],
        [folder / "splits_0.csv", "--column", "fold"],
        [],
    ):
        outcome = shazam_here("split", "check", *arguments)
        assert outcome.code == 2, outcome.text


@pytest.mark.integration
def test_published_site_preserved_folds_are_clean_and_random_ones_are_not():
    panther = shared_data() / "survival_panther_sitesplits"
    outcome = shazam_here("split", "check", panther, "--site-preserved")
    assert outcome.code == 0, outcome.text
    assert "no leak in 10 folds" in outcome.last_line
    for cohort in ("kirc", "luad"):
        folder = shared_data() / "survival_porpoise" / "splits" / f"tcga_{cohort}"
        assert shazam_here("split", "check", folder).code == 0
        outcome = shazam_here("split", "check", folder, "--site-preserved")
        assert outcome.code == 5
        assert "5 of 5 folds leak" in outcome.last_line
        table = shared_data() / "survival_porpoise" / f"tcga_{cohort}_all_clean.csv.zip"
        named = shazam_here("split", "check", folder, "--site-preserved", "--cohort", table)
        assert named.code == 5, named.text
