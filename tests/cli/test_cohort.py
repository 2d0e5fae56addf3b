"""`shazam cohort check`: how a table is read, and everything that is wrong with it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from shazam.config.cohort import CohortConfig
from shazam.stages import SOURCE_ROOT
from tests.command import shazam_here

GOOD = "case_id,slide_id,site,survival_months,censorship\nC1,S1,A,2,0\nC2,S2,B,3,1\n"
DOCS = (SOURCE_ROOT / "docs" / "cohorts.md").read_text()


def test_a_table_is_summed_up_with_its_notes(tmp_path: Path) -> None:
    table = tmp_path / "cohort.csv"
    table.write_text(GOOD)
    outcome = shazam_here("cohort", "check", table)
    assert outcome.code == 0
    for part in ("2 cases, 2 slides", "2 sites", "1 events in 2 cases", "so it is inverted"):
        assert part in outcome.out


def test_all_that_is_wrong_is_listed_with_exit_45(tmp_path: Path) -> None:
    table = tmp_path / "cohort.csv"
    table.write_text(GOOD + "C2,S1,,0,1\n")
    (tmp_path / "slides").mkdir()
    for name in ("S1.svs", "S2.svs"):
        (tmp_path / "slides" / name).write_bytes(b"same")
    outcome = shazam_here("cohort", "check", table, "--slides", tmp_path / "slides", "--json")
    assert outcome.code == 45
    found = json.loads(outcome.out)
    starts = (
        "slide 'S1' belongs",
        "survival_months '0'",
        "site is empty",
        "slide 'S2' (S2.svs) has",
    )
    for start in starts:
        assert any(start in problem for problem in found["problems"])
    assert any("inverted" in note for note in found["notes"])


def test_neither_table_nor_config_is_wrong_use(tmp_path: Path) -> None:
    assert shazam_here("cohort", "check").code == 2


def test_the_commands_of_the_docs_run(tmp_path: Path) -> None:
    folder = tmp_path / "my"
    (folder / "slides").mkdir(parents=True)
    for name in ("S1", "S2"):
        (folder / "slides" / f"{name}.svs").write_bytes(name.encode())
    (folder / "cohort.csv").write_text(GOOD.replace("survival_months,censorship", "OS_MONTHS,OS"))
    config = SOURCE_ROOT / "configs" / "survival.yaml"
    (folder / "survival.yaml").write_text(config.read_text())
    commands = re.findall(r"^shazam (.*)$", DOCS, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        words = [word.replace("my/", f"{folder}/") for word in command.split()]
        assert shazam_here(*words).code == 0, command


def test_the_configs_of_the_docs_are_valid() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        CohortConfig.model_validate({"name": "docs", **yaml.safe_load(example)["cohort"]})
