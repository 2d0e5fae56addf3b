"""DICOM objects made on the spot: a whole-slide image in several files, and what is none."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    VLWholeSlideMicroscopyImageStorage,
)

TILE_PX = 256


def make_series(
    folder: Path,
    rgb: np.ndarray,
    *,
    name: str = "level",
    uid: str | None = None,
    n_levels: int = 2,
    mpp: float | None = 0.5,
    private: bool = False,
) -> list[Path]:
    """Write a whole-slide image, a file for each level, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    series = uid or f"1.2.3.{zlib.crc32(f'{folder}/{name}'.encode())}"
    paths = []
    for level in range(n_levels):
        picture = np.asarray(Image.fromarray(rgb).reduce(2**level))
        data = _level(picture, series=series, number=level)
        if mpp is not None:
            _add_spacing(data, mpp * 2**level)
        if private:
            data.PatientName, data.PatientID = "DOE^JANE", "4711"
            data.PatientBirthDate, data.AccessionNumber = "19500101", "S21-12345"
        paths.append(folder / f"{name}_{level}.dcm")
        data.save_as(paths[-1], enforce_file_format=True)
    return paths


def make_ct(path: Path) -> Path:
    """Write a DICOM object that is no slide."""
    data = _dataset(CTImageStorage, ExplicitVRLittleEndian, series="1.2.3.4")
    data.Modality = "CT"
    data.Rows = data.Columns = 4
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    data.PixelData = bytes(32)
    data.save_as(path, enforce_file_format=True)
    return path


def _level(rgb: np.ndarray, *, series: str, number: int) -> Dataset:
    height_px, width_px = rgb.shape[:2]
    data = _dataset(VLWholeSlideMicroscopyImageStorage, JPEGBaseline8Bit, series=series)
    data.SOPInstanceUID = f"{series}.{number + 1}"
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.ImageType = ["ORIGINAL" if number == 0 else "DERIVED", "PRIMARY", "VOLUME"]
    data.ImageType.append("NONE" if number == 0 else "RESAMPLED")
    data.Modality = "SM"
    data.Rows = data.Columns = TILE_PX
    data.TotalPixelMatrixRows, data.TotalPixelMatrixColumns = height_px, width_px
    data.TotalPixelMatrixFocalPlanes = 1
    data.NumberOfOpticalPaths = 1
    data.DimensionOrganizationType = "TILED_FULL"
    data.SamplesPerPixel, data.PlanarConfiguration = 3, 0
    data.PhotometricInterpretation = "YBR_FULL_422"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    frames = [
        _jpeg(rgb[top : top + TILE_PX, left : left + TILE_PX])
        for top in range(0, height_px, TILE_PX)
        for left in range(0, width_px, TILE_PX)
    ]
    data.NumberOfFrames = len(frames)
    data.PixelData = encapsulate(frames)
    return data


def _dataset(sop_class: str, syntax: str, *, series: str) -> Dataset:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.file_meta.MediaStorageSOPClassUID = sop_class
    data.file_meta.MediaStorageSOPInstanceUID = f"{series}.1"
    data.SOPClassUID = sop_class
    data.SOPInstanceUID = f"{series}.1"
    data.SeriesInstanceUID = series
    data.StudyInstanceUID = f"{series}.0"
    return data


def _add_spacing(data: Dataset, mpp: float) -> None:
    measures, groups = Dataset(), Dataset()
    measures.PixelSpacing = [mpp / 1000, mpp / 1000]
    groups.PixelMeasuresSequence = [measures]
    data.SharedFunctionalGroupsSequence = [groups]


def _jpeg(tile: np.ndarray) -> bytes:
    whole = np.full((TILE_PX, TILE_PX, 3), 244, np.uint8)
    whole[: tile.shape[0], : tile.shape[1]] = tile
    buffer = io.BytesIO()
    Image.fromarray(whole).save(buffer, format="JPEG", quality=85)
    return buffer.getvalue()
