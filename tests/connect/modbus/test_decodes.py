"""The word-order helper finds what a person means."""

from __future__ import annotations

import struct

import pytest

from lianji.connect.drivers.modbus.decodes import ORDERS, readings

NEIGHBOUR = struct.pack(">f", 51.25)


def sent(value: float, form: str, order: str) -> bytes:
    """A value as a device of this order sends it."""
    octets = struct.pack(">" + form, value)
    words = [octets[at : at + 2] for at in range(0, len(octets), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    return b"".join(words)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("value", [23.5, 228.73, -12.3, 1013.2, 0.75, 49.98, 380.0])
def test_a_float_of_any_order_comes_first(value: float, order: str) -> None:
    name = "float32" if order == "ABCD" else f"float32@{order}"
    best = readings(sent(value, "f", order) + NEIGHBOUR)[0]
    assert best.type == name
    assert best.value == pytest.approx(value)


@pytest.mark.parametrize("order", ORDERS)
def test_what_the_display_shows_finds_a_counter(order: str) -> None:
    best = readings(sent(1_234_567, "I", order), expected=1_234_567)[0]
    assert best.value == 1_234_567 and best.type.partition("@")[0] in ("int32", "uint32")


def test_what_the_display_shows_finds_the_scale() -> None:
    best = readings(struct.pack(">HH", 235, 9), expected=23.5)[0]
    assert (best.type.removeprefix("u"), best.value, best.scale) == ("int16", 235, 0.1)


def test_every_type_and_order_is_listed_once() -> None:
    types = [reading.type for reading in readings(bytes(range(1, 9)))]
    assert len(types) == len(set(types)) == 2 * 2 + 4 * 6
    assert {t.partition("@")[0] for t in types} == {
        "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64",
    }  # fmt: skip
    assert len(readings(b"\x00\x01")) == 4


def test_not_a_number_is_no_value_and_comes_last() -> None:
    last = readings(b"\x7f\xc0\x00\x00")[-1]
    assert (last.type.partition("@")[0], last.value, last.likely) == ("float32", None, 0.0)


@pytest.mark.parametrize("raw", [b"", b"\x01", bytes(10)])
def test_other_lengths_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="two to eight bytes"):
        readings(raw)
