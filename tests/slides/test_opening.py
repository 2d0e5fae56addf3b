"""What is no slide is refused by name, whatever its own name says."""

import io

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from shazam.errors import (
    EmptyFileError,
    NotWholeSlideError,
    SlideError,
    UnreadableSlideError,
    WrongExtensionError,
)
from shazam.slides.contents import Contents, contents_of
from shazam.slides.reader import open_slide
from tests.slides.made import make_slide, tissue_picture
from tests.slides.made_dicom import make_ct, make_series


def image_bytes(format_: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(tissue_picture(40, 50)).save(buffer, format=format_)
    return buffer.getvalue()


def refusal(tmp_path, name: str, content: bytes) -> SlideError:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SlideError) as caught:
        open_slide(path)
    assert str(tmp_path) not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "BMP", "WEBP"])
@pytest.mark.parametrize("suffix", [".svs", ".NDPI", ".tif", ".scn", ".dcm"])
def test_a_plain_image_under_a_slides_name_is_told_by_its_bytes(tmp_path, format_, suffix):
    error = refusal(tmp_path, f"S1{suffix}", image_bytes(format_))
    assert isinstance(error, WrongExtensionError)
    assert error.reason == "wrong_extension"
    assert format_.lower() in str(error).lower()


def test_a_flat_tiff_under_a_scanners_name_is_told_too(tmp_path):
    tifffile.imwrite(tmp_path / "S1.ndpi", tissue_picture(60, 60), photometric="rgb")
    with pytest.raises(WrongExtensionError, match="flat TIFF"):
        open_slide(tmp_path / "S1.ndpi")


def test_the_bytes_decide_and_a_slide_under_another_name_is_read(tmp_path):
    slide = make_slide(tmp_path)
    renamed = (tmp_path / slide.path).rename(tmp_path / "S1.png")
    with open_slide(renamed) as reader:
        assert reader.format == "generic-tiff"
    (tmp_path / "photo.jpg").write_bytes(image_bytes("PNG"))
    with open_slide(tmp_path / "photo.jpg") as reader:
        assert reader.format == "plain-png"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"slide_id,label\nS1,tumour\n", "the bytes are text"),
        ("Gewebe für Röntgen, ".encode() * 300, "the bytes are text"),
        (b"<!DOCTYPE html><html>404</html>", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "Git LFS pointer"),
        (b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X", "AppleDouble"),
        (b"PK\x03\x04" + bytes(50), "ZIP"),
        (b"%PDF-1.7", "PDF"),
        (b"GIF89a" + bytes(50), "GIF"),
        (bytes(range(256)), "no known kind"),
        (b"II*\x00\x08\x00\x00\x00", "cut short or damaged"),
        (bytes(128) + b"DICM" + b"\xff" * 9, "damaged DICOM"),
    ],
)
def test_what_is_no_slide_is_named(tmp_path, content, words):
    error = refusal(tmp_path, "S1.svs", content)
    assert error.reason == "unreadable"
    assert words in str(error)


def test_an_empty_file_is_said_to_be_empty(tmp_path):
    error = refusal(tmp_path, "S1.svs", b"")
    assert isinstance(error, EmptyFileError)
    assert isinstance(error, UnreadableSlideError)
    assert error.reason == "empty"


def test_a_mirax_slide_without_its_folder_says_so(tmp_path):
    assert "folder 'S1'" in str(refusal(tmp_path, "S1.mrxs", image_bytes("JPEG")))


def test_a_missing_file_is_unreadable(tmp_path):
    with pytest.raises(UnreadableSlideError):
        open_slide(tmp_path / "none.svs")


def test_a_dicom_series_is_one_slide(tmp_path):
    first, second = make_series(tmp_path, tissue_picture(), mpp=0.25)
    for path in (first, second):
        with open_slide(path) as reader:
            assert reader.format == "dicom"
            assert reader.level_dims_px == ((900, 700), (450, 350))
            assert reader.mpp(assume_mpp=None) == (0.25, "openslide.mpp")


def test_a_dicom_object_that_is_no_slide_is_refused_by_name(tmp_path):
    make_ct(tmp_path / "ct.dcm")
    with pytest.raises(NotWholeSlideError, match="CT Image Storage") as caught:
        open_slide(tmp_path / "ct.dcm")
    assert caught.value.reason == "not_a_whole_slide"


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.binary(min_size=1, max_size=300), st.sampled_from(["", *"BGIP"]))
def test_any_bytes_are_of_some_kind_and_open_or_are_refused(tmp_path_factory, content, start):
    path = tmp_path_factory.mktemp("any") / "any.tif"
    path.write_bytes(start.encode() + content)
    assert contents_of(path) in Contents
    with pytest.raises(UnreadableSlideError):
        open_slide(path)


def test_a_one_pixel_slide_opens(tmp_path):
    make_slide(tmp_path, rgb=np.full((1, 1, 3), 200, np.uint8))
    with open_slide(tmp_path / "S1.tiff") as reader:
        reader.probe()
        assert reader.overview(downsample=16.0).shape == (1, 1, 3)
