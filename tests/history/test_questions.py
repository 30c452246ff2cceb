"""Questions: the same answers from files, from memory, from another process, whole or in parts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lianji.base.errors import InputError, NotFound
from lianji.dictionary.quality import Quality
from lianji.history.aggregates import AGGREGATES, Grid, Rules, process
from lianji.history.aggregates.rules import STANDARD
from lianji.history.history import History
from lianji.history.questions import pieces, raw
from lianji.history.rows import Rows, sorted_once
from lianji.history.view.nearest import PASSED_OVER_MAX
from tests.history.conftest import SECOND, START_US, Rooms

END_US = START_US + 600 * SECOND
BAD = int(Quality.BAD)


def at_s(seconds: float) -> int:
    return START_US + round(seconds * SECOND)


def values(table: pa.Table, column: str = "value") -> list[Any]:
    return table.column(column).to_pylist()


def seconds(table: pa.Table, column: str = "time") -> list[float]:
    return [one.timestamp() - START_US / SECOND for one in values(table, column)]


# -- aggregates ------------------------------------------------------------------------------------

SAMPLES = st.lists(
    st.tuples(st.integers(-300, 900), st.integers(-5, 5), st.sampled_from([0, 0, 0, BAD, 0x4000])),
    min_size=1,
    max_size=30,
)


def all_rows(tags: list[list[tuple[int, int, int]]]) -> Rows:
    flat = [(tag, *one) for tag, some in enumerate(tags) for one in some]
    columns = np.array(flat, np.int64).reshape(-1, 4)
    return sorted_once(
        Rows(
            columns[:, 0].astype(np.int32),
            START_US + columns[:, 1] * SECOND,
            columns[:, 2].astype(np.float64),
            columns[:, 3].astype(np.uint16),
            pa.nulls(len(columns), pa.string()),
        )
    )


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    tags=st.lists(SAMPLES, min_size=1, max_size=4),
    cuts=st.lists(st.booleans(), min_size=30, max_size=30),
    step_s=st.sampled_from([7, 60, 250]),
    rules=st.sampled_from(
        [STANDARD, Rules(treat_uncertain_as_bad=False, use_sloped_extrapolation=True)]
    ),
    rows_at_once=st.sampled_from([3, 8_000_000]),
)
def test_every_aggregate_is_what_all_samples_say_however_they_lie(
    tmp_path_factory: pytest.TempPathFactory,
    tags: list[list[tuple[int, int, int]]],
    cuts: list[bool],
    step_s: int,
    rules: Rules,
    rows_at_once: int,
) -> None:
    """Samples come in any order, in many files and memory; the question may be cut in parts."""
    rooms = Rooms(tmp_path_factory.mktemp("any"), lambda path: path != "p/1")
    paths = [f"p/{tag}" for tag in range(len(tags))]
    for number in range(30):
        for path, some in zip(paths, tags, strict=True):
            if number < len(some):
                second, value, quality = some[number]
                rooms.put(path, [second], [value], quality)
        if cuts[number]:
            rooms.history.flush()
    grid = Grid(START_US, END_US, step_s * SECOND)
    stepped = np.array([path == "p/1" for path in paths])
    expected = process(all_rows(tags), stepped, grid, list(AGGREGATES), rules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "ROWS_AT_ONCE", rows_at_once)
        table = rooms.history.aggregate(
            paths, START_US, END_US, step_s * SECOND, list(AGGREGATES), rules, with_status=True
        )
    assert table.num_rows == len(paths) * grid.n_intervals
    for name, result in expected.items():
        found = table.column(name).to_numpy()
        np.testing.assert_allclose(found, result.value.ravel(), rtol=1e-9, atol=1e-9, err_msg=name)
        status = table.column(f"{name}_status").to_numpy()
        np.testing.assert_array_equal(status, result.status.ravel(), err_msg=name)
    rooms.close()


def test_a_transition_is_counted_from_the_sample_before_the_range(rooms: Rooms) -> None:
    rooms.put("p/a", [0], [0])
    rooms.put("p/a", [-1], [0])
    for _ in range(2):
        table = rooms.history.aggregate(
            ["p/a"], START_US, at_s(60), 60 * SECOND, ["number_of_transitions"]
        )
        assert values(table, "number_of_transitions") == [0]
        rooms.history.flush()


def test_an_aggregate_has_a_row_for_every_interval_and_null_where_there_is_none(
    rooms: Rooms,
) -> None:
    rooms.put("p/a", [60, 90, 119], [1, 2, 6])
    table = rooms.history.aggregate(
        ["p/a"], START_US, at_s(180), 60 * SECOND, ["mean", "max", "maximum_actual_time"]
    )
    assert table.column_names == ["tag", "time", "mean", "max", "maximum_actual_time",
                                  "maximum_actual_time_time"]  # fmt: skip
    assert seconds(table) == [0, 60, 120]
    assert values(table, "mean") == [None, 3, None]
    assert values(table, "maximum_actual_time_time")[1].timestamp() * SECOND == at_s(119)


def test_the_value_before_a_range_counts_even_if_it_lies_in_an_old_file(rooms: Rooms) -> None:
    rooms.put("p/a", [-86_400 * 40], [5])
    rooms.history.flush()
    rooms.put("p/a", [300], [5])
    rooms.history.flush()
    for history in (rooms.history, rooms.stored()):
        table = history.aggregate(["p/a"], START_US, at_s(120), 60 * SECOND, ["twa", "count"])
        assert values(table, "twa") == [5, 5]
        assert values(table, "count") == [0, 0]


def test_behind_many_bad_samples_no_usable_one_is_looked_for(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PASSED_OVER_MAX == 250_000
    monkeypatch.setattr("lianji.history.view.nearest.PASSED_OVER_MAX", 10)
    rooms.put("p/a", [-9000], [5])
    rooms.history.flush()
    for minute in range(3):
        rooms.put("p/a", [-100 + 10 * minute + n for n in range(5)], [1] * 5, BAD)
        rooms.history.flush()
    asked = (["p/a"], START_US, at_s(60), 60 * SECOND, ["interpolative"])
    assert values(rooms.history.aggregate(*asked), "interpolative") == [None]
    monkeypatch.setattr("lianji.history.view.nearest.PASSED_OVER_MAX", 100)
    assert values(rooms.history.aggregate(*asked), "interpolative") == [5]


# -- instants --------------------------------------------------------------------------------------


@pytest.fixture
def mixed(tmp_path: Path) -> Rooms:
    rooms = Rooms(tmp_path, lambda path: "slope" in path)
    rooms.put("plant/slope", [0, 10], [0, 100])
    rooms.put("plant/step", [0, 10], [0, 100])
    rooms.put("plant/slope-bad", [0, 10], [0, np.nan], [0, 0x8000])
    rooms.put("plant/slope-later", [9], [1])
    return rooms


def test_at_an_instant_slopes_are_interpolated_and_steps_held(mixed: Rooms) -> None:
    tags = ["plant/slope", "plant/step", "plant/slope-bad", "plant/slope-later"]
    for flushed in (False, True):
        if flushed:
            mixed.history.flush()
        answer = mixed.history.at(tags, at_s(4)).to_pylist()
        assert [row["tag"] for row in answer] == tags[:3]
        assert [row["value"] for row in answer] == [40, 0, 0]
        assert answer[2]["quality"] == Quality.UNCERTAIN_LAST_USABLE_VALUE
        [exact] = mixed.history.at(["plant/slope"], at_s(10)).to_pylist()
        assert exact["value"] == 100
    mixed.close()


def test_at_several_instants_there_is_a_row_for_each_in_order(mixed: Rooms) -> None:
    table = mixed.history.at(["plant/step", "plant/slope"], [at_s(10), at_s(5), at_s(5)])
    assert list(zip(values(table, "tag"), seconds(table), values(table), strict=True)) == [
        ("plant/step", 5, 0),
        ("plant/step", 10, 100),
        ("plant/slope", 5, 50),
        ("plant/slope", 10, 100),
    ]
    with pytest.raises(InputError, match="instants"):
        mixed.history.at(["plant/step"], [])
    mixed.close()


def test_interpolated_has_a_row_for_every_instant_and_looks_past_bad_samples(
    mixed: Rooms,
) -> None:
    mixed.put("plant/slope-bad", [20], [20])
    mixed.history.flush()
    table = mixed.history.interpolated(
        ["plant/slope-bad", "plant/step"], at_s(-5), at_s(15), 5 * SECOND
    )
    assert table.column_names == ["tag", "time", "value", "quality"]
    assert seconds(table) == [-5, 0, 5, 10] * 2
    assert values(table) == [None, 0, 5, 10, None, 0, 0, 100]
    assert values(table, "quality")[0] == Quality.BAD_NO_DATA
    assert values(table, "quality")[2] & 0xC000 == 0x4000
    mixed.close()


# -- raw samples -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rows_a_part", [2, 500_000])
def test_bounds_are_the_samples_next_to_the_range(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch, rows_a_part: int
) -> None:
    monkeypatch.setattr(raw, "ROWS_A_PART", rows_a_part)
    rooms.put("p/a", [-100, -1, 5, 20], [1, 2, 3, 4])
    rooms.history.flush()
    rooms.put("p/a", [10, 30], [5, 6])
    rooms.put("p/b", [0, 1, 2, 3], [0, 1, 2, 3])
    asked = (["p/a", "p/b"], START_US, at_s(10))
    assert seconds(rooms.history.read(*asked)) == [5, 0, 1, 2, 3]
    assert seconds(rooms.history.read(*asked, bounds=True)) == [-1, 5, 10, 0, 1, 2, 3]
    assert seconds(rooms.stored().read(*asked, bounds=True)) == [-1, 5, 10, 0, 1, 2, 3]


def test_an_answer_in_parts_is_the_answer(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    for start in range(0, 600, 60):
        for tag in ("p/b", "p/a", "p/c"):
            rooms.put(tag, list(range(start, start + 60)), [start] * 60)
        rooms.history.flush()
    asked = (["p/b", "p/a", "p/c"], START_US, END_US)
    whole = rooms.history.read(*asked)
    assert whole.num_rows == rooms.history.rows_expected(*asked) == 1800
    monkeypatch.setattr(raw, "ROWS_A_PART", 100)
    parts = list(rooms.history.read_in_parts(*asked))
    assert len(parts) > 10
    assert max(part.num_rows for part in parts) <= 101
    assert pa.concat_tables(parts).to_pylist() == whole.to_pylist()


def test_an_answer_above_its_limit_is_refused_and_never_cut(rooms: Rooms) -> None:
    rooms.put("p/a", [1, 2, 3], [1, 2, 3])
    assert rooms.history.read(["p/a"], START_US, END_US, limit=3).num_rows == 3
    with pytest.raises(InputError, match="more than 2 rows"):
        rooms.history.read(["p/a"], START_US, END_US, limit=2)


# -- gaps ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows_at_once", [3, 8_000_000])
def test_gaps_say_from_when_to_when_and_why(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    monkeypatch.setattr(pieces, "ROWS_AT_ONCE", rows_at_once)
    rooms.put("p/a", [10, 20, 100, 110, 120, 200], [1] * 6, [0, 0, 0, BAD, BAD, 0])
    rooms.put("p/b", [-50, 250], [1, 1])
    table = rooms.history.gaps(["p/a", "p/b"], START_US, at_s(300), 60 * SECOND)
    found = zip(values(table, "tag"), seconds(table, "start"), seconds(table, "end"),
                values(table, "seconds"), values(table, "why"), strict=True)  # fmt: skip
    assert list(found) == [
        ("p/a", 20, 100, 80, "no samples"),
        ("p/a", 100, 200, 100, "bad quality"),
        ("p/a", 200, 300, 100, "no samples"),
        ("p/b", 0, 250, 250, "no samples"),
    ]
    assert rooms.history.gaps(["p/a"], START_US, at_s(300), 300 * SECOND).num_rows == 0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 99), st.booleans()), max_size=20, unique_by=lambda s: s[0]),
    st.lists(st.integers(1, 99), max_size=4),
    st.integers(0, 40),
)
def test_gaps_are_the_same_in_stretches_as_at_once(
    samples: list[tuple[int, bool]], cuts: list[int], longer: int
) -> None:
    from lianji.history.questions.gaps import Gaps

    samples.sort()
    edges = [0, *sorted(set(cuts)), 100]
    gaps = Gaps(1, 0, longer)
    for start, end in pairwise(edges):
        some = [one for one in samples if start <= one[0] < end]
        gaps.take(
            Rows(
                np.zeros(len(some), np.int32),
                np.array([time for time, _ in some], np.int64),
                np.ones(len(some)),
                np.array([0 if good else BAD for _, good in some], np.uint16),
                pa.nulls(len(some), pa.string()),
            )
        )
    good = [0, *(time for time, is_good in samples if is_good), 100]
    plain = [
        (start, end, any(start <= t < end for t, ok in samples if not ok))
        for start, end in pairwise(good)
        if end - start > longer
    ]
    table = gaps.table(["p/a"], 100)
    start = table.column("start").cast(pa.int64()).to_pylist()
    end = table.column("end").cast(pa.int64()).to_pylist()
    bad = [why == "bad quality" for why in values(table, "why")]
    assert list(zip(start, end, bad, strict=True)) == plain


# -- what is wrong ---------------------------------------------------------------------------------

QUESTIONS: list[Callable[[History], object]] = [
    lambda history: history.read(["p/a"], START_US, START_US),
    lambda history: history.plot(["p/a"], START_US, END_US, 0),
    lambda history: history.aggregate(["p/a"], START_US, END_US, SECOND, ["median-ish"]),
    lambda history: history.aggregate(["p/a"], START_US, END_US, SECOND, []),
    lambda history: history.aggregate(["p/a"], START_US, END_US, 0),
    lambda history: history.aggregate(["p/a"], START_US, END_US, 1),
    lambda history: history.gaps(["p/a"], START_US, END_US, -1),
]


@pytest.mark.parametrize("ask", QUESTIONS)
def test_wrong_questions_are_refused_in_plain_words(
    rooms: Rooms, ask: Callable[[History], object]
) -> None:
    rooms.put("p/a", [1], [1])
    with pytest.raises(InputError):
        ask(rooms.history)


def test_a_question_that_would_read_far_too_much_is_refused_before_it_reads(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms.put("p/a", list(range(100)), [1] * 100)
    monkeypatch.setattr(pieces, "ROWS_WORKED_MAX", 50)
    with pytest.raises(InputError, match="About 100 samples") as refused:
        rooms.history.gaps(["p/a"], START_US, END_US, SECOND)
    assert "shorter time" in refused.value.remedy.en


def test_an_unknown_tag_is_answered_with_the_nearest(rooms: Rooms) -> None:
    rooms.put("p/power", [1], [1])
    with pytest.raises(NotFound, match="Did you mean p/power"):
        rooms.history.read(["p/pwoer"], START_US, END_US)
    with pytest.raises(NotFound):
        rooms.history.read(["q/*"], START_US, END_US)


def test_a_file_that_cannot_be_read_is_named_until_it_can(rooms: Rooms) -> None:
    rooms.put("p/a", [1], [1])
    rooms.history.flush()
    rooms.put("p/a", [2], [2])
    [file] = (rooms.folder / "samples").rglob("*.parquet")
    hidden = file.with_suffix(".hidden")
    file.rename(hidden)
    stored = rooms.stored()
    assert values(stored.read(["p/a"], START_US, END_US)) == [2]
    assert len(stored.unreadable) == 1
    hidden.rename(file)
    assert values(stored.read(["p/a"], START_US, END_US)) == [1, 2]
    assert not stored.unreadable
