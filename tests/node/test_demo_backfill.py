"""A month of history: whole, sorted, fast, and with its faults."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from lianji.base.clock import to_us
from lianji.dictionary.batch import Batch
from lianji.dictionary.quality import Quality
from lianji.node.demo.backfill import Chunk, backfill
from lianji.node.demo.faults import DRIFTING_SENSOR, meter_is_silent, sensor_has_failed
from lianji.node.demo.physics import simulate
from lianji.node.demo.signals import PATHS, SIGNALS

END_US = to_us(datetime(2026, 11, 23, 9, 17, 3, 250_000, tzinfo=UTC))
DAY_US = 86_400_000_000


@pytest.fixture(scope="module")
def month() -> list[Chunk]:
    return list(backfill(END_US, days=30, step_s=120))


def rows_of(month: list[Chunk], key: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    row = [signal.key for signal in SIGNALS].index(key)
    picked = [(c.times_us, c.values, c.quality, c.path_index == row) for c in month]
    times, values, quality = (
        np.concatenate([columns[n][columns[3]] for columns in picked]) for n in range(3)
    )
    return times, values, quality


def test_a_month_comes_day_by_day_sorted_by_tag_and_time(month: list[Chunk]) -> None:
    assert len(month) == 31
    for chunk in month:
        order = np.lexsort((chunk.times_us, chunk.path_index))
        assert np.array_equal(order, np.arange(len(order)))
        lengths = {len(column) for column in chunk[1:]}
        assert len(lengths) == 1
    total = sum(len(chunk.values) for chunk in month)
    assert total == len(PATHS) * 30 * 720


def test_back_fill_ends_where_live_begins_without_a_jump(month: list[Chunk]) -> None:
    last = month[-1]
    ends_us = int(last.times_us.max())
    assert END_US - 120_000_000 <= ends_us < END_US
    live = simulate(ends_us, ends_us + 1)
    for row, signal in enumerate(SIGNALS):
        value = last.values[last.path_index == row][-1]
        if not signal.is_text:
            assert value == pytest.approx(live[signal.path][0], abs=1.01 * 10.0**-signal.decimals)


def test_two_back_fills_give_the_same_samples_where_they_meet() -> None:
    early = next(iter(backfill(END_US, days=0.1, step_s=30)))
    late = next(iter(backfill(END_US + 17_000_000, days=0.1, step_s=30)))
    shared = np.intersect1d(early.times_us, late.times_us)
    assert len(shared) > 200
    ours, theirs = (chunk.values[np.isin(chunk.times_us, shared)] for chunk in (early, late))
    assert np.array_equal(ours, theirs, equal_nan=True)


def test_the_thermocouple_drifts_and_fails_for_some_hours(month: list[Chunk]) -> None:
    _, values, quality = rows_of(month, DRIFTING_SENSOR)
    failed = quality == Quality.BAD_SENSOR_FAILURE
    assert np.isnan(values[failed]).all() and not np.isnan(values[~failed]).any()
    hours = failed.sum() * 120 / 3600
    assert 4 < hours < 15
    assert np.nanmax(values) > 240 + 8


def test_a_meter_was_silent_a_few_times(month: list[Chunk]) -> None:
    _, values, quality = rows_of(month, "meter-utilities.energy")
    silent = quality == Quality.BAD_NO_COMMUNICATION
    outages = (np.diff(silent.astype(int)) == 1).sum()
    assert 2 <= outages <= 20
    assert np.isnan(values[silent]).all()
    assert not rows_of(month, "meter-main.energy")[2].any()


def test_chunks_become_batches(month: list[Chunk]) -> None:
    chunk = month[-1]
    batch = Batch.of(chunk.path_index, chunk.times_us, chunk.values, chunk.quality, chunk.texts)
    assert len(batch) == len(chunk.values)
    product = next(n for n, signal in enumerate(SIGNALS) if signal.is_text)
    texts = chunk.texts.filter(pa.array(chunk.path_index == product))
    assert texts.null_count == 0 and not chunk.quality[chunk.path_index == product].any()


def test_faults_on_the_wire_are_short_and_come_often() -> None:
    seconds = [END_US + n * 1_000_000 for n in range(2100)]
    assert sum(map(meter_is_silent, seconds)) == 7 * 30
    assert sum(map(sensor_has_failed, seconds)) == 5 * 40
