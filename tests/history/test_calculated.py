"""A calculated tag has a sample whenever an input spoke, worked out as if all were asked then."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianji.dictionary.expression import parse
from lianji.dictionary.quality import Quality, is_bad
from lianji.history.questions import calculated as module
from lianji.history.questions.calculated import calculated
from lianji.history.rows import Rows, sorted_once

Sample = tuple[int, int, float | None, int]
WAITING = Quality.BAD_WAITING_FOR_INITIAL_DATA
LAST_USABLE = Quality.UNCERTAIN_LAST_USABLE_VALUE


def rows_of(samples: list[Sample]) -> Rows:
    """Samples of (tag, time, value, quality), sorted, the later of equal keys."""
    columns = list(zip(*samples, strict=True)) or [(), (), (), ()]
    return sorted_once(
        Rows(
            np.array(columns[0], np.int32),
            np.array(columns[1], np.int64),
            np.array(columns[2], np.float64),
            np.array(columns[3], np.uint16),
            pa.nulls(len(samples), pa.string()),
        )
    )


def answer(
    text: str, samples: list[Sample], linear: list[bool], start: int = 0, end: int = 100
) -> list[tuple[int, float | None, int]]:
    rows = calculated(parse(text), rows_of(samples), np.array(linear), start, end)
    assert not rows.tag.any() and rows.text.null_count == len(rows.text) == len(rows)
    columns = zip(rows.time_us.tolist(), rows.value.tolist(), rows.quality.tolist(), strict=True)
    return [(time, None if np.isnan(value) else value, code) for time, value, code in columns]


SUM = "'a' + 'b'"


def test_steps_are_held_and_slopes_interpolated() -> None:
    samples: list[Sample] = [(0, 0, 0.0, 0), (0, 100, 100.0, 0), (1, 10, 1.0, 0), (1, 30, 5.0, 0)]
    found = answer(SUM, samples, [True, False], 10, 100)
    assert found == [(10, 11.0, 0), (30, 35.0, 0)]
    found = answer(SUM, samples, [False, False], 10, 101)
    assert found == [(10, 1.0, 0), (30, 5.0, 0), (100, 105.0, 0)]


def test_there_is_a_row_at_the_start_only_if_all_inputs_are_known_there() -> None:
    samples: list[Sample] = [(0, -5, 1.0, 0), (1, 20, 2.0, 0)]
    assert answer(SUM, samples, [False, False]) == [(20, 3.0, 0)]
    assert answer(SUM, [*samples, (1, -9, 4.0, 0)], [False, False]) == [(0, 5.0, 0), (20, 3.0, 0)]


def test_before_the_first_sample_of_an_input_the_result_waits() -> None:
    samples: list[Sample] = [(0, 1, 1.0, 0), (1, 2, 2.0, 0)]
    assert answer(SUM, samples, [False, False]) == [(1, None, WAITING), (2, 3.0, 0)]
    assert answer(SUM, samples[:1], [False, False]) == [(1, None, WAITING)]
    found = answer("isgood('a') and coalesce('b', 'a') + isgood('b')", samples, [False, False])
    assert found == [(1, 1.0, 0), (2, 3.0, 0)]


def test_a_slope_beyond_its_last_sample_is_held_and_uncertain() -> None:
    samples: list[Sample] = [(0, 0, 0.0, 0), (0, 10, 7.0, 0), (1, 0, 1.0, 0), (1, 20, 1.0, 0)]
    assert answer(SUM, samples, [True, True])[-1] == (20, 8.0, LAST_USABLE)
    assert answer(SUM, samples, [False, True])[-1] == (20, 8.0, 0)


def test_a_slope_towards_a_bad_sample_is_held_and_uncertain_and_bad_from_there() -> None:
    samples: list[Sample] = [
        (0, 0, 3.0, 0), (0, 20, None, Quality.BAD_TIMEOUT), (0, 40, 9.0, 0),
        (1, 0, 1.0, 0), (1, 10, 1.0, 0), (1, 30, 1.0, 0), (1, 50, 1.0, 0),
    ]  # fmt: skip
    assert answer(SUM, samples, [True, False], 1, 45) == [
        (1, 4.0, LAST_USABLE),
        (10, 4.0, LAST_USABLE),
        (20, None, Quality.BAD_TIMEOUT),
        (30, None, Quality.BAD_TIMEOUT),
        (40, 10.0, 0),
    ]


def test_a_slope_to_an_uncertain_sample_is_uncertain() -> None:
    samples: list[Sample] = [(0, 0, 0.0, 0), (0, 10, 10.0, Quality.UNCERTAIN), (1, 0, 0.0, 0)]
    found = answer(SUM, [*samples, (1, 5, 0.0, 0)], [True, False], 5, 6)
    assert found == [(5, 5.0, Quality.UNCERTAIN)]


def test_an_empty_range_and_no_samples_give_no_rows() -> None:
    assert answer(SUM, [], [True, True]) == []
    assert answer(SUM, [(0, 5, 1.0, 0), (1, 5, 1.0, 0)], [True, True], 5, 5) == []
    assert answer(SUM, [(0, 200, 1.0, 0), (1, 200, 1.0, 0)], [True, True]) == []


def plain_input(samples: list[Sample], tag: int, time: int, linear: bool) -> tuple[float, int]:
    """One input at one time, in the plainest way."""
    mine = [(when, value, quality) for of, when, value, quality in samples if of == tag]
    before = [sample for sample in mine if sample[0] <= time]
    if not before:
        return np.nan, WAITING
    when, value, quality = before[-1]
    if value is None or is_bad(quality) or when == time or not linear:
        return (np.nan if value is None else value), quality
    after = next((sample for sample in mine if sample[0] > time), None)
    if after is None or after[1] is None or is_bad(after[2]):
        return value, max(quality, LAST_USABLE)
    share = (time - when) / (after[0] - when)
    return value + share * (after[1] - value), max(quality, after[2])


SAMPLES = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(-20, 120),
        st.one_of(st.none(), st.integers(-8, 8).map(float)),
        st.sampled_from([0, 0, 0, 0x4000, 0x8000, 0x0096]),
    ),
    max_size=40,
)


@pytest.mark.parametrize("block", [1, 7, 65_536])
@given(SAMPLES, st.lists(st.booleans(), min_size=3, max_size=3))
def test_every_row_is_what_its_inputs_were_at_its_time(
    block: int, samples: list[Sample], linear: list[bool]
) -> None:
    last = {(sample[0], sample[1]): sample for sample in samples}
    samples = [last[key] for key in sorted(last)]
    expression = parse("'a' * 2 + 'b' if 'c' > 0 or isgood('a') else coalesce('b', 1 / 'a')")
    order = [("c", "a", "b", "x").index(tag) for tag in expression.tags]
    assert sorted(order) == [0, 1, 2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_ROWS", block)
        rows = calculated(expression, rows_of(samples), np.array(linear), 0, 100)
    times = {time for _, time, *_ in samples if 0 <= time < 100}
    if all(any(of == tag and time <= 0 for of, time, *_ in samples) for tag in range(3)):
        times.add(0)
    assert rows.time_us.tolist() == sorted(times)
    inputs = [
        [plain_input(samples, tag, time, linear[tag]) for tag in range(3)] for time in sorted(times)
    ]
    values = [np.array([row[tag][0] for row in inputs], np.float64) for tag in range(3)]
    qualities = [np.array([row[tag][1] for row in inputs], np.uint16) for tag in range(3)]
    value, quality = expression.evaluate(values, qualities)
    np.testing.assert_allclose(rows.value, value)
    assert rows.quality.tolist() == quality.tolist()
