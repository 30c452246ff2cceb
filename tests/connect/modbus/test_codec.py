"""Decoding, held against the standard library's struct."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianji.connect.driver import Block, Point
from lianji.connect.drivers.modbus.address import parse_point
from lianji.connect.drivers.modbus.codec import decode
from lianji.dictionary.quality import Quality

FORMATS = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "int64": ">q",
    "uint64": ">Q",
    "float32": ">f",
    "float64": ">d",
}
ORDERS = ["ABCD", "CDAB", "BADC", "DCBA"]
SCALES = st.sampled_from([(1.0, 0.0), (0.1, 0.0), (-2.0, 40.0)])


def block_of(points: list[Point]) -> Block:
    start = min(point.start for point in points)
    end = max(point.end for point in points)
    numbers = np.arange(len(points), dtype=np.int32)
    return Block(points[0].space, start, end, tuple(points), numbers)


def on_the_wire(canonical: bytes, order: str) -> bytes:
    """The registers of a value, as a device with this order sends them."""
    words = [canonical[at : at + 2] for at in range(0, len(canonical), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    return b"".join(words)


@st.composite
def blocks(draw: st.DrawFn) -> tuple[Block, bytes, list[float]]:
    """A block of numbers of all types and orders with gaps, its answer, its true values."""
    start = at = draw(st.integers(0, 60_000))
    points, raw, wanted = [], b"", []
    for _ in range(draw(st.integers(1, 20))):
        kind, order = draw(st.sampled_from(sorted(FORMATS))), draw(st.sampled_from(ORDERS))
        scale, offset = draw(SCALES)
        gap = draw(st.binary(max_size=4)) if points else b""
        raw += gap[: len(gap) // 2 * 2]
        at = start + len(raw) // 2
        size = struct.calcsize(FORMATS[kind])
        canonical = draw(st.binary(min_size=size, max_size=size))
        raw += on_the_wire(canonical, order)
        points.append(parse_point(f"hr:{at}", f"{kind}@{order}", scale=scale, offset=offset))
        (value,) = struct.unpack(FORMATS[kind], canonical)
        wanted.append((float(value) / 10 if scale == 0.1 else float(value) * scale) + offset)
    return block_of(points), raw, wanted


@given(blocks())
def test_every_type_and_order_decodes_as_struct_does(
    case: tuple[Block, bytes, list[float]],
) -> None:
    block, raw, wanted = case
    columns = decode(block, raw, 1_700_000_000_000_000)
    for value, quality, true in zip(columns.values, columns.quality, wanted, strict=True):
        if math.isnan(true):
            assert math.isnan(value) and quality == Quality.BAD_SENSOR_FAILURE
        elif math.isinf(true):
            assert math.isnan(value) and quality == Quality.BAD_OUT_OF_RANGE
        else:
            assert value == true and quality == Quality.GOOD
    assert columns.texts is None
    assert list(columns.numbers) == list(range(len(wanted)))
    assert set(columns.times_us) == {1_700_000_000_000_000}


@given(st.integers(0, 0xFFFF), st.sampled_from(["AB", "BA"]))
def test_each_bit_of_a_register_is_counted_from_the_lowest(register: int, order: str) -> None:
    points = [parse_point(f"hr:5.{bit}", f"bool@{order}") for bit in range(16)]
    raw = struct.pack(">H" if order == "AB" else "<H", register)
    values = decode(block_of(points), raw, 0).values
    assert list(values) == [register >> bit & 1 for bit in range(16)]


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_coils_are_packed_eight_a_byte_lowest_first(bits: list[bool]) -> None:
    points = [parse_point(f"co:{100 + at}", "bool") for at in range(len(bits))]
    raw = np.packbits(np.array(bits), bitorder="little").tobytes()
    assert list(decode(block_of(points), raw, 0).values) == bits


@pytest.mark.parametrize(
    ("order", "octets", "text"),
    [
        ("AB", b"Pump 7\0\0", "Pump 7"),
        ("BA", b"uPpm7 \0\0", "Pump 7"),
        ("AB", b"abcdefgh", "abcdefgh"),
        ("AB", b"abc\0junk", "abc"),
        ("AB", "泵房".encode() + b"  ", "泵房"),
        ("AB", "注塑机".encode("gb18030") + b"\0\0", "注塑机"),
        ("AB", b"\0" * 8, ""),
    ],
)
def test_a_string_ends_at_nul_and_loses_its_padding(order: str, octets: bytes, text: str) -> None:
    point = parse_point("hr:0", f"string[8]@{order}")
    columns = decode(block_of([point]), octets, 0)
    assert columns.texts == [text]
    assert np.isnan(columns.values[0]) and columns.quality[0] == Quality.GOOD


def test_an_odd_string_stops_before_the_last_byte() -> None:
    columns = decode(block_of([parse_point("hr:0", "string[3]")]), b"abcd", 0)
    assert columns.texts == ["abc"]


def test_numbers_strings_and_bits_of_one_block_keep_the_order_of_their_points() -> None:
    addresses = [
        ("hr:0", "string[2]"),
        ("hr:4", "float32"),
        ("hr:1.9", "bool"),
        ("hr:2", "float32@CDAB"),
        ("hr:1", "uint16"),
    ]
    points = [parse_point(address, kind) for address, kind in addresses]
    raw = b"OK" + b"\x02\x00" + b"\x00\x00\x41\xac" + struct.pack(">f", -1.5)
    columns = decode(block_of(points), raw, 0)
    assert columns.texts == ["OK", None, None, None, None]
    assert list(columns.values[1:]) == [-1.5, 1.0, 21.5, 512.0]
    assert not columns.quality.any()


def test_a_broken_wire_sent_as_nan_is_bad_and_its_neighbours_are_good() -> None:
    points = [parse_point(f"hr:{2 * n}", "float32") for n in range(3)]
    columns = decode(block_of(points), struct.pack(">fff", 1.0, math.nan, math.inf), 0)
    assert list(columns.quality) == [0, Quality.BAD_SENSOR_FAILURE, Quality.BAD_OUT_OF_RANGE]
    assert columns.values[0] == 1.0 and np.isnan(columns.values[1:]).all()


def test_the_layout_is_worked_out_once_a_block() -> None:
    block = block_of([parse_point("hr:0", "int16")])
    decode(block, b"\x00\x01", 0)
    layout = block.layout
    decode(block, b"\x00\x02", 0)
    assert layout is not None and block.layout is layout


def test_a_tenth_is_a_tenth() -> None:
    block = block_of([parse_point("hr:0", "uint16", scale=0.1)])
    assert decode(block, b"\x01\x75", 0).values.tolist() == [37.3]
