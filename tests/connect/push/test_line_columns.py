"""The law of the columns: whatever the bytes, they give what the grammar gives line by line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lianji.connect.push import line_protocol
from lianji.connect.push.line_protocol import parse_line_by_line, parse_lines
from lianji.connect.push.parsed import Parsed, Precision

NOW = 1_750_000_000_000_000
PIECES = [
    *(b"m", b"cpu", b",a=b", b",k=1", b" v=", b" f=", b"=", b",", b" ", b"\n", b"\r\n", b"\r"),
    *(b"#", b'"', b"\\", b"\t", b"\x00", b"\xff", b"\xc3\xa9", b"/", b";", b"%2F"),
    *(b"1", b"-", b"+", b".", b"e5", b"i", b"u", b"x", b"nan", b"inf", b"true", b"f", b"T"),
    *(b"9" * 19, b"0x1F", b"1e400", b" 1700000000000000000", b" -1", b" 0", b"m v=1\n"),
]  # fmt: skip
NAMES = st.sampled_from([b"m", b"cpu", b"a b", b"x,y", b"k=v", b"t/u", b'q"', b"\xe6\xb8\xa9", b""])
VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(lambda number: repr(number).encode()),
    st.integers(-(2**63), 2**63 - 1).map(b"%di".__mod__),
    st.integers(0, 2**64).map(b"%du".__mod__),
    st.sampled_from([b"t", b"False", b"TRUE", b'"a\nb"', b'"\\""', b"1.", b"nan", b"-"]),
)
PRECISIONS: st.SearchStrategy[Precision] = st.sampled_from(["ns", "us", "ms", "s"])


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """Lines that are mostly right, with escapes where they belong and sometimes a byte of noise."""
    line = _escaped(draw(NAMES))
    for _ in range(draw(st.integers(0, 2))):
        line += b"," + _escaped(draw(NAMES)) + b"=" + _escaped(draw(NAMES))
    fields = draw(st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=4))
    line += b" " + b",".join(_escaped(name) + b"=" + value for name, value in fields)
    if draw(st.booleans()):
        line += b" %d" % draw(st.integers(-(2**64), 2**64) | st.integers(0, 2_000_000_000))
    if draw(st.integers(0, 9)) == 0:
        place = draw(st.integers(0, len(line)))
        line = line[:place] + draw(st.sampled_from(PIECES)) + line[place:]
    return line


def _escaped(name: bytes) -> bytes:
    for special in (b",", b"=", b" "):
        name = name.replace(special, b"\\" + special)
    return name


def assert_same(fast: Parsed, slow: Parsed) -> None:
    assert [fast.paths[i] for i in fast.path_index] == [slow.paths[i] for i in slow.path_index]
    assert sorted(fast.paths) == sorted(slow.paths)
    np.testing.assert_array_equal(fast.times_us, slow.times_us)
    np.testing.assert_array_equal(fast.values, slow.values)
    assert fast.texts == slow.texts
    assert fast.rejected == slow.rejected
    assert fast.rejected_count == slow.rejected_count


@settings(max_examples=400)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join), PRECISIONS)
@example(b"m v=0x10", "ns")
@example(b"m v=1 0x10\nm v=1 10", "ns")
@example(b"m v=\r\n", "ns")
@example(b"m v=-1u,w=1u", "ns")
@example(b"m v=\t,w=1\nm v=1", "ns")
def test_columns_agree_with_the_grammar_on_noise(body: bytes, precision: Precision) -> None:
    assert_same(
        parse_lines(body, precision, NOW, "p/"), parse_line_by_line(body, precision, NOW, "p/")
    )


@settings(max_examples=250)
@given(st.lists(lines(), max_size=12).map(b"\n".join), PRECISIONS, st.sampled_from([10, 1 << 22]))
def test_columns_agree_with_the_grammar_on_lines(
    body: bytes, precision: Precision, chunk: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_protocol, "_CHUNK_BYTES", chunk)
        fast = parse_lines(body, precision, NOW)
    assert_same(fast, parse_line_by_line(body, precision, NOW))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_every_float_comes_back_to_the_last_bit(numbers: list[float]) -> None:
    body = "\n".join(f"m v={number!r} 1" for number in numbers).encode()
    assert parse_lines(body, "ns", NOW).values.tobytes() == np.array(numbers).tobytes()
