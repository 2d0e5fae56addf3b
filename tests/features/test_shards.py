"""Shards: every slide in one part, whatever the cohort."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shazam.errors import ConfigError
from shazam.features.shards import Shard

DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(DIGESTS, st.integers(1, 50))
def test_a_slide_is_in_exactly_one_part(digest, count):
    parts = [Shard.parse(f"{index}/{count}").part_of(digest) for index in range(count)]
    assert sum(parts) == 1


@given(DIGESTS, st.integers(1, 50))
def test_parts_may_be_counted_from_one(digest, count):
    parts = [Shard.parse(f"{index}/{count}").part_of(digest) for index in range(1, count + 1)]
    assert sum(parts) == 1


def test_parts_are_of_about_equal_size():
    from shazam.digest import digest_of

    digests = [digest_of(number) for number in range(4000)]
    for index in range(8):
        n_slides = sum(Shard(index, 8).part_of(digest) for digest in digests)
        assert 400 < n_slides < 600


@pytest.mark.parametrize("text", ["", "1", "1/0", "0/0", "5/4", "-1/4", "1/4/2", "a/b", "1.0/2"])
def test_what_is_no_shard_is_refused_with_advice(text):
    with pytest.raises(ConfigError, match=r"write it as i/n"):
        Shard.parse(text)
