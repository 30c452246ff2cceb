"""What holds for every aggregate: names, empty tags, texts, blocks, and numbers at their limits."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from lianji.base.errors import InputError
from lianji.history.aggregates import AGGREGATES, ALIASES, Grid, Result, Rules, process
from lianji.history.aggregates.process import FUNCTIONS
from lianji.history.rows import Rows

SECOND = 1_000_000
GOOD_CALCULATED, NO_DATA = 0x0000_0401, 0x809B_0000


def rows_of(*tags: dict[float, float], quality: int = 0) -> Rows:
    """Samples by tag: second to value."""
    counts = [len(tag) for tag in tags]
    seconds = [second for tag in tags for second in tag]
    return Rows(
        np.repeat(np.arange(len(tags), dtype=np.int32), counts),
        np.array([round(second * SECOND) for second in seconds], np.int64),
        np.array([value for tag in tags for value in tag.values()], np.float64),
        np.full(len(seconds), quality, np.uint16),
        pa.nulls(len(seconds), pa.string()),
    )


def grid(end_s: float, step_s: float) -> Grid:
    return Grid(0, round(end_s * SECOND), round(step_s * SECOND))


def one(rows: Rows, name: str, end_s: float, step_s: float, stepped: bool = False) -> Result:
    return process(rows, np.array([stepped]), grid(end_s, step_s), [name])[name]


def test_every_name_has_an_arithmetic_and_a_meaning_in_both_languages() -> None:
    assert set(AGGREGATES) == set(FUNCTIONS)
    assert set(ALIASES.values()) <= set(AGGREGATES)
    assert not set(ALIASES) & set(AGGREGATES)
    for aggregate in AGGREGATES.values():
        assert aggregate.meaning.en.endswith(".")
        assert aggregate.meaning.zh.endswith("。")
    assert {a.name for a in AGGREGATES.values() if a.standard is None} == {"sum", "bad"}


def test_an_alias_is_answered_under_its_own_name() -> None:
    asked = ["mean", "average", "twa"]
    results = process(rows_of({0: 1, 1: 3, 2: 5}), np.array([False]), grid(2, 2), asked)
    assert list(results) == asked
    assert results["mean"].value.tolist() == results["average"].value.tolist() == [[2]]
    assert results["twa"].value.tolist() == [[3]]


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match="Did you mean 'time_average'") as refused:
        one(rows_of({}), "TimeAverage", 1, 1)
    assert refused.value.code == "aggregate-unknown"
    with pytest.raises(InputError, match="Take one of interpolative, average"):
        one(rows_of({}), "zzz", 1, 1)


@pytest.mark.parametrize("name", sorted(AGGREGATES))
def test_tags_without_samples_have_no_data(name: str) -> None:
    nothing = process(rows_of({}, {}), np.array([False, True]), grid(10, 3), [name])[name]
    assert nothing.value.shape == nothing.status.shape == (2, 4)
    between = rows_of({}, {0.5: 7, 11: 7}, {})
    some = process(between, np.zeros(3, bool), grid(10, 3), [name])[name]
    for result, tag in ((nothing, 0), (nothing, 1), (some, 0), (some, 2)):
        assert np.isnan(result.value[tag]).all()
        assert (result.status[tag] == NO_DATA).all()
        if AGGREGATES[name].tells_time:
            assert result.time_us is not None
            assert result.time_us[tag].tolist() == [0, 3 * SECOND, 6 * SECOND, 9 * SECOND]


@pytest.mark.parametrize("name", sorted(AGGREGATES))
def test_tags_do_not_disturb_one_another_across_blocks(name: str) -> None:
    chance = np.random.default_rng(7)
    lengths = [70_000, 0, 3, 90_000, 1, 20_000]
    parts = []
    for tag, length in enumerate(lengths):
        value = np.round(chance.normal(5, 2, length))
        quality = chance.choice(np.array([0, 0, 0, 0x4000, 0x8000], np.uint16), length)
        time = np.cumsum(chance.integers(1, 2000, length)).astype(np.int64)
        text = pa.nulls(length, pa.string())
        parts.append(Rows(np.full(length, tag, np.int32), time, value, quality, text))
    stepped = np.array([False, True, True, True, False, False])
    wide = Grid(0, 80_000_000, 700_000)
    together = process(Rows.concat(parts), stepped, wide, [name])[name]
    for tag, part in enumerate(parts):
        part.tag[:] = 0
        alone = process(part, stepped[tag : tag + 1], wide, [name])[name]
        assert np.array_equal(together.value[tag], alone.value[0], equal_nan=True)
        assert np.array_equal(together.status[tag], alone.status[0])


def test_a_text_has_a_quality_but_no_number() -> None:
    rows = rows_of({0: math.nan, 1: math.nan, 2: math.nan, 10: math.nan})
    names = ["count", "percent_good", "worst_quality", "average", "time_average2", "bad"]
    results = process(rows, np.array([True]), grid(10, 10), names)
    told = {name: results[name].value[0, 0] for name in names}
    assert (told["count"], told["percent_good"], told["worst_quality"], told["bad"]) == (
        3, 100, 0, 0,
    )  # fmt: skip
    assert math.isnan(told["average"])
    assert math.isnan(told["time_average2"])


def test_an_infinite_value_is_no_number() -> None:
    rows = rows_of({0: 1, 1: math.inf, 2: 3, 4: 3})
    assert one(rows, "average", 4, 4).value.tolist() == [[2]]
    assert one(rows, "maximum", 4, 4).value.tolist() == [[3]]
    assert one(rows, "time_average2", 4, 4, stepped=True).value[0] == pytest.approx([7 / 3])


def test_our_own_aggregates_sum_the_good_and_count_the_rest() -> None:
    rows = rows_of({0: 1, 1: 2, 2: 4, 3: 8, 9: 0})
    rows.quality[:] = [0, 0x4000, 0x8000, 0, 0]
    assert one(rows, "sum", 8, 4).value[0] == pytest.approx([9, math.nan], nan_ok=True)
    assert one(rows, "bad", 8, 4).value.tolist() == [[2, 0]]


def test_an_interval_within_one_long_segment_is_told_from_both_ends() -> None:
    rows = rows_of({-100: 0, 100: 200})
    result = one(rows, "time_average2", 4, 1)
    assert result.value.tolist() == [[100.5, 101.5, 102.5, 103.5]]
    assert (result.status == GOOD_CALCULATED).all()
    assert one(rows, "time_average2", 4, 1, stepped=True).value.tolist() == [[0, 0, 0, 0]]


def test_a_gap_of_years_does_not_blur_the_seconds_beside_it() -> None:
    years_s = 10 * 365 * 86_400
    rows = rows_of({0: 1e9, years_s: 0.001, years_s + 1: 0.003, years_s + 2: 0.003})
    tail = Grid(years_s * SECOND, (years_s + 2) * SECOND, SECOND)
    result = process(rows, np.array([False]), tail, ["total2"])["total2"]
    assert result.value.tolist() == [[0.002, 0.003]]


def test_a_small_spread_around_a_large_mean_keeps_its_digits() -> None:
    rows = rows_of({0: 1e9 + 1, 1: 1e9 + 2, 2: 1e9 + 3, 3: 1e9})
    assert one(rows, "variance_sample", 3, 3).value.tolist() == [[1]]
    assert one(rows, "variance_population", 3, 3).value[0] == pytest.approx([2 / 3])


def test_a_partial_last_interval_says_so() -> None:
    result = one(rows_of({0: 1, 5: 1, 20: 1}), "time_average2", 10, 4)
    assert [hex(status) for status in result.status[0]] == ["0x401", "0x401", "0x405"]


def test_a_good_sub_code_passes_unchanged_where_a_sample_is_told() -> None:
    local_override = 0x0096
    rows = rows_of({0: 1, 5: 2, 10: 3}, quality=local_override)
    assert one(rows, "start", 10, 5).status.tolist() == [[local_override << 16] * 2]
    assert one(rows, "start_bound", 10, 5).status.tolist() == [[local_override << 16] * 2]
    assert one(rows, "average", 10, 5).status.tolist() == [[GOOD_CALCULATED] * 2]


def test_a_raw_sample_keeps_its_time_even_if_it_says_that_there_is_no_data() -> None:
    rows = rows_of({0: 1, 3: math.nan, 10: 1})
    rows.quality[:] = [0, 0x809B, 0]
    result = one(rows, "end", 10, 5)
    assert result.time_us is not None
    assert result.time_us.tolist() == [[3 * SECOND, 5 * SECOND]]
    assert result.status.tolist() == [[NO_DATA, NO_DATA]]


def test_time_must_go_forward() -> None:
    with pytest.raises(InputError, match="empty"):
        Grid(5, 5, 1)
    with pytest.raises(InputError, match="no length"):
        Grid(0, 5, 0)


@pytest.mark.parametrize(("bad", "good"), [(80, 0), (101, 100), (100, -1), (40, 59)])
def test_percentages_that_contradict_one_another_are_refused(bad: int, good: int) -> None:
    with pytest.raises(InputError, match="leave it open"):
        Rules(percent_data_bad=bad, percent_data_good=good)
