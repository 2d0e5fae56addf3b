import os

import pytest

from shazam.digest import digest_of_file
from shazam.errors import SlideChangedError
from shazam.slidefiles import digest_of_slide, files_of, series_in, size_of_slide, stamp_of_slide
from shazam.slides.records import check_unchanged
from tests.slides.made import tissue_picture
from tests.slides.made_dicom import make_ct, make_series


def make_mirax(folder, name="M1"):
    (folder / name).mkdir(parents=True)
    (folder / f"{name}.mrxs").write_bytes(b"thumbnail")
    (folder / name / "Slidedat.ini").write_text("[GENERAL]\nSLIDE_ID = 1\n")
    (folder / name / "Data0000.dat").write_bytes(b"0000")
    (folder / name / "Data0001.dat").write_bytes(b"1111")
    (folder / name / "._Data0001.dat").write_bytes(b"junk")
    return folder / f"{name}.mrxs"


def make_vms(folder):
    (folder / "V.vms").write_text(
        "[Virtual Microscope Specimen]\nImageFile=V.jpg\nMapFile=V_map.jpg\n"
    )
    (folder / "V.jpg").write_bytes(b"image")
    (folder / "V_map.jpg").write_bytes(b"map")
    (folder / "other.jpg").write_bytes(b"other")
    return folder / "V.vms"


def make_dicom(folder):
    make_series(folder, tissue_picture(300, 300), name="other", n_levels=1)
    return make_series(folder, tissue_picture(300, 300))[0]


def test_a_single_file_has_its_own_digest_and_size(tmp_path):
    path = tmp_path / "S1.svs"
    path.write_bytes(b"abc")
    (tmp_path / "S1.jpg").write_bytes(b"beside")
    assert files_of(path) == (path,)
    assert digest_of_slide(path) == digest_of_file(path)
    assert size_of_slide(path) == 3


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (make_mirax, {"M1.mrxs", "Slidedat.ini", "Data0000.dat", "Data0001.dat"}),
        (make_vms, {"V.vms", "V.jpg", "V_map.jpg"}),
        (make_dicom, {"level_0.dcm", "level_1.dcm"}),
    ],
    ids=["mirax", "vms", "dicom"],
)
def test_all_files_of_a_slide_count_and_a_change_of_any_is_seen(tmp_path, make, names):
    path = make(tmp_path)
    files = files_of(path)
    assert files[0] == path
    assert {file.name for file in files} == names
    size_bytes, digest = size_of_slide(path), digest_of_slide(path)
    assert size_bytes == sum(file.stat().st_size for file in files)
    check_unchanged(path, size_bytes=size_bytes)
    for file in files[1:]:
        content = file.read_bytes()
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert digest_of_slide(path) != digest
        file.write_bytes(content + b"x")
        with pytest.raises(SlideChangedError, match="were ingested"):
            check_unchanged(path, size_bytes=size_bytes)
        file.write_bytes(content)
    assert digest_of_slide(path) == digest
    files[-1].unlink()
    with pytest.raises(SlideChangedError):
        check_unchanged(path, size_bytes=size_bytes)


def test_exchanged_parts_change_the_digest(tmp_path):
    path = make_mirax(tmp_path)
    before = digest_of_slide(path)
    first, second = (tmp_path / "M1" / f"Data000{number}.dat" for number in (0, 1))
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    assert digest_of_slide(path) != before


def test_a_slide_renamed_with_its_folder_is_the_same_slide(tmp_path):
    assert digest_of_slide(make_mirax(tmp_path, "A")) == digest_of_slide(make_mirax(tmp_path, "B"))


def test_every_file_of_a_series_names_the_same_slide(tmp_path):
    first, second = make_series(tmp_path, tissue_picture(300, 300))
    assert digest_of_slide(first) == digest_of_slide(second)
    second.rename(tmp_path / "no_extension")
    assert digest_of_slide(first) == digest_of_slide(tmp_path / "no_extension")


def test_the_series_of_a_folder_are_named_by_their_first_file(tmp_path):
    make_dicom(tmp_path)
    make_ct(tmp_path / "ct.dcm")
    (tmp_path / "notes.dcm").write_text("no DICOM")
    (tmp_path / "broken.dcm").write_bytes(bytes(128) + b"DICM" + b"\xff" * 40)
    assert sorted(p.name for p in series_in(tmp_path).values()) == [
        "ct.dcm",
        "level_0.dcm",
        "other_0.dcm",
    ]
    assert series_in(tmp_path / "none") == {}


@pytest.mark.parametrize("listed", ["../secret.jpg", "/etc/hostname", "", "\0", "S.vms"])
def test_a_listing_never_leads_out_of_its_folder(tmp_path, listed):
    path = tmp_path / "S.vms"
    path.write_text(f"ImageFile={listed}\n")
    assert files_of(path) == (path,)


def test_a_stamp_tells_of_any_touched_file(tmp_path):
    path = tmp_path / "S1.mrxs"
    (tmp_path / "S1").mkdir()
    for file in (path, tmp_path / "S1" / "a.dat"):
        file.write_bytes(b"content")
    before = stamp_of_slide(path)
    assert stamp_of_slide(path) == before
    os.utime(tmp_path / "S1" / "a.dat", ns=(1, 1))
    assert stamp_of_slide(path) != before
