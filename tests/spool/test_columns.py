"""A record's columns give back every bit, in few bytes; damage on purpose harms nobody."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lianji.dictionary.batch import SCHEMA, TIME_TYPE, Batch
from lianji.spool.columns import ROWS_MAX, decode_columns, encode_columns
from lianji.spool.record import Kind, pack
from lianji.spool.spool import Spool
from tests.spool.test_spool import START_US, quick

I32 = st.integers(-(2**31), 2**31 - 1)
I64 = st.integers(-(2**63), 2**63 - 1)
VALUES = st.one_of(
    st.none(),
    st.floats(),
    st.floats(width=32),
    st.integers(-(10**12), 10**12).map(lambda whole: whole / 100),
    st.integers(-(10**6), 10**6).map(lambda whole: whole * 0.001),
    st.sampled_from([-0.0, 2.0**31, 2.0**31 / 10, 5e-324, 1e308]),
)
ROWS = st.lists(
    st.tuples(I32, I64, VALUES, st.none() | st.text(max_size=9), st.integers(0, 65_535)),
    max_size=60,
)


def samples_of(rows: list[tuple[object, ...]]) -> pa.RecordBatch:
    tag, time, value, text, quality = zip(*rows, strict=True) if rows else ((),) * 5
    columns = [
        pa.array(tag, pa.int32()),
        pa.array(time, pa.int64()).view(TIME_TYPE),
        pa.array(value, pa.float64()),
        pa.array(text, pa.string()),
        pa.array(quality, pa.uint16()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def encoded(samples: pa.RecordBatch) -> memoryview:
    return memoryview(b"".join(encode_columns(samples)[0]))


def bits(samples: pa.RecordBatch) -> list[object]:
    """All of it, with NaN, -0.0 and the like as the bits that they are."""
    value = samples.column(2)
    numbers = value.fill_null(0).to_numpy().view(np.int64).tolist()
    rest = [samples.column(at).to_pylist() for at in (0, 3, 4)]
    times = samples.column(1).view(pa.int64()).to_pylist()
    return [numbers, value.is_valid().to_pylist(), times, *rest]


@given(ROWS)
@example([(1, 0, None, "运行", 0)] * 40)
@example([(tag, -(2**63) * (tag % 2), 0.1 * tag, None, tag) for tag in range(60)])
def test_every_bit_comes_back(rows: list[tuple[object, ...]]) -> None:
    samples = samples_of(rows)
    back = decode_columns(encoded(samples), len(rows))
    back.validate(full=True)
    assert bits(back) == bits(samples)


def test_a_part_of_a_batch_comes_back_as_that_part() -> None:
    whole = samples_of([(at, at, at / 10, str(at) * at, 0) for at in range(90)])
    part = whole.slice(30, 40)
    assert bits(decode_columns(encoded(part), 40)) == bits(part)


WALK = 50 + np.cumsum(np.random.default_rng(5).normal(0, 1, 3000))
HIDDEN: dict[str, NDArray[np.float64]] = {
    "quotients": np.round(WALK, 2),
    "products": np.rint(WALK * 100) * 0.01,
    "singles": np.round(WALK, 2).astype(np.float32).astype(np.float64),
}


@pytest.mark.parametrize("disguise", HIDDEN)
def test_numbers_that_are_whole_in_disguise_take_two_bytes(disguise: str) -> None:
    values = HIDDEN[disguise]
    samples = Batch.of(np.arange(3000), START_US, values).samples
    data = encoded(samples)
    assert bits(decode_columns(data, 3000)) == bits(samples)
    assert len(data) < 2.2 * 3000


def test_a_few_odd_values_do_not_spoil_the_others() -> None:
    values = HIDDEN["quotients"].copy()
    values[::50] = np.pi * WALK[::50]
    samples = Batch.of(np.arange(3000), START_US, values).samples
    data = encoded(samples)
    assert bits(decode_columns(data, 3000)) == bits(samples)
    assert len(data) < 2.6 * 3000


@pytest.mark.parametrize(("devices", "tags", "most"), [(10, 100, 4.4), (1, 1000, 2.2)])
def test_records_of_small_devices_are_cheap(
    tmp_path: Path, devices: int, tags: int, most: float
) -> None:
    """Bytes a sample in the spool, of what walks about with two decimals."""
    rng = np.random.default_rng(1)
    values = rng.uniform(10, 100, devices * tags)
    with Spool(tmp_path, quick()) as spool:
        before, rows = spool.status().bytes, 0
        for second in range(20):
            values += rng.normal(0, 0.2, len(values))
            for device in range(devices):
                ids = np.arange(device * tags, (device + 1) * tags)
                now_us = START_US + second * 1_000_000 + device * 37_013
                said = np.round(values[ids], 2)
                spool.put(Batch.of(ids, now_us, said, origin=f"device/press{device}"))
                rows += tags
    with Spool(tmp_path, quick()) as spool:
        assert (spool.status().bytes - before) / rows < most


@given(st.binary(max_size=200), st.integers(0, 500))
def test_noise_is_refused_in_the_words_that_the_hub_knows(noise: bytes, rows: int) -> None:
    with contextlib.suppress(ValueError, struct.error, pa.ArrowException):
        decode_columns(memoryview(noise), rows)


@given(st.data())
def test_damage_is_refused_or_read_but_never_anything_else(data: st.DataObject) -> None:
    rows = data.draw(ROWS)
    whole = bytearray(encoded(samples_of(rows)))
    if whole:
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError, struct.error, pa.ArrowException):
        decode_columns(memoryview(whole), len(rows)).validate(full=True)


def test_rows_without_end_are_refused_before_they_take_memory() -> None:
    data = encoded(Batch.of([1, 1], START_US, 1.0).samples)
    with pytest.raises(ValueError, match="rows in one record"):
        decode_columns(data, ROWS_MAX + 1)


def test_a_batch_becomes_a_record_of_columns() -> None:
    assert pack(Batch.of([1], START_US, [1.0])).kind is Kind.COLUMNS


def test_a_slice_of_a_batch_keeps_its_own_nulls() -> None:
    """Arrow's validity bits do not begin at a byte there."""
    whole = Batch.of(
        np.arange(40, dtype=np.int32),
        np.arange(40) * 1_000_000,
        np.where(np.arange(40) % 3 == 0, np.nan, np.arange(40.0)),
        None,
        None,
    ).samples
    for start in range(12):
        part = whole.slice(start, 17)
        packed = b"".join(encode_columns(part)[0])
        assert decode_columns(memoryview(packed), 17).equals(part)
