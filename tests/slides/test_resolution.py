import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.errors import ImplausibleResolutionError, NoResolutionError
from shazam.slides.resolution import resolve_mpp


def tiff_tags(unit: str, per_unit: float) -> dict[str, str]:
    return {
        "tiff.ResolutionUnit": unit,
        "tiff.XResolution": str(per_unit),
        "tiff.YResolution": str(per_unit),
    }


def both(value: str) -> dict[str, str]:
    return {"openslide.mpp-x": value, "openslide.mpp-y": value}


def test_the_scanners_own_value_wins_over_the_tiff_resolution():
    tags = both("0.2525") | tiff_tags("centimeter", 20_000)
    assert resolve_mpp(tags, assume_mpp=None) == (0.2525, "openslide.mpp")


def test_vendor_tag_serves_where_openslide_gives_none():
    assert resolve_mpp({"aperio.MPP": "0.499"}, assume_mpp=None) == (0.499, "aperio.MPP")


@settings(deadline=None, max_examples=50, derandomize=True)
@given(mpp=st.floats(0.06, 4.9))
def test_tiff_resolution_gives_the_same_value_in_both_units(mpp):
    centimetre, origin = resolve_mpp(tiff_tags("centimeter", 10_000 / mpp), assume_mpp=None)
    inch, _ = resolve_mpp(tiff_tags("inch", 25_400 / mpp), assume_mpp=None)
    assert origin == "tiff.XResolution"
    assert centimetre == pytest.approx(mpp)
    assert inch == pytest.approx(mpp)


@pytest.mark.parametrize("tags", [{}, both("nan"), both("0"), {"tiff.ResolutionUnit": "inch"}])
def test_no_number_is_no_resolution(tags):
    with pytest.raises(NoResolutionError, match="--assume-mpp"):
        resolve_mpp(tags, assume_mpp=None)


def test_a_screens_default_is_implausible_and_the_user_may_know_better():
    tags = tiff_tags("inch", 72)
    with pytest.raises(ImplausibleResolutionError, match=r"352\.778.*--assume-mpp"):
        resolve_mpp(tags, assume_mpp=None)
    assert resolve_mpp(tags, assume_mpp=0.5) == (0.5, "assumed")


def test_a_plausible_tag_is_taken_after_an_implausible_one():
    tags = {**both("400"), **tiff_tags("centimeter", 10_000 / 0.25)}
    assert resolve_mpp(tags, assume_mpp=None) == (pytest.approx(0.25), "tiff.XResolution")


def test_an_assumed_value_never_overrules_the_slide():
    assert resolve_mpp(both("0.25"), assume_mpp=0.5) == (0.25, "openslide.mpp")


@pytest.mark.parametrize("value", ["0.049", "5.01", "400"])
def test_what_no_scanner_gives_is_implausible(value):
    with pytest.raises(ImplausibleResolutionError):
        resolve_mpp(both(value), assume_mpp=None)


def test_pixels_that_are_not_square_are_implausible():
    with pytest.raises(ImplausibleResolutionError, match="not square"):
        resolve_mpp({"openslide.mpp-x": "0.25", "openslide.mpp-y": "0.5"}, assume_mpp=None)
