"""What the README says of files, licences and exit codes is so."""

import re
import shlex

import pytest
import typer

from shazam.cli.main import app
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


def shown_commands():
    """Every `shazam` command in a console block of README and docs, by file."""
    for path in (SOURCE_ROOT / "README.md", *sorted((SOURCE_ROOT / "docs").glob("*.md"))):
        for block in re.findall(r"```console\n(.*?)```", path.read_text(), re.DOTALL):
            joined = block.replace("\\\n", " ")
            for line in re.findall(r"^\s*(?:\.venv/bin/)?shazam (.*)$", joined, re.MULTILINE):
                yield path.name, shlex.split(line, comments=True)


@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        pytest.param(file, told, id=f"{file}: {' '.join(told)[:50]}")
        for file, told in shown_commands()
    ],
)
def test_commands_that_are_shown_exist_with_their_options(file, arguments):
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        name, *arguments = arguments
        assert name in command.commands, f"{file} shows `{name}`, which is no command"
        command = command.commands[name]
    known = {option for parameter in command.params for option in parameter.opts}
    known |= {option for parameter in command.params for option in parameter.secondary_opts}
    given = {word.partition("=")[0] for word in arguments if re.match(r"--?[A-Za-z]", word)}
    assert given <= known | {"--help"}
