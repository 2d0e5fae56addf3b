import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from shazam.config.tiling import TilingConfig
from shazam.errors import (
    ImageTooLargeError,
    NoResolutionError,
    NoTissueError,
    UnreadableSlideError,
    UnsupportedPixelsError,
)
from shazam.slides.reader import open_slide, read_properties
from shazam.slides.validate import validate_slide
from tests.slides.made import EOSIN, record, tissue_picture

KNOWN = TilingConfig(assume_mpp=0.5)
SUFFIXES = [".png", ".jpg", ".bmp", ".webp", ".tif"]


def saved(folder, name, image, **options):
    image.save(folder / name, **options)
    return folder / name


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_plain_image_has_no_resolution_but_the_users(tmp_path, suffix):
    picture = Image.fromarray(tissue_picture())
    path = saved(tmp_path, f"S1{suffix}", picture, dpi=(50_800, 50_800))
    with pytest.raises(NoResolutionError, match="--assume-mpp"):
        read_properties(path, assume_mpp=None)
    properties = read_properties(path, assume_mpp=0.5)
    assert properties.format.startswith("plain-")
    assert (properties.mpp, properties.mpp_origin) == (0.5, "assumed")
    assert properties.level_dims_px == ((900, 700),)
    assert properties.size_bytes == path.stat().st_size
    found = validate_slide(path, slide=record(path), config=KNOWN)
    assert found.tissue_fraction > 0.9


def eosin(mode: str) -> Image.Image:
    image = Image.new("RGB", (8, 8), EOSIN)
    return image.quantize() if mode == "P" else image.convert(mode)


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("RGB", ".png"), ("P", ".png"), ("CMYK", ".tif"), ("RGBA", ".png"), ("CMYK", ".jpg")],
)
def test_colours_come_out_the_same_in_every_mode(tmp_path, mode, suffix):
    path = saved(tmp_path, f"S1{suffix}", eosin(mode))
    with open_slide(path) as reader:
        pixels = reader.read_rgb(0, 0, level=0, width_px=8, height_px=8).astype(int)
    assert np.abs(pixels - EOSIN).max() <= 8


def test_what_is_transparent_is_white(tmp_path):
    image = Image.new("RGBA", (8, 8), (*EOSIN, 0))
    palette = Image.new("P", (8, 8), 0)
    paths = [
        saved(tmp_path, "rgba.png", image),
        saved(tmp_path, "la.png", Image.new("LA", (8, 8), (10, 0))),
        saved(tmp_path, "palette.png", palette, transparency=0),
    ]
    for path in paths:
        with open_slide(path) as reader:
            assert (reader.read_rgb(0, 0, level=0, width_px=8, height_px=8) == 255).all()


def test_a_grey_image_is_read_and_holds_no_tissue(tmp_path):
    path = saved(tmp_path, "S1.png", Image.fromarray(tissue_picture()).convert("L"))
    with pytest.raises(NoTissueError):
        validate_slide(path, slide=record(path), config=KNOWN)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.int32])
def test_more_than_eight_bits_are_refused_by_name(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "S1.tif", np.zeros((9, 9), dtype))
    with pytest.raises(UnsupportedPixelsError, match="8 bits a channel") as caught:
        open_slide(tmp_path / "S1.tif")
    assert caught.value.reason == "unsupported_pixels"


def test_a_sixteen_bit_png_is_refused_by_name(tmp_path):
    Image.fromarray(np.zeros((9, 9), np.uint16)).save(tmp_path / "S1.png")
    with pytest.raises(UnsupportedPixelsError, match="I;16"):
        open_slide(tmp_path / "S1.png")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_truncated_image_is_unreadable(tmp_path, suffix, kept):
    path = saved(tmp_path, f"S1{suffix}", Image.fromarray(tissue_picture(200, 200)))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(UnreadableSlideError, match="cut short"):
        open_slide(path)


@pytest.mark.parametrize("side_px", [14_000, 60_000])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path, side_px):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    content = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )
    (tmp_path / "bomb.png").write_bytes(content)
    with pytest.raises(ImageTooLargeError) as caught:
        open_slide(tmp_path / "bomb.png")
    assert caught.value.reason == "image_too_large"


def test_a_one_pixel_image_holds_no_tile(tmp_path):
    path = saved(tmp_path, "S1.png", Image.new("RGB", (1, 1), EOSIN))
    with pytest.raises(NoTissueError):
        validate_slide(path, slide=record(path), config=KNOWN)


def test_what_is_written_beside_the_pixels_can_be_looked_at(tmp_path):
    exif = Image.Exif()
    exif[0x0132] = "2020:01:02 03:04:05"
    path = saved(tmp_path, "S1.jpg", Image.fromarray(tissue_picture(20, 20)), exif=exif)
    with open_slide(path) as reader:
        assert reader.tags["exif.DateTime"] == "2020:01:02 03:04:05"
