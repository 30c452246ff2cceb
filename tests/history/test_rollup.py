"""Buckets answer what the samples answer, however the samples are cut up."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lianji.history.aggregates.grid import Grid
from lianji.history.aggregates.process import process
from lianji.history.rollup.answers import ROLLED, answered
from lianji.history.rollup.buckets import COLUMNS, MINUTE_US, Buckets, added, buckets_of
from lianji.history.rollup.columns import as_table, of_table
from lianji.history.rows import Rows

START_US = 1_767_225_600_000_000
TAGS = 3
SPAN_US = 8 * MINUTE_US

sample = st.tuples(
    st.integers(0, TAGS - 1),
    st.one_of(
        st.integers(-2 * MINUTE_US, SPAN_US + 2 * MINUTE_US),
        st.integers(-2, 10).map(lambda minute: minute * MINUTE_US),
    ),
    st.one_of(st.just(np.nan), st.integers(-50, 50).map(lambda n: n / 4)),
    st.sampled_from([0, 0, 0, 0, 0x4000, 0x8000]),
)


def rows_of(samples: list[tuple[int, int, float, int]]) -> Rows:
    once = {(tag, time): (value, quality) for tag, time, value, quality in samples}
    keys = sorted(once)
    return Rows(
        np.array([tag for tag, _ in keys], np.int32),
        np.array([START_US + time for _, time in keys], np.int64),
        np.array([once[key][0] for key in keys], np.float64),
        np.array([once[key][1] for key in keys], np.uint16),
        pa.nulls(len(keys), pa.string()),
    )


def parted(rows: Rows, grid: Grid) -> tuple[Rows, Rows]:
    """Samples within the grid, and of each tag the nearest on either side."""
    inside = (rows.time_us >= grid.start_us) & (rows.time_us < grid.end_us)
    keep = np.zeros(len(rows), dtype=bool)
    for tag in range(TAGS):
        before = np.flatnonzero((rows.tag == tag) & (rows.time_us < grid.start_us))
        after = np.flatnonzero((rows.tag == tag) & (rows.time_us >= grid.end_us))
        keep[before[-1:]] = True
        keep[after[:1]] = True
    return rows.take(inside), rows.take(keep)


def alike(left: NDArray[np.float64], right: NDArray[np.float64]) -> bool:
    return bool(np.allclose(left, right, rtol=1e-9, atol=1e-9, equal_nan=True))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(sample, max_size=60),
    st.lists(st.booleans(), min_size=TAGS, max_size=TAGS),
    st.sampled_from([1, 2, 4, 8]),
)
def test_aggregates_of_buckets_are_those_of_the_samples(
    samples: list[tuple[int, int, float, int]], stepped: list[bool], minutes: int
) -> None:
    rows = rows_of(samples)
    grid = Grid(START_US, START_US + SPAN_US, minutes * MINUTE_US)
    inside, beyond = parted(rows, grid)
    every = Rows.concat([inside, beyond])
    order = np.lexsort((every.time_us, every.tag))
    steps = np.array(stepped)
    names = sorted(ROLLED)
    want = process(every.take(order), steps, grid, names)
    got = answered(buckets_of(inside, MINUTE_US), beyond, steps, grid, names)
    for name in names:
        assert alike(got[name].value, want[name].value), (
            name,
            got[name].value,
            want[name].value,
        )


@settings(max_examples=200, deadline=None)
@given(st.lists(sample, min_size=1, max_size=60), st.integers(0, 60))
def test_buckets_that_lie_apart_can_be_added(
    samples: list[tuple[int, int, float, int]], cut: int
) -> None:
    rows = rows_of(samples)
    limit = START_US + cut * SPAN_US // 60
    early, late = rows.take(rows.time_us < limit), rows.take(rows.time_us >= limit)
    both = Buckets.concat([buckets_of(early, MINUTE_US), buckets_of(late, MINUTE_US)])
    both = both.take(np.lexsort((both.first_us, both.time_us, both.tag)))
    again = np.zeros(len(both), dtype=bool)
    again[1:] = (both.tag[1:] == both.tag[:-1]) & (both.time_us[1:] == both.time_us[:-1])
    got, want = added(both, again), buckets_of(rows, MINUTE_US)
    for name in COLUMNS:
        assert alike(getattr(got, name), getattr(want, name)), name


@settings(max_examples=50, deadline=None)
@given(st.lists(sample, min_size=1, max_size=60))
def test_a_bucket_comes_back_from_the_table(samples: list[tuple[int, int, float, int]]) -> None:
    buckets = buckets_of(rows_of(samples), MINUTE_US)
    back = of_table(as_table(buckets, ["a", "b", "c"]), buckets.tag)
    for name in COLUMNS:
        assert alike(getattr(back, name), getattr(buckets, name)), name


def test_a_bucket_knows_what_its_minute_held() -> None:
    rows = rows_of(
        [
            (0, 10_000_000, 4.0, 0),
            (0, 20_000_000, 8.0, 0),
            (0, 30_000_000, np.nan, 0x8000),
            (0, 40_000_000, 2.0, 0),
            (0, 50_000_000, 2.0, 0),
        ]
    )
    bucket = buckets_of(rows, MINUTE_US)
    assert len(bucket) == 1
    assert (bucket.min[0], bucket.min_us[0] - START_US) == (2.0, 40_000_000)
    assert (bucket.max[0], bucket.max_us[0] - START_US) == (8.0, 20_000_000)
    assert (bucket.count[0], bucket.good[0], bucket.sum[0]) == (5, 4, 16.0)
    assert bucket.held_us[0] == 30_000_000
    assert bucket.sloped_us[0] == 20_000_000
    assert bucket.area_step[0] / 1e6 == pytest.approx(40 + 80 + 20)
    assert bucket.area_linear[0] / 1e6 == pytest.approx(60 + 80 + 20)
    assert bucket.missing_us[0] - START_US == 30_000_000
