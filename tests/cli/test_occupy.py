"""A workspace is used by one run at a time, where it was made."""

import shutil

import pytest

from shazam.cli.occupy import occupy
from shazam.errors import ConfigError, ExitCode, ShazamError
from shazam.workspace import Workspace


def test_a_second_run_is_refused_while_the_first_lasts(tmp_path):
    workspace = Workspace(tmp_path / "w")
    with (
        occupy(workspace),
        pytest.raises(ShazamError, match="another run uses it"),
        occupy(workspace),
    ):
        pass
    with occupy(workspace):
        assert (tmp_path / "w").is_dir()


def test_a_copy_is_refused_before_it_writes_into_its_origin(tmp_path):
    with occupy(Workspace(tmp_path / "a")):
        pass
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    with pytest.raises(ConfigError, match=r"was made at .*/a"), occupy(Workspace(tmp_path / "b")):
        pass


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_folder_that_cannot_be_made_is_a_configuration_error(tmp_path, name):
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(ConfigError, match="cannot be written") as caught,
        occupy(Workspace(tmp_path / name)),
    ):
        pass
    assert caught.value.exit_code is ExitCode.CONFIGURATION


@pytest.mark.parametrize("content", ["", "{garbage", "[]", "{}"])
def test_a_damaged_record_of_the_place_is_named(tmp_path, content):
    with occupy(Workspace(tmp_path)):
        pass
    (tmp_path / "workspace.json").write_text(content)
    with (
        pytest.raises(ConfigError, match=r"workspace\.json: is damaged.* delete this file"),
        occupy(Workspace(tmp_path)),
    ):
        pass
