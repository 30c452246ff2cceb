"""A device's tags as Neuron exports them."""

from __future__ import annotations

import io

import openpyxl

from lianji.connect.drivers.modbus.address import parse_point
from lianji.connect.foreign.incoming import Incoming, Into, incoming

HEAD = ["group", "name", "address", "attribute", "type", "description", "decimal", "precision"]
INTO = Into(below="shop", file="modbus1 tags.xlsx")


def workbook(*rows: list[object], head: list[str] = HEAD) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(head)
    for row in rows:
        sheet.append(row)
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def read(*rows: list[object], into: Into = INTO) -> Incoming:
    return incoming(workbook(*rows), into)


def test_a_workbook_comes_in_as_it_is() -> None:
    found = read(
        ["line1", "power", "3!400017#BL", "Read Subscribe", "FLOAT", "有功功率", 0.1, None]
    )
    assert (found.format, found.encoding) == ("neuron", "xlsx")
    [tag] = found.imported.tags
    assert (tag.path, tag.device) == ("shop/modbus1/line1/power", "modbus1")
    assert (tag.address, tag.type, tag.scale) == ("3!400017", "float32@CDAB", 0.1)
    assert tag.description_zh == "有功功率"


def test_every_byte_order_becomes_the_same_one_of_ours() -> None:
    for said, ours in (
        ("", "ABCD"),
        ("#LL", "ABCD"),
        ("#LB", "BADC"),
        ("#BL", "CDAB"),
        ("#BB", "DCBA"),
    ):
        [tag] = read(["g", "a", f"1!400001{said}", "Read", "UINT32", "", "", ""]).imported.tags
        assert parse_point(tag.address, tag.type).detail.order == ours
    for said, ours in (("", "ABCD"), ("#L", "ABCD"), ("#B", "BADC")):
        [tag] = read(["g", "a", f"1!300001{said}", "Read", "INT16", "", "", ""]).imported.tags
        assert parse_point(tag.address, tag.type).detail.order == ours


def test_bits_strings_and_nodes() -> None:
    rows = [
        ("2!400001.15", "BIT", "2!400001.15", "bool"),
        ("1!000003", "BIT", "1!000003", "bool"),
        ("1!400001.10", "STRING", "1!400001", "string[10]"),
        ("1!400001.10L", "STRING", "1!400001", "string[10]@BA"),
        ("1!40001", "UINT16", "1!400001", "uint16"),
        ("2!Device1.Temp", "FLOAT", "ns=2;s=Device1.Temp", ""),
        ("0!2258", "UINT32", "ns=0;i=2258", ""),
    ]
    for address, kind, ours, our_type in rows:
        [tag] = read(["g", "a", address, "Read", kind, "", "", ""]).imported.tags
        assert (tag.address, tag.type) == (ours, our_type)


def test_bias_interval_and_unit_are_taken_where_a_newer_export_has_them() -> None:
    content = workbook(
        ["g", 500, "a", "1!400001", "Read", "INT16", "", 0.5, -10, "°C"],
        head=["group", "interval", "name", "address", "attribute", "type", "description", "decimal",
              "bias", "unit"],
    )  # fmt: skip
    [tag] = incoming(content, INTO).imported.tags
    assert (tag.interval_ms, tag.scale, tag.offset, tag.unit) == (500, 0.5, -10, "Cel")


def test_what_cannot_be_taken_says_why_with_its_row() -> None:
    found = read(
        ["g", "ok", "1!400001", "Read", "INT16", "", "", ""],
        ["g", "w", "1!400001", "Write", "INT16", "", "", ""],
        ["g", "s", "", "Read Static", "INT16", "", "", ""],
        ["g", "b", "1!400001", "Read", "INT8", "", "", ""],
        ["g", "d", "DB1.DBW2", "Read", "INT16", "", "", ""],
        ["g", "e", "1!400001.10E", "Read", "STRING", "", "", ""],
        ["g", "n", "1!400001.10", "Read", "STRING", "", "x", ""],
    )
    assert [tag.path for tag in found.imported.tags] == ["shop/modbus1/g/ok"]
    assert [row.line for row in found.imported.rejected] == [3, 4, 5, 6, 7, 8]
    said = [row.reason.en for row in found.imported.rejected]
    for words, text in zip(
        ("only written", "static", "'INT8'", "no Modbus", "one byte", "decimal"), said, strict=True
    ):
        assert words in text
    assert all(row.reason.zh for row in found.imported.rejected)


def test_the_csv_of_the_same_table_is_known_too() -> None:
    text = ",".join(HEAD) + "\nline1,power,1!400001,Read,FLOAT,,,\n"
    found = incoming(text.encode(), Into(device="m"))
    assert (found.format, found.imported.tags[0].path) == ("neuron", "m/line1/power")
