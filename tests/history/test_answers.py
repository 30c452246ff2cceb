"""The questions' arithmetic, against the plainest way to work it out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianji.base.errors import InputError
from lianji.dictionary.quality import Quality
from lianji.history.answers import FUNCTIONS, thin_to_pixels
from lianji.history.rows import Rows, sorted_once
from tests.history.conftest import SECOND, START_US, Rooms

SAMPLES = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 999),
        st.one_of(st.just(np.nan), st.integers(-5, 5).map(float)),
    ),
    max_size=80,
)


def rows_of(samples: list[tuple[int, int, float]]) -> Rows:
    import pyarrow as pa

    columns = np.array(samples, dtype=np.float64).reshape(-1, 3)
    quality = np.where(np.isnan(columns[:, 2]), 0x8000, 0).astype(np.uint16)
    return Rows(
        columns[:, 0].astype(np.int32),
        columns[:, 1].astype(np.int64),
        columns[:, 2],
        quality,
        pa.nulls(len(columns), pa.string()),
    )


@given(SAMPLES)
def test_sorting_keeps_the_last_of_equal_keys(samples: list[tuple[int, int, float]]) -> None:
    rows = sorted_once(rows_of(samples))
    truth = {(tag, time): value for tag, time, value in samples}
    keys = list(zip(rows.tag.tolist(), rows.time_us.tolist(), strict=True))
    assert keys == sorted(truth)
    assert np.array_equal(rows.value, [truth[key] for key in keys], equal_nan=True)


@given(SAMPLES, st.integers(1, 50))
def test_a_pixel_keeps_its_first_lowest_highest_and_last(
    samples: list[tuple[int, int, float]], pixels: int
) -> None:
    rows = sorted_once(rows_of(samples))
    thin = thin_to_pixels(rows, 0, 1000, pixels)
    kept = set(zip(thin.tag.tolist(), thin.time_us.tolist(), strict=True))
    for tag in range(3):
        for pixel in range(pixels):
            mask = (rows.tag == tag) & (rows.time_us * pixels // 1000 == pixel)
            times, values = rows.time_us[mask], rows.value[mask]
            if not len(times):
                continue
            mine = [time for t, time in kept if t == tag and time * pixels // 1000 == pixel]
            assert {int(times[0]), int(times[-1])} <= set(mine)
            assert len(mine) <= 5
            finite = values[~np.isnan(values)]
            seen = values[np.isin(times, mine)]
            if len(finite):
                assert np.nanmin(seen) == finite.min()
                assert np.nanmax(seen) == finite.max()
            assert np.isnan(values).any() == np.isnan(seen).any()


def test_at_an_instant_slopes_are_interpolated_and_steps_held(tmp_path_factory) -> None:  # type: ignore[no-untyped-def]
    rooms = Rooms(tmp_path_factory.mktemp("at"), lambda path: "slope" in path)
    rooms.put("plant/slope", [0, 10], [0, 100])
    rooms.put("plant/step", [0, 10], [0, 100])
    rooms.put("plant/slope-bad", [0, 10], [0, np.nan], [0, 0x8000])
    rooms.put("plant/slope-later", [9], [1])
    tags = ["plant/slope", "plant/step", "plant/slope-bad", "plant/slope-later"]
    for flushed in (False, True):
        if flushed:
            rooms.history.flush()
        answer = rooms.history.at(tags, START_US + 4 * SECOND).to_pylist()
        assert [row["tag"] for row in answer] == tags[:3]
        assert [row["value"] for row in answer] == [40, 0, 0]
        assert answer[2]["quality"] == Quality.UNCERTAIN_LAST_USABLE_VALUE
        [exact] = rooms.history.at(["plant/slope"], START_US + 10 * SECOND).to_pylist()
        assert exact["value"] == 100
    rooms.close()


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_aggregates_agree_with_plain_arithmetic(rooms: Rooms, name: str) -> None:
    chance = np.random.default_rng(3)
    times = np.arange(300) * 1.0
    values = np.round(chance.normal(10, 3, 300), 2)
    values[chance.random(300) < 0.2] = np.nan
    quality = np.where(np.isnan(values), 0x8000, 0)
    rooms.put("plant/a", times.tolist(), values.tolist(), quality.tolist())
    table = rooms.history.aggregate(
        ["plant/a"], START_US, START_US + 300 * SECOND, 60 * SECOND, [name]
    )
    plain = {
        "count": lambda v: len(v),
        "min": min,
        "max": max,
        "sum": sum,
        "mean": lambda v: sum(v) / len(v),
        "first": lambda v: v[0],
        "last": lambda v: v[-1],
        "range": lambda v: max(v) - min(v),
    }
    minutes = [values[start : start + 60] for start in range(0, 300, 60)]
    good = [[v for v in minute if not np.isnan(v)] for minute in minutes]
    expected = (
        [60 - len(values) for values in good]
        if name == "bad"
        else [plain[name](values) for values in good]
    )
    assert table[name].to_pylist() == pytest.approx(expected)


def test_wrong_questions_are_refused_in_plain_words(rooms: Rooms) -> None:
    rooms.put("plant/a", [1], [1])
    with pytest.raises(InputError, match="no aggregate"):
        rooms.history.aggregate(["plant/a"], START_US, START_US + 1, 1, ["median"])
    with pytest.raises(InputError, match="before it ends"):
        rooms.history.read(["plant/a"], START_US, START_US)
    with pytest.raises(InputError, match="pixels"):
        rooms.history.plot(["plant/a"], START_US, START_US + 1, 0)
