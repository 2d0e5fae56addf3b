"""Ids and paths stay inside their bounds."""

import pytest

from shazam.errors import ConfigError
from shazam.ids import is_valid_id, resolve_inside


@pytest.mark.parametrize("value", ["a", "TCGA-3X-AAVA-01Z-00-DX1", "0.b_c-d", "x" * 128])
def test_valid_ids(value):
    assert is_valid_id(value)


@pytest.mark.parametrize(
    "value", ["", ".hidden", "-a", "_a", "a/b", "../a", "a b", "a\n", "ä", "x" * 129, "a\x00"]
)
def test_invalid_ids(value):
    assert not is_valid_id(value)


def test_paths_below_the_root_resolve(tmp_path):
    assert resolve_inside(tmp_path, "a/../b.svs") == tmp_path.resolve() / "b.svs"


@pytest.mark.parametrize("path", ["../b.svs", "/etc/passwd", "a/../../b"])
def test_paths_that_leave_the_root_are_refused(tmp_path, path):
    with pytest.raises(ConfigError, match="leaves"):
        resolve_inside(tmp_path, path)


def test_links_that_leave_the_root_are_refused(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="leaves"):
        resolve_inside(tmp_path / "root", "link/secret")
