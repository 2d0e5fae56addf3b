"""By which names of tags and by which texts private things are recognised."""

from __future__ import annotations

import re
from enum import StrEnum


class PrivacyKind(StrEnum):
    """Kinds of findings."""

    LABEL_IMAGE = "label_image"
    MACRO_IMAGE = "macro_image"
    THUMBNAIL_IMAGE = "thumbnail_image"
    OTHER_IMAGE = "other_image"
    NAME = "name"
    OPERATOR = "operator"
    DATE = "date"
    PATIENT_ID = "patient_id"
    ACCESSION_NUMBER = "accession_number"
    IDENTIFIER = "identifier"
    DEVICE = "device"
    PLACE = "place"
    CONTACT = "contact"


_EDGES = r"(?<![A-Za-z0-9])(?:{})(?![A-Za-z0-9])"
_DAY = r"(?:0[1-9]|[12]\d|3[01])"
_MONTH = r"(?:0[1-9]|1[0-2])"
_MONTH_NAME = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_YEAR = r"(?:19|20)\d{2}"
_THINGS = "slide|specimen|case|block|image|container|order|study|project|sample"

# a tag has the first kind that fits its name, of which letters and digits are kept, in lower case
TAG_RULES = tuple(
    (kind, re.compile("|".join(patterns)))
    for kind, *patterns in (
        (PrivacyKind.ACCESSION_NUMBER, "accession"),
        (
            PrivacyKind.DATE,
            r"(patient|specimen|subject).*(birth|date)",
            r"birthdate|(patient|subject)s?age",
        ),
        (
            PrivacyKind.NAME,
            r"^patient$|(patient|subject).*name|mothersbirthname|familyname|givenname",
            r"(physician|performing|requesting|referring|reading).*name|nameofphysician",
        ),
        (
            PrivacyKind.PATIENT_ID,
            r"(patient|subject).*(ids?|number)$|mrn$|medicalrecord|issuerofpatientid",
        ),
        (PrivacyKind.CONTACT, r"(patient|subject).*(address|telephone|phone|email)"),
        (PrivacyKind.IDENTIFIER, r"^(patient|subject)"),
        (
            PrivacyKind.OPERATOR,
            r"operator|username|^user$|userid|artist|author|creator$",
            r"technician|observer|scannedby",
        ),
        (
            PrivacyKind.PLACE,
            r"gps|institution(name|address)|hospital|stationname|hostcomputer|department",
        ),
        (
            PrivacyKind.DATE,
            r"(date|datetime|timestamp)$|^(date|datetime)|date(time)?of|dateandtime",
            r"^(time|created|updated|modified)$|(start|end|scan)time$",
            r"creationdate|(acquisition|study|series|content)(date|time)",
        ),
        (
            PrivacyKind.IDENTIFIER,
            rf"barcode|({_THINGS})(id|name|number|identifier|no)$|placerorder|fillerorder",
            r"^(title|filename|documentname|imagetitle|reference|project)$",
        ),
        (
            PrivacyKind.DEVICE,
            r"serialnumber$|^(scanscopeid|scannerid|unitnumber|deviceid|serial)$|sn$",
        ),
    )
)

_DATES = (
    rf"{_YEAR}{_MONTH}{_DAY}(?:\d{{4,6}}(?:\.\d+)?)?",
    rf"{_YEAR}([-/_:])\d{{1,2}}\1\d{{1,2}}(?:T\d{{2}}.*?)?",
    rf"{_YEAR}\.{_MONTH}\.{_DAY}",
    rf"\d{{1,2}}([-/])\d{{1,2}}\1(?:{_YEAR}|\d{{2}})",
    rf"\d{{1,2}}([._])\d{{1,2}}\1{_YEAR}",
    rf"\d{{1,2}}[-. _]*{_MONTH_NAME}[-., _]*{_YEAR}",
    rf"{_MONTH_NAME}[-. _]*\d{{1,2}}[-., _]+{_YEAR}",
    rf"{_DAY}{_MONTH}{_YEAR}",
)
_EXACT = (
    (PrivacyKind.ACCESSION_NUMBER, r"[A-Za-z]{1,3}[-_ ]?(?:19|20)?\d{2}[-_ ]\d{3,7}"),
    (PrivacyKind.ACCESSION_NUMBER, r"\d{2}[A-Z]{1,2}[-_]?\d{4,7}"),
    (PrivacyKind.PATIENT_ID, r"\d{3}-\d{2}-\d{4}"),
    (PrivacyKind.NAME, r"[A-Za-z]{2,}\^[A-Za-z]+"),
    (PrivacyKind.CONTACT, r"[\w.+-]+@[\w-]+\.[\w.]+"),
)
_ANY_CASE = (
    *((PrivacyKind.DATE, pattern) for pattern in _DATES),
    (
        PrivacyKind.ACCESSION_NUMBER,
        r"acc(?:ession)?(?:[ _]?(?:no|nr|number|#))?[.:= _#-]+\w*\d\w*",
    ),
    (PrivacyKind.PATIENT_ID, r"(?:mrn|patient[ _-]?(?:id|no|nr|number)?|pid)[.:= _#-]*\d+"),
    (PrivacyKind.NAME, r"(?:patient|name|surname)[ _]*[:=][ _]*[a-z]\w+"),
    (PrivacyKind.NAME, r"(?:mrs?|ms|dr|herr|frau)[._ ]+[a-z][a-z]+"),
)
TEXT_RULES = (
    *((kind, re.compile(_EDGES.format(pattern))) for kind, pattern in _EXACT),
    *((kind, re.compile(_EDGES.format(pattern), re.IGNORECASE)) for kind, pattern in _ANY_CASE),
)

LONG_NUMBER = re.compile(_EDGES.format(r"\d{7,12}"))
# two words with capitals and nothing but a comma or underscore between them: Doe_Jane, DOE, JANE
_WORD = r"([A-Z][a-z]+|[A-Z]{3,})"
TWO_WORDS = re.compile(rf"(?<![A-Za-z0-9-]){_WORD}(?:, ?|_|\^){_WORD}(?![A-Za-z0-9-])")
# words of slide names that are no names of people
NO_NAMES = frozenset(
    {"aperio", "biopsy", "block", "blood", "bone", "brain", "breast", "cell", "cells", "colon"}
    | {"copy", "core", "export", "frozen", "gastric", "heart", "ihc", "image", "kidney", "leica"}
    | {"level", "liver", "lung", "lymph", "node", "normal", "ovary", "pas", "philips", "prostate"}
    | {"region", "resection", "roi", "scan", "section", "skin", "slide", "small", "spleen"}
    | {"stain", "tcga", "test", "thyroid", "tile", "tissue", "tumor", "tumour", "uterus", "wsi"}
)

PLACEHOLDERS = frozenset(
    {"", "0", "anonymous", "anonymized", "anonymised", "deidentified", "empty", "n/a", "na", "no"}
    | {"none", "null", "removed", "unknown", "undefined", "-"}
)
FREE_TEXT = re.compile(r"description|comment|remark|note|title|label|text|history|copyright")
NO_FINDING = re.compile(r"software|version|uid$|digest|hash|^exposure|^roi")
