import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.errors import ImplausibleResolutionError, NoResolutionError
from shazam.slides.resolution import resolve_mpp, resolve_objective


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


SPACING = "dicom.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing"
MIRAX = "mirax.LAYER_0_LEVEL_0_SECTION.MICROMETER_PER_PIXEL"


@pytest.mark.parametrize(
    "tags",
    [
        {"aperio.MPP": "0.25"},
        {"aperio.MPP": "0,25"},
        {"ventana.ScanRes": "0.25"},
        {f"{MIRAX}_X": "0.25", f"{MIRAX}_Y": "0.25"},
        {f"{SPACING}[0]": "0.00025", f"{SPACING}[1]": "0.00025"},
        {"philips.DICOM_PIXEL_SPACING": '"0.00025" "0.00025"'},
        {"zeiss.Scaling.Items.X.Value": "2.5E-07", "zeiss.Scaling.Items.Y.Value": "2.5e-7"},
        tiff_tags("centimeter", 40_000),
    ],
    ids=lambda tags: next(iter(tags)),
)
def test_every_vendors_tag_gives_micrometres_and_is_named(tags):
    mpp, origin = resolve_mpp(tags, assume_mpp=None)
    assert mpp == pytest.approx(0.25)
    assert any(tag.startswith(origin) for tag in tags)


def ome(x: str, y: str, more: str = "") -> dict[str, str]:
    text = f'<OME><Image ID="Image:0"><Pixels SizeX="9" PhysicalSizeX="{x}" PhysicalSizeY="{y}" '
    return {"tiff.ImageDescription": f"{text}{more}><Channel/></Pixels></Image></OME>"}


def units(unit: str) -> str:
    return f"PhysicalSizeXUnit='{unit}' PhysicalSizeYUnit='{unit}'"


@pytest.mark.parametrize(
    ("value", "more"),
    [
        ("0.25", ""),
        ("0.25", units("µm")),
        ("0.25", units("&#181;m")),
        ("0.25", units("\N{GREEK SMALL LETTER MU}m")),
        ("250", units("nm")),
        ("0.00025", units("mm")),
        ("0.00000025", units("m")),
    ],
)
def test_ome_tiff_says_its_physical_size_in_any_unit(value, more):
    tags = ome(value, value, more) | both("0.5") | tiff_tags("centimeter", 20_000)
    mpp, origin = resolve_mpp(tags, assume_mpp=None)
    assert mpp == pytest.approx(0.25)
    assert origin == "ome.PhysicalSizeX"


@pytest.mark.parametrize(
    "tags", [ome("1", "1", units("pixel")), ome("", ""), {"tiff.ImageDescription": "<Pixels"}]
)
def test_an_ome_size_without_a_length_is_no_resolution(tags):
    with pytest.raises(NoResolutionError):
        resolve_mpp(tags, assume_mpp=None)


def test_ome_pixels_that_are_not_square_are_refused():
    with pytest.raises(ImplausibleResolutionError, match=r"ome\.PhysicalSizeX"):
        resolve_mpp(ome("0.25", "0.5"), assume_mpp=None)


@pytest.mark.parametrize(
    ("tag", "value", "power"),
    [
        ("openslide.objective-power", "40", 40),
        ("aperio.AppMag", "20x", 20),
        ("hamamatsu.SourceLens", "40", 40),
        ("leica.objective", "20", 20),
        ("mirax.GENERAL.OBJECTIVE_MAGNIFICATION", "20", 20),
        ("ventana.Magnification", "40", 40),
        ("dicom.OpticalPathSequence[0].ObjectiveLensPower", "20", 20),
        ("zeiss.Information.Instrument.Objectives.Objective:1.NominalMagnification", "20", 20),
    ],
)
def test_the_objective_is_read_from_every_vendors_tag(tag, value, power):
    assert resolve_objective({tag: value}) == (power, tag)


def test_the_objective_of_ome_and_none():
    tags = {"tiff.ImageDescription": '<Objective ID="O:0" NominalMagnification="40.0"/>'}
    assert resolve_objective(tags) == (40.0, "ome.NominalMagnification")
    assert resolve_objective({"aperio.AppMag": "n/a"}) == (None, None)
