"""A folder's listing: named as DVC names it, and never leading out of its folder."""

import hashlib
import json
from types import SimpleNamespace

import pytest
from dvc_data.hashfile.tree import Tree
from hypothesis import given
from hypothesis import strategies as st

from shazam.errors import DataError
from shazam.integrations.dvc_listing import oid_of_listing, read_listing

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PARTS = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8)
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
MD5 = st.text("0123456789abcdef", min_size=32, max_size=32)


@given(st.dictionaries(PATHS, MD5, max_size=6))
def test_a_version_has_the_name_that_dvc_gives_it(files):
    tree = Tree.from_list([{"md5": md5, "relpath": name} for name, md5 in files.items()], "md5")
    md5 = hashlib.md5(tree.as_bytes(), usedforsecurity=False).hexdigest()
    assert oid_of_listing(files) == f"{md5}.dir"


def cached(folder, content: bytes) -> SimpleNamespace:
    """A repository whose cache holds one object."""
    (folder / "aa").mkdir()
    (folder / "aa" / "bb.dir").write_bytes(content)
    return SimpleNamespace(cache=SimpleNamespace(local=SimpleNamespace(path=str(folder))))


@pytest.mark.parametrize("name", ["../escape", "a/../../b", "/etc/passwd", "a\0b", ".."])
def test_a_listing_that_leaves_its_folder_is_refused(tmp_path, name):
    content = json.dumps([{"md5": "0" * 32, "relpath": name}]).encode()
    with pytest.raises(DataError, match="leaves its folder"):
        read_listing("aabb.dir", repository=cached(tmp_path, content))


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'[{"relpath": "a"}]', b'[{"md5": "x", "relpath": "a"}]']
)
def test_what_is_no_listing_is_refused(tmp_path, content):
    with pytest.raises(DataError, match="is no listing of a folder"):
        read_listing("aabb.dir", repository=cached(tmp_path, content))


def test_a_listing_that_is_not_there_says_how_it_comes(tmp_path):
    with pytest.raises(DataError, match="bring it with 'shazam data pull'"):
        read_listing("ccdd.dir", repository=cached(tmp_path, b"[]"))
