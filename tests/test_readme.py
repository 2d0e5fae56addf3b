"""What the README says of files, licences and exit codes is so."""

import re

from shazam.errors import ExitCode
from shazam.stages import SOURCE_ROOT

README = (SOURCE_ROOT / "README.md").read_text()


def test_every_import_of_scikit_survival_is_named():
    importers = {
        path.relative_to(SOURCE_ROOT).as_posix()
        for folder in ("shazam", "steps", "pipelines")
        for path in (SOURCE_ROOT / folder).rglob("*.py")
        if re.search(r"^\s*(from|import) sksurv", path.read_text(), re.MULTILINE)
    }
    assert {name for name in importers if f"`{name}`" not in README} == set()


def test_the_files_it_names_exist():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if not (SOURCE_ROOT / link).exists()] == []


def test_the_exit_codes_are_those_of_the_program():
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert listed == {int(code) for code in ExitCode}
