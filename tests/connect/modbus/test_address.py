"""What people write in a tag table, and where it lies."""

from __future__ import annotations

import pytest

from lianji.connect.drivers.modbus.address import Form, Space, parse_address, parse_point


@pytest.mark.parametrize(
    ("address", "space", "start", "bit"),
    [
        ("40001", (1, 3), 0, None),
        ("49999", (1, 3), 9998, None),
        ("400001", (1, 3), 0, None),
        ("465536", (1, 3), 65535, None),
        ("4x1", (1, 3), 0, None),
        ("30010", (1, 4), 9, None),
        ("10003", (1, 2), 2, None),
        ("00001", (1, 1), 0, None),
        ("000017", (1, 1), 16, None),
        ("hr:0", (1, 3), 0, None),
        ("HR:65535", (1, 3), 65535, None),
        ("ir:10", (1, 4), 10, None),
        ("co:3", (1, 1), 3, None),
        ("di:7", (1, 2), 7, None),
        ("5!40001", (5, 3), 0, None),
        (" 5!ir:2 ", (5, 4), 2, None),
        ("40010.3", (1, 3), 9, 3),
        ("7!hr:9.15", (7, 3), 9, 15),
    ],
)
def test_an_address_is_understood(
    address: str, space: tuple[int, int], start: int, bit: int | None
) -> None:
    assert parse_address(address, unit_id=1) == (Space(*space), start, bit)


@pytest.mark.parametrize(
    ("address", "type_name", "words"),
    [
        ("", "int16", "not a Modbus address"),
        ("1", "bool", "not a Modbus address"),
        ("40000", "int16", "outside the 65536"),
        ("465537", "int16", "outside the 65536"),
        ("hr:65536", "int16", "outside the 65536"),
        ("hr:65535", "float32", "beyond the last register"),
        ("20001", "int16", "not a Modbus address"),
        ("300!40001", "int16", "not between 0 and 255"),
        ("40001.16", "bool", "0 to 15"),
        ("00001.3", "bool", "only a register has bits"),
        ("40001.3", "int16", "one bit is a bool"),
        ("co:3", "float32", "one bit is a bool"),
        ("40001", "bool", "needs its bit"),
        ("40001", "", "not a type"),
        ("40001", "float16", "not a type"),
        ("40001", "float32@ABDC", "the order is one of"),
        ("40001", "float32[2]", "only a string has a length"),
        ("40001", "string", "tells its characters"),
        ("40001", "string[0]", "tells its characters"),
        ("40001", "string[251]", "tells its characters"),
    ],
)
def test_a_wrong_address_or_type_is_told_in_plain_words(
    address: str, type_name: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        parse_point(address, type_name)


def test_a_type_may_name_its_own_order_and_else_has_the_devices() -> None:
    own = parse_point("40001", "float32@CDAB", order="DCBA")
    inherited = parse_point("40001", "float32", order="DCBA")
    assert (own.detail.order, inherited.detail.order) == ("CDAB", "DCBA")


def test_a_string_fills_half_as_many_registers_and_keeps_its_bytes_in_line() -> None:
    point = parse_point("40001", "string[15]", order="DCBA")
    assert point.span == 8
    assert point.detail == Form("string", "ABCD", length=15)
    assert parse_point("40001", "string[15]@BA").detail.order == "BADC"


def test_a_string_has_no_scale() -> None:
    with pytest.raises(ValueError, match="neither scale nor offset"):
        parse_point("40001", "string[4]", scale=2.0)


def test_a_bit_needs_no_type() -> None:
    assert parse_point("co:3", "").detail.kind == "bool"
    assert parse_point("40001.3", "").detail == Form("bool", bit=3)
