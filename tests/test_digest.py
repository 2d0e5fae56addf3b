"""Canonical JSON and digests."""

import hashlib
import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shazam.digest import canonical_json, digest_of, digest_of_file
from shazam.refs import Ref

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=8,
)


@given(JSON)
def test_canonical_json_is_json_and_stable(value):
    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text


def test_key_order_does_not_matter():
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})


def test_nan_has_no_canonical_form():
    with pytest.raises(ValueError, match="float"):
        canonical_json({"a": float("nan")})


def test_dataclasses_and_models_are_digested_by_their_fields():
    @dataclass(frozen=True)
    class Key:
        uri: str
        sha256: str

    fields = {"uri": "a", "sha256": "0" * 64}
    assert digest_of(Key(**fields)) == digest_of(Ref(**fields)) == digest_of(fields)


def test_digest_of_file_is_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    assert digest_of_file(tmp_path / "a") == hashlib.sha256(b"x" * 3_000_000).hexdigest()


def test_bytes_of_a_name_that_are_no_text_are_escapes_and_still_json():
    name = b"\xef".decode(errors="surrogateescape")
    assert json.loads(canonical_json([name, "\u00ef"])) == [name, "\u00ef"]


def test_the_canonical_form_is_these_bytes_for_ever():
    value = {"b": [1, 2.5, True, None], "a": "Mü\u4e2d\U0001f600\n\"'"}
    assert canonical_json(value) == (
        '{"a":"Mü\u4e2d\U0001f600\\n\\"\'","b":[1,2.5,true,null]}'.encode()
    )
