"""What people hand in: UTF-8, GBK, UTF-16 and workbooks come to the same rows."""

from __future__ import annotations

import io
import zipfile

import pytest

from lianji.base.errors import InputError
from lianji.dictionary.sheet import sheet_of
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_table import read_sheet
from lianji.dictionary.tag_workbook import workbook_bytes

TEXT = "路径,单位,描述,下限\n厂/线1,kW,功率,0\n厂/线2,kw,错,0\n"
TAGS = [Tag(path="厂/线1", unit="kW", description_zh="功率", low=0.0)]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (TEXT.encode("gbk"), "gb18030"),
        (TEXT.replace(",", "\t").encode("utf-16"), "utf-16"),
    ],
)
def test_every_usual_encoding_is_read_and_named(content: bytes, encoding: str) -> None:
    sheet = sheet_of(content)
    assert sheet.encoding == encoding
    found = read_sheet(sheet)
    assert found.tags == TAGS
    assert [(row.line, row.path) for row in found.rejected] == [(3, "厂/线2")]


def test_what_goes_out_as_a_workbook_comes_back_the_same() -> None:
    full = Tag(
        path="a/b", device="p", address="40001", type="float32@CDAB", unit="kW", low=-1.5, high=2,
        scale=0.1, interval_ms=500, description_en="=1+1", enumeration={0: "off", 1: "on"},
    )  # fmt: skip
    tags = [full, Tag(path="厂/线", description_zh="两\n行"), Tag(path="c", address="007")]
    sheet = sheet_of(workbook_bytes(tags, {}, "en"))
    assert sheet.encoding == "xlsx"
    found = read_sheet(sheet)
    assert found.rejected == []
    assert found.tags == tags
    assert found.lines["c"] == 4


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"PK\x03\x04rest", "tag-table-format"),
        (b"\xd0\xcf\x11\xe0old", "tag-table-format"),
        (b"path\x00\n", "tag-table-encoding"),
        (b"path\n\xff\xff\xff\n", "tag-table-encoding"),
        (b"\xff\xfe\x00\xd8", "tag-table-encoding"),
    ],
)
def test_what_is_no_table_is_refused_in_plain_words(content: bytes, code: str) -> None:
    with pytest.raises(InputError) as caught:
        sheet_of(content)
    assert caught.value.code == code
    assert caught.value.cause.en and caught.value.cause.zh


def test_a_workbook_that_would_fill_the_memory_is_refused_before_it_is_unpacked() -> None:
    sink = io.BytesIO()
    with (
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("xl/sheet.xml", "w") as file,
    ):
        for _ in range(600):
            file.write(b"\0" * (1 << 20))
    with pytest.raises(InputError) as caught:
        sheet_of(sink.getvalue())
    assert caught.value.code == "tag-table-size"


def workbook_with(sheet_xml: str) -> bytes:
    """A workbook whose only sheet has this XML."""
    whole = workbook_bytes([Tag(path="a/b")], {}, "en")
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(sink, "w") as new:
        for entry in old.infolist():
            is_sheet = entry.filename == "xl/worksheets/sheet1.xml"
            new.writestr(entry.filename, sheet_xml if is_sheet else old.read(entry.filename))
    return sink.getvalue()


HEAD = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    '<dimension ref="A1:XFD1048576"/><sheetData>'
    '<row r="1"><c r="A1" t="inlineStr"><is><t>path</t></is></c></row>'
)


def test_a_workbook_that_breaks_off_in_its_rows_is_refused_as_a_whole() -> None:
    row = '<row r="2"><c r="A2" t="inlineStr"><is><t>a/b</t></is></c></row>'
    with pytest.raises(InputError) as caught:
        read_sheet(sheet_of(workbook_with(HEAD + row * 2000 + "<row")))
    assert caught.value.code == "tag-table-format"


def test_a_workbook_that_claims_to_be_huge_is_only_as_large_as_its_cells() -> None:
    cell = '<c r="A2" t="inlineStr"><is><t>a/b</t></is></c>'
    wide = f'<row r="2">{cell}<c r="XFD2"><v>1</v></c></row>'
    found = read_sheet(sheet_of(workbook_with(f"{HEAD}{wide}</sheetData></worksheet>")))
    assert found.tags == [Tag(path="a/b")]
