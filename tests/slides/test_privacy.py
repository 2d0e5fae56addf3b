import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.slides.privacy import find_privacy


def kinds(tags=(), images=(), name="slide.svs"):
    found = find_privacy(dict(tags), associated_images=images, file_name=name)
    return [(finding.kind.value, finding.place) for finding in found]


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("aperio.Date", "date"),
        ("aperio.Time", "date"),
        ("aperio.User", "operator"),
        ("aperio.Filename", "identifier"),
        ("aperio.ScanScope ID", "device"),
        ("dicom.PatientName", "name"),
        ("dicom.PatientID", "patient_id"),
        ("dicom.OtherPatientIDs[0]", "patient_id"),
        ("dicom.PatientBirthDate", "date"),
        ("dicom.PatientAddress", "contact"),
        ("dicom.PatientSex", "identifier"),
        ("dicom.AccessionNumber", "accession_number"),
        ("dicom.ReferringPhysicianName", "name"),
        ("dicom.OperatorsName", "operator"),
        ("dicom.StudyDate", "date"),
        ("dicom.AcquisitionDateTime", "date"),
        ("dicom.InstitutionName", "place"),
        ("dicom.ContainerIdentifier", "identifier"),
        ("dicom.SpecimenDescriptionSequence[0].SpecimenIdentifier", "identifier"),
        ("dicom.DeviceSerialNumber", "device"),
        ("hamamatsu.Created", "date"),
        ("hamamatsu.NDP.S/N", "device"),
        ("leica.creation-date", "date"),
        ("leica.barcode", "identifier"),
        ("mirax.GENERAL.SLIDE_NAME", "identifier"),
        ("mirax.GENERAL.SLIDE_CREATIONDATETIME", "date"),
        ("philips.DICOM_ACQUISITION_DATETIME", "date"),
        ("philips.PIM_DP_UFS_BARCODE", "identifier"),
        ("philips.PIM_DP_SCANNER_OPERATOR_ID", "operator"),
        ("ventana.UserName", "operator"),
        ("ventana.Barcode1D", "identifier"),
        ("zeiss.Information.User.Name", "operator"),
        ("tiff.DateTime", "date"),
        ("tiff.Artist", "operator"),
        ("exif.GPSInfo", "place"),
    ],
)
def test_a_tag_is_named_with_its_kind_whatever_it_says(tag, kind):
    assert kinds({tag: "something"}) == [(kind, tag)]
    assert kinds({tag: "ANONYMOUS"}) == []
    assert kinds({tag: " "}) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("scanned 2021-03-14", "date"),
        ("|Date = 12/29/09|", "date"),
        ("born 3 Mar 1950", "date"),
        ("14.03.2021", "date"),
        ("20210314", "date"),
        ("case S21-12345", "accession_number"),
        ("Accession no: 778899", "accession_number"),
        ("MRN 00123456", "patient_id"),
        ("Patient: Jane", "name"),
        ("DOE^JANE", "name"),
        ("ask jane.doe@example.org", "contact"),
    ],
)
def test_free_text_is_searched(text, kind):
    assert (kind, "tiff.ImageDescription") in kinds({"tiff.ImageDescription": text})


@pytest.mark.parametrize(
    "tags",
    [
        {"aperio.OriginalWidth": "46000", "aperio.Left": "25.691574", "aperio.Parmset": "USM"},
        {"tiff.Software": "NDP.scan 2.5.89", "dicom.SoftwareVersions": "11.10.2023"},
        {"tiff.ImageDescription": "Aperio Image Library v11.0.37\n4443x3567 (256x256) J2K/KDU"},
        {"openslide.mpp-x": "0.25", "openslide.quickhash-1": "20210314" * 8},
        {"dicom.StudyInstanceUID": "1.2.840.20210314.1", "dicom.ImageType[0]": "ORIGINAL"},
        {"hamamatsu.XOffsetFromSlideCentre": "12538720", "hamamatsu.roi.barcode.macro": "9,8"},
    ],
)
def test_what_tells_nothing_of_a_patient_is_no_finding(tags):
    assert kinds(tags) == []


def test_images_beside_the_slide_are_named():
    assert kinds(images=("label", "macro", "thumbnail", "port")) == [
        ("label_image", "associated image 'label'"),
        ("macro_image", "associated image 'macro'"),
        ("thumbnail_image", "associated image 'thumbnail'"),
        ("other_image", "associated image 'port'"),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Doe_Jane_1950-01-01.svs", {"name", "date"}),
        ("DOE^JANE.dcm", {"name"}),
        ("S21-12345_A1.svs", {"accession_number"}),
        ("case_MRN00123456.svs", {"patient_id"}),
        ("2021-03-14 10.22.33.ndpi", {"date"}),
        ("12345678.ndpi", {"identifier"}),
        ("CMU-1-Small-Region.svs", set()),
        ("TCGA-CR-7395-01A-01-TS1.svs", set()),
        ("GTEX-1117F-0126.svs", set()),
        ("HE_Lung.svs", set()),
        ("slide_01.svs", set()),
    ],
)
def test_file_names_are_searched(name, expected):
    found = kinds(name=name)
    assert {kind for kind, _ in found} == expected
    assert {place for _, place in found} <= {"file name"}


def test_a_comment_that_only_repeats_a_tag_is_told_once():
    text = "scanned 2021-03-14"
    both = {"tiff.ImageDescription": text, "openslide.comment": text}
    assert kinds(both) == [("date", "tiff.ImageDescription")]
    assert kinds({"openslide.comment": text}) == [("date", "openslide.comment")]


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    st.dictionaries(st.text(max_size=30), st.text(max_size=80), max_size=4), st.text(max_size=40)
)
def test_a_finding_never_repeats_what_it_found(tags, name):
    for _, place in kinds(tags, name=name):
        assert place in {*tags, "file name"}
