"""Arrow IPC: what is taken, what is refused, and that no bytes harm the process."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianji.base.errors import InputError
from lianji.connect.push import ipc_size
from lianji.connect.push.arrow_ipc import ArrowParser, parse_arrow
from lianji.connect.push.parsed import BODY_BYTES_MAX

TIME = 1_700_000_000_000_000


def body_of(
    columns: dict[str, Any], *, compression: str | None = None, file: bool = False, rows: int = 1000
) -> bytes:
    table = pa.table(columns)
    sink = pa.BufferOutputStream()
    make = pa.ipc.new_file if file else pa.ipc.new_stream
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with make(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=rows)
    return bytes(sink.getvalue())


def columns(**changed: Any) -> dict[str, Any]:
    base = {
        "tag": pa.array(["a/x", "a/y", "a/x"]),
        "time": pa.array([TIME, TIME + 1, TIME + 2], pa.timestamp("us", "UTC")),
        "value": pa.array([1.5, None, -3.0]),
    }
    return {name: column for name, column in (base | changed).items() if column is not None}


def refusal(**changed: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        parse_arrow(body_of(columns(**changed)))
    assert caught.value.code == "arrow-invalid"
    assert caught.value.cause.zh
    return caught.value


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
@pytest.mark.parametrize("file", [False, True])
@pytest.mark.parametrize("rows", [1, 2, 1000])
@pytest.mark.parametrize("dictionary", [False, True])
def test_a_table_is_taken_however_it_is_packed(
    compression: str | None, file: bool, rows: int, dictionary: bool
) -> None:
    tags = columns()["tag"]
    tags = tags.dictionary_encode() if dictionary else tags
    body = body_of(columns(tag=tags), compression=compression, file=file, rows=rows)
    parsed = parse_arrow(body, "plant/")
    assert [parsed.paths[i] for i in parsed.path_index] == ["plant/a/x", "plant/a/y", "plant/a/x"]
    assert parsed.times_us.tolist() == [TIME, TIME + 1, TIME + 2]
    np.testing.assert_array_equal(parsed.values, [1.5, np.nan, -3.0])
    assert parsed.quality.tolist() == [0, 0, 0]
    assert parsed.texts is None
    assert not parsed.rejected


@pytest.mark.parametrize(("unit", "steps"), [("s", 10**6), ("ms", 1000), ("us", 1), ("ns", 0)])
def test_times_of_every_unit_are_taken(unit: str, steps: int) -> None:
    raw = TIME // steps if steps else TIME * 1000 + 999
    times = pa.array([raw] * 3, pa.int64()).cast(pa.timestamp(unit))
    assert parse_arrow(body_of(columns(time=times))).times_us.tolist() == [TIME] * 3


def test_plain_integers_are_microseconds() -> None:
    times = pa.array([TIME, -1, 0])
    assert parse_arrow(body_of(columns(time=times))).times_us.tolist() == [TIME, -1, 0]


@pytest.mark.parametrize(
    "kind", [pa.int8(), pa.uint16(), pa.int64(), pa.uint64(), pa.float16(), pa.float32()]
)
def test_numbers_of_every_type_are_taken(kind: pa.DataType) -> None:
    values = pa.array(np.array([1, 2, 3]).astype(kind.to_pandas_dtype()))
    assert parse_arrow(body_of(columns(value=values))).values.tolist() == [1.0, 2.0, 3.0]


def test_large_integers_become_the_nearest_float() -> None:
    values = pa.array([2**63 - 1, -(2**63), None])
    assert parse_arrow(body_of(columns(value=values))).values.tolist()[:2] == [2.0**63, -(2.0**63)]


def test_booleans_are_one_and_zero() -> None:
    parsed = parse_arrow(body_of(columns(value=pa.array([True, False, None]))))
    np.testing.assert_array_equal(parsed.values, [1.0, 0.0, np.nan])


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary("int8", "string")])
@pytest.mark.parametrize("name", ["value", "text"])
def test_strings_are_texts(kind: pa.DataType, name: str) -> None:
    texts = pa.array(["on", None, "停机"]).cast(kind)
    parsed = parse_arrow(body_of(columns(**{"value": None, name: texts})))
    assert parsed.texts is not None
    assert parsed.texts.type == pa.string()
    assert parsed.texts.to_pylist() == ["on", None, "停机"]
    assert np.isnan(parsed.values).all()


def test_quality_is_the_high_half_of_a_status_code() -> None:
    high = pa.array([0, 0x8031, 0x4000], pa.uint16())
    whole = pa.array([0, 0x80310000, 0x40000001], pa.uint32())
    for quality in (high, whole):
        parsed = parse_arrow(body_of(columns(quality=quality)))
        assert parsed.quality.dtype == np.uint16
        assert parsed.quality.tolist() == [0, 0x8031, 0x4000]


def test_only_the_tags_that_occur_become_paths() -> None:
    tags = pa.DictionaryArray.from_arrays(pa.array([2, 2, 0]), ["b", "never/used", "b", "a"])
    parsed = parse_arrow(body_of(columns(tag=tags)))
    assert parsed.paths == ["b"]
    assert parsed.path_index.tolist() == [0, 0, 0]


def test_batches_with_different_dictionaries_are_joined() -> None:
    sink = pa.BufferOutputStream()
    schema = pa.table(columns(tag=columns()["tag"].dictionary_encode())).schema
    with pa.ipc.new_stream(sink, schema) as writer:
        for tags in (["a", "b", "a"], ["c", "b", "c"]):
            part = columns(tag=pa.array(tags).dictionary_encode())
            writer.write_batch(pa.record_batch(part, schema=schema))
    parsed = parse_arrow(bytes(sink.getvalue()))
    assert [parsed.paths[i] for i in parsed.path_index] == list("abacbc")


def test_an_empty_table_is_an_empty_batch() -> None:
    table = pa.table(columns()).slice(0, 0)
    for rows in ({name: table.column(name) for name in table.column_names}, columns()):
        body = body_of(rows)
        parsed = parse_arrow(body)
        assert len(parsed) == len(parsed.values) == len(parsed.times_us)
    stream = pa.BufferOutputStream()
    pa.ipc.new_stream(stream, table.schema).close()
    assert len(parse_arrow(bytes(stream.getvalue()))) == 0


def test_nulls_are_refused_where_they_mean_nothing() -> None:
    assert "tag" in refusal(tag=pa.array(["a", None, "b"])).cause.en
    holed = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0]), pa.array(["a", None]))
    assert "tag" in refusal(tag=holed).cause.en
    assert "time" in refusal(time=pa.array([1, None, 2])).cause.en
    assert "quality" in refusal(quality=pa.array([1, None, 2], pa.uint16())).cause.en


def test_wrong_columns_are_refused_by_name() -> None:
    assert "temperature" in refusal(temperature=pa.array([1, 2, 3])).cause.en
    refusal(tag=None)
    refusal(time=None)
    assert "neither" in refusal(value=None).cause.en
    assert "although" in refusal(value=pa.array(["a"] * 3), text=pa.array(["a"] * 3)).cause.en


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("tag", pa.array([1, 2, 3])),
        ("time", pa.array([1.0, 2.0, 3.0])),
        ("time", pa.array([1, 2, 3], pa.int32())),
        ("value", pa.array([[1], [2], [3]])),
        ("value", pa.nulls(3)),
        ("quality", pa.array([0, 0, 0])),
        ("text", pa.array([1, 2, 3])),
    ],
)
def test_wrong_types_are_refused_by_name(name: str, column: pa.Array) -> None:
    assert f"column {name}" in refusal(**{name: column}).cause.en


def test_a_wrong_tag_path_is_refused_and_named() -> None:
    assert "a//b" in refusal(tag=pa.array(["a", "a//b", "c"])).cause.en
    refusal(tag=pa.array(["a", "x" * 300, "c"]))


def test_a_time_out_of_range_is_refused_with_its_row() -> None:
    assert "row 2" in refusal(time=pa.array([TIME, TIME * 1000, TIME])).cause.en
    assert "row 3" in refusal(time=pa.array([0, 1, 2**62], pa.timestamp("s"))).cause.en


@pytest.mark.parametrize("body", [b"", b"x", b"m v=1 1\n", b"ARROW1\0\0", b"\xff" * 64, b"\0" * 64])
def test_what_is_not_arrow_is_refused(body: bytes) -> None:
    with pytest.raises(InputError):
        parse_arrow(body)


def test_a_body_above_the_limit_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        parse_arrow(b"\0" * (BODY_BYTES_MAX + 1))
    assert caught.value.code == "body-too-large"


def test_a_compression_bomb_is_refused_before_it_is_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ipc_size, "EXPANDED_BYTES_MAX", 4 << 20)
    rows = 1_000_000
    body = body_of(
        {"tag": pa.array(["a"]).take(pa.array(np.zeros(rows, np.int32))).dictionary_encode(),
         "time": np.zeros(rows, np.int64), "value": np.zeros(rows)},
        compression="zstd", rows=rows,
    )  # fmt: skip
    assert len(body) < 100_000
    allocated = pa.total_allocated_bytes()
    with pytest.raises(InputError) as caught:
        parse_arrow(body)
    assert "decompressed" in caught.value.cause.en
    assert pa.total_allocated_bytes() <= allocated + 1_000_000


def test_a_buffer_that_lies_about_its_size_is_refused() -> None:
    body = body_of(columns(tag=pa.array(["a"] * 3), value=pa.array([0.0] * 3)), compression="zstd")
    honest = struct.pack("<q", 24)
    assert honest in body
    for claim in (2**40, 2**62, -2):
        with pytest.raises(InputError):
            parse_arrow(body.replace(honest, struct.pack("<q", claim)))


def test_a_stream_of_countless_batches_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ipc_size, "MESSAGES_MAX", 2)
    with pytest.raises(InputError, match="batches"):
        parse_arrow(body_of(columns(), rows=1))


SOUND = [
    body_of(columns(), rows=2),
    body_of(columns(tag=columns()["tag"].dictionary_encode()), rows=2),
    body_of(
        columns(text=pa.array(["a", None, "b"]), quality=pa.array([0, 1, 2], pa.uint32())),
        compression="zstd",
    ),
    body_of(columns(tag=columns()["tag"].dictionary_encode()), compression="lz4", file=True),
]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(SOUND), st.data())
def test_damaged_streams_are_refused_or_give_sound_columns(
    body: bytes, data: st.DataObject
) -> None:
    damaged = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] ^= data.draw(st.integers(1, 255))
    size = data.draw(st.sampled_from([len(damaged)] * 3 + [len(damaged) // 2]))
    try:
        parsed = ArrowParser().parse(bytes(damaged[:size]))
    except InputError:
        return
    lengths = {len(parsed.values), len(parsed.times_us), len(parsed.quality), len(parsed)}
    assert len(lengths) == 1
    assert all(0 <= index < len(parsed.paths) for index in parsed.path_index)
    assert parsed.texts is None or len(parsed.texts) == len(parsed)
