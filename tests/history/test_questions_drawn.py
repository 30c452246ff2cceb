"""What is drawn has the peaks, the gaps and the ends of all samples."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianji.history.questions import pieces
from lianji.history.questions.drawn import largest_triangles, thin_to_pixels
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


@given(SAMPLES, st.integers(3, 20))
def test_triangles_keep_the_ends_and_the_gaps_of_every_tag(
    samples: list[tuple[int, int, float]], points: int
) -> None:
    rows = sorted_once(rows_of(samples))
    thin = largest_triangles(rows, points)
    for tag in range(3):
        all_of, kept = rows.time_us[rows.tag == tag], thin.time_us[thin.tag == tag]
        if not len(all_of):
            continue
        assert set(kept.tolist()) <= set(all_of.tolist())
        assert kept.tolist() == sorted(kept.tolist())
        missing, seen = np.isnan(rows.value[rows.tag == tag]), np.isnan(thin.value[thin.tag == tag])
        assert _turns(missing) == _turns(seen)
        assert kept[0] == all_of[0]
        assert missing[-1] or kept[-1] == all_of[-1]


def _turns(missing: np.ndarray) -> list[bool]:  # type: ignore[type-arg]
    """Values and gaps in turn, each stretch once."""
    flags = missing.tolist()
    return [flag for place, flag in enumerate(flags) if place == 0 or flag != flags[place - 1]]


def test_triangles_are_as_many_as_the_pixels_and_keep_a_lone_peak(rooms: Rooms) -> None:
    values = np.sin(np.arange(5000) / 300)
    values[1234] = 40
    rooms.put("p/a", list(range(5000)), values.tolist())
    rooms.history.flush()
    asked = (["p/a"], START_US, START_US + 5000 * SECOND, 200)
    table = rooms.history.plot(*asked, method="lttb")
    assert table.num_rows == 200
    assert max(table.column("value").to_pylist()) == 40


@pytest.mark.parametrize("method", ["minmax", "lttb"])
def test_a_plot_in_parts_has_the_same_peaks(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    chance = np.random.default_rng(5)
    for first in range(0, 3000, 500):
        for tag in ("p/a", "p/b"):
            times = list(range(first, first + 500))
            rooms.put(tag, times, chance.normal(size=500).tolist())
        rooms.history.flush()
    asked = (["p/b", "p/a"], START_US, START_US + 3000 * SECOND, 70, method)
    whole = rooms.history.plot(*asked)
    monkeypatch.setattr(pieces, "ROWS_AT_ONCE", 700)
    parts = rooms.history.plot(*asked)
    if method == "minmax":
        assert parts.to_pylist() == whole.to_pylist()
    else:
        assert parts.num_rows == whole.num_rows == 140
