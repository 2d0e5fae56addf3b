"""Tables as they come: packed, in other encodings and with other separators."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from pathlib import Path

import pytest

from shazam.cohort import lines, packed
from tests.cohort.tables import problems, read

TABLE = "case_id,time_months,event,site\nC1,1.5,1,A\nC2,2,0,B\n"


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def zipped(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            # without the time of day, which would be another name of the test
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        TABLE.encode("utf-32"),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace("\n", "\r").encode(),
        TABLE.replace(",", ";").encode(),
        TABLE.replace(",", "\t").encode(),
        TABLE.replace(",", "|").encode(),
        b"sep=;\n" + TABLE.replace(",", ";").encode(),
        b"#a comment, of two\n#and\tmore\n" + TABLE.encode(),
        b",case_id,time_months,event,site\n0,C1,1.5,1,A\n1,C2,2,0,B\n",
        gzipped(TABLE.encode()),
        gzipped(TABLE[:30].encode()) + gzipped(TABLE[30:].encode()),
        zipped(("a.csv", TABLE.encode())),
        zipped(("../../../etc/a.csv.zip", TABLE.encode())),
        zipped(
            ("d/", b""), ("__MACOSX/._a.csv", b"x"), (".DS_Store", b"x"), ("/a", TABLE.encode())
        ),
    ],
)
def test_a_table_is_the_same_however_it_is_packed_and_written(
    tmp_path: Path, content: bytes
) -> None:
    cohort = read(tmp_path, content, name="no.suffix")
    found = [(case.case_id, case.site, case.time_months, case.event) for case in cohort.cases]
    assert found == [("C1", "A", 1.5, True), ("C2", "B", 2.0, False)]


def encrypted() -> bytes:
    content = bytearray(zipped(("a.csv", TABLE.encode())))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def with_wrong_checksum() -> bytes:
    content = bytearray(zipped(("a.csv", TABLE.encode())))
    content[content.index(b"PK\x01\x02") + 16] ^= 0xFF
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped(("a.csv", b"x"), ("b.csv", b"y")), "holds several files ('a.csv', 'b.csv'); name"),
        (zipped(("a\x1b[2J.csv", b"x"), ("b", b"y")), r"several files ('a\x1b[2J.csv', 'b')"),
        (zipped(), "the zip archive holds no table; it holds nothing"),
        (zipped(("[Content_Types].xml", b"<a/>"), ("xl/a.xml", b"")), "an Excel workbook"),
        (zipped(("a.zip", zipped(("a.csv", TABLE.encode())))), "packed twice"),
        (gzipped(gzipped(TABLE.encode())), "packed twice"),
        (gzipped(TABLE.encode())[:-12], "cannot be unpacked"),
        (gzipped(TABLE.encode())[:5], "cannot be unpacked"),
        (zipped(("a.csv", TABLE.encode()))[:40], "cannot be unpacked"),
        (encrypted(), "'a.csv' is encrypted"),
        (with_wrong_checksum(), "cannot be unpacked (Bad CRC-32"),
        (b"PAR1" + b"\0" * 20, "a Parquet file"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 20, "an old Excel workbook"),
        (b"BZh91AY", "packed by bzip2"),
        (TABLE.encode("utf-16-le"), "holds zero bytes"),
        (TABLE.encode().replace(b"C1", b"C\xff"), "not UTF-8 text (byte "),
        (TABLE.encode("utf-16")[:-1], "not UTF-16 text (byte "),
        (b"#only\n#comments\n", "the table is empty"),
        (b"x,case_id\nC1,\n", "column 'time_months' is missing"),
        (b",case_id,time_months,event\nfirst,C1,1,1\n", "line 1: a column has no name"),
        (b"case_id,event,event,time_months\nC1,1,1,1\n", "column 'event' stands 2 times"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    assert message in "\n".join(problems(tmp_path, content))


def test_a_member_is_chosen_by_its_name(tmp_path: Path) -> None:
    both = zipped(("x/a.csv", TABLE.encode()), ("readme.txt", b"hello"))
    assert len(read(tmp_path, both, member="x/a.csv").cases) == 2
    assert "holds 0 files 'a.csv'" in problems(tmp_path, both, member="a.csv")[0]
    assert "but this is none" in problems(tmp_path, TABLE, member="a.csv")[0]


def bomb(n_bytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(b"," * n_bytes) + packer.flush()


@pytest.mark.parametrize("content", [bomb(1 << 21), zipped(("a.csv", b"," * (1 << 21)))])
def test_a_bomb_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(packed, "MAX_TABLE_BYTES", 1024 * 1024)
    assert len(content) < 20_000
    assert problems(tmp_path, content)[0].startswith("holds more than 1 MiB of text")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("," * 5_000_000, "its first line has more than"),
        ("," * 200_000, "columns; at most 100000 are read"),
        (TABLE + "," * 5_000_000 + "\n", "line 4: not valid CSV from here on (a line of"),
        (TABLE + "1\n" * 100_000, "too many rows do not fit its header"),
    ],
)
def test_a_table_without_measure_is_not_read_on(tmp_path: Path, text: str, message: str) -> None:
    assert any(message in problem for problem in problems(tmp_path, gzipped(text.encode())))


def test_a_header_of_many_genes_is_read(tmp_path: Path) -> None:
    genes = ",".join(f"GENE{number}_rnaseq" for number in range(20_000))
    values = "," + ",".join(["0.5"] * 20_000)
    wide = "\n".join(
        [
            f'case_id,time_months,event,site,"a;b;c;d;e;f",{genes}',
            f"C1,1.5,1,A,{values}",
            f"C2,2,0,B,{values}",
        ]
    )
    assert len(read(tmp_path, wide).cases) == 2


def test_rows_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_ROWS", 2)
    assert problems(tmp_path, TABLE + "C3,2,0,B\n")[0].startswith("line 5: more than 2 rows")


def test_notes_say_what_is_unusual(tmp_path: Path) -> None:
    cohort = read(tmp_path, ("#c\n" + TABLE.replace(",", ";")).encode("utf-16"))
    said = " ".join(cohort.notes)
    for part in ("UTF-16", "separated by semicolons", "1 line(s) of comment"):
        assert part in said
    assert read(tmp_path, TABLE).notes == ()
