"""Upkeep: merging, rollups and cleaning change no answer, whatever happens meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars
import pytest
from deltalake import DeltaTable

from lianji.dictionary.batch import Batch
from lianji.history.compaction.plan import FAN
from lianji.history.delta.files import SEALED, Files
from lianji.history.upkeep.vacuum import vacuum
from tests.history.conftest import SECOND, START_US, Rooms

MINUTES = 3
TAGS = [f"plant/m{number}/power" for number in range(20)]


def put_minutes(rooms: Rooms, first: int, count: int = MINUTES, seed: int = 0) -> None:
    """Some minutes of all tags at 1 Hz, some of it bad."""
    draw = np.random.default_rng(seed + first)
    ids = rooms.names.ids_of(TAGS)
    seconds = np.arange(first * 60, (first + count) * 60)
    times = START_US + np.repeat(seconds, len(ids)) * SECOND
    values = draw.normal(20, 2, len(times)).round(2)
    quality = np.where(draw.random(len(times)) < 0.02, 0x8000, 0)
    batch = Batch.of(np.tile(ids, len(seconds)), times, values, quality)
    rooms.spool.put(batch).result(10)
    rooms.history.flush()


def everything(rooms: Rooms) -> list[dict[str, object]]:
    return rooms.history.read(TAGS, START_US, START_US + 10**13).to_pylist()  # type: ignore[no-any-return]


def run_upkeep(rooms: Rooms) -> int:
    jobs = 0
    while rooms.history.upkeep.step():
        assert rooms.history.upkeep.error is None
        jobs += 1
        assert jobs < 50
    return jobs


def files_of(rooms: Rooms) -> Files:
    return rooms.history.upkeep.samples.files


@pytest.fixture
def sealed(rooms: Rooms) -> Iterator[Rooms]:
    """A past day that was merged, and has its rollups."""
    for number in range(FAN + 1):
        put_minutes(rooms, number * MINUTES)
    age(rooms)
    run_upkeep(rooms)
    yield rooms


def age(rooms: Rooms) -> None:
    """As if the files had been written long ago: a quiet minute is over."""
    state = rooms.history.upkeep.samples._state
    for path in state.modified_ms:
        state.modified_ms[path] -= 600_000


def test_a_past_day_becomes_one_file_and_says_the_same(rooms: Rooms) -> None:
    for number in range(FAN + 1):
        put_minutes(rooms, number * MINUTES)
    before = everything(rooms)
    assert len(files_of(rooms)) == FAN + 1
    age(rooms)
    assert run_upkeep(rooms) >= 1
    assert [file.level for file in files_of(rooms)] == [SEALED]
    assert everything(rooms) == before
    table = DeltaTable(rooms.folder / "samples")
    assert table.to_pyarrow_table().num_rows == len(before)


def test_rollups_are_tables_that_others_read(sealed: Rooms) -> None:
    minutes = polars.read_delta(str(sealed.folder / "samples_1min"))
    hours = polars.read_delta(str(sealed.folder / "samples_1h"))
    of_minutes = (FAN + 1) * MINUTES * len(TAGS)
    assert (minutes.height, hours.height) == (of_minutes, len(TAGS))
    samples = polars.read_delta(str(sealed.folder / "samples"))
    assert minutes["count"].sum() == hours["count"].sum() == samples.height
    good = samples.filter(polars.col("quality") == 0)
    assert hours["max"].max() == good["value"].max()
    assert hours["sum"].sum() == pytest.approx(good["value"].sum())


def test_late_samples_and_corrections_are_merged_in(sealed: Rooms) -> None:
    sealed.put(TAGS[3], [30.5, 31], [100.0, 200.0])
    sealed.history.flush()
    expected = everything(sealed)
    assert any(row["value"] == 100.0 for row in expected)
    age(sealed)
    run_upkeep(sealed)
    assert [file.level for file in files_of(sealed)] == [SEALED]
    assert everything(sealed) == expected
    hours = polars.read_delta(str(sealed.folder / "samples_1h"))
    assert hours["max"].max() == 200.0
    assert hours["count"].sum() == len(expected)


def test_a_merge_that_was_overtaken_by_a_correction_is_thrown_away(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(FAN + 1):
        put_minutes(rooms, number * MINUTES)
    age(rooms)
    upkeep = rooms.history.upkeep
    run = upkeep._runner.run

    def overtaken(job):  # type: ignore[no-untyped-def]
        outcome = run(job)
        rooms.put(TAGS[0], [30], [777.0])
        rooms.history.flush()
        return outcome

    with monkeypatch.context() as patch:
        patch.setattr(upkeep._runner, "run", overtaken)
        assert upkeep.step()
    expected = everything(rooms)
    assert any(row["value"] == 777.0 for row in expected)
    assert len(files_of(rooms)) > 1
    age(rooms)
    run_upkeep(rooms)
    assert everything(rooms) == expected
    assert [file.level for file in files_of(rooms)] == [SEALED]


def test_vacuum_takes_only_what_has_been_out_of_the_table_for_long(sealed: Rooms) -> None:
    folder = sealed.folder / "samples"
    before = everything(sealed)
    stray = folder / "site=plant" / "day=2026-01-01" / "stray.parquet"
    stray.write_bytes(b"a writer was killed here")
    samples = sealed.history.upkeep.samples
    there = len(list(folder.rglob("*.parquet")))
    assert vacuum(samples, 0) == 0
    assert len(list(folder.rglob("*.parquet"))) == there
    for path, (when, size) in list(samples._state.tombstones.items()):
        samples._state.tombstones[path] = (when - 7_200_000, size)
    old = time.time() - 7200
    os.utime(stray, (old, old))
    assert vacuum(samples, 0) == FAN + 2
    assert everything(sealed) == before
    assert DeltaTable(folder).to_pyarrow_table().num_rows == len(before)


def test_a_damaged_file_is_passed_over_and_the_rest_is_merged(tmp_path: Path) -> None:
    rooms = Rooms(tmp_path)
    for number in range(FAN + 1):
        put_minutes(rooms, number * MINUTES)
    put_minutes(rooms, 24 * 60 * 3)
    bad = next(iter(files_of(rooms)))
    (tmp_path / "samples" / bad.path).write_bytes(b"nonsense")
    age(rooms)
    while rooms.history.upkeep.step():
        pass
    assert bad in files_of(rooms)
    rows = everything(rooms)
    assert len(rows) == (FAN + 1) * MINUTES * 60 * len(TAGS)
    assert list(rooms.history.unreadable) == [bad.path]
    rooms.close()


def test_a_year_stays_at_a_few_files_a_day_and_months_of_hours(tmp_path: Path) -> None:
    rooms = Rooms(tmp_path)
    for day in range(20):
        for part in range(3):
            put_minutes(rooms, day * 1440 + part * 10, count=1, seed=day)
    age(rooms)
    before = everything(rooms)
    run_upkeep(rooms)
    assert len(files_of(rooms)) == 20
    assert len(rooms.history.upkeep.hours.files) < 9
    assert everything(rooms) == before
    hours = polars.read_delta(str(tmp_path / "samples_1h"))
    assert hours["count"].sum() == len(before)
    rooms.close()


NAMES = ["time_average2", "total2", "average", "minimum", "maximum", "count", "range", "bad"]


def aggregates(rooms: Rooms, step_s: int, status: bool) -> list[dict[str, object]]:
    """With statuses the samples are read, without them rollups may answer."""
    asked = rooms.history.aggregate(
        TAGS, START_US, START_US + 3600 * SECOND, step_s * SECOND, NAMES, with_status=status
    )
    return asked.select(["tag", "time", *NAMES]).to_pylist()  # type: ignore[no-any-return]


def assert_alike(left: list[dict[str, object]], right: list[dict[str, object]]) -> None:
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        assert (one["tag"], one["time"]) == (other["tag"], other["time"])
        for name in NAMES:
            if one[name] is None or other[name] is None:
                assert one[name] == other[name], (name, one, other)
            else:
                assert one[name] == pytest.approx(other[name], rel=1e-9), (name, one, other)


@pytest.mark.parametrize("step_s", [60, 600, 3600, 1700])
def test_rollups_give_the_answers_of_the_samples(sealed: Rooms, step_s: int) -> None:
    assert_alike(aggregates(sealed, step_s, False), aggregates(sealed, step_s, True))


@pytest.mark.parametrize("step_s", [60, 3600])
def test_rollups_stay_right_under_late_samples_corrections_and_what_is_in_memory(
    sealed: Rooms, step_s: int
) -> None:
    sealed.put(TAGS[3], [30.5, 90.25, 1500.75], [100.0, 200.0, -50.0])
    sealed.history.flush()
    assert_alike(aggregates(sealed, step_s, False), aggregates(sealed, step_s, True))
    sealed.put(TAGS[4], [31, 32.5], [555.0, 1.0])
    put_more = [(FAN + 1) * MINUTES * 60 + second for second in range(90)]
    sealed.put(TAGS[5], [float(second) for second in put_more], [1.0] * 90)
    assert_alike(aggregates(sealed, step_s, False), aggregates(sealed, step_s, True))
    assert_alike(
        aggregates(sealed, step_s, True),
        sealed.stored().aggregate(
            TAGS, START_US, START_US + 3600 * SECOND, step_s * SECOND, NAMES
        ).select(["tag", "time", *NAMES]).to_pylist(),
    )  # fmt: skip


def test_a_long_chart_of_rollups_has_the_peaks_of_the_samples(sealed: Rooms) -> None:
    sealed.put(TAGS[0], [777.5], [999.0])
    sealed.history.flush()
    chart = sealed.history.plot(TAGS[:1], START_US, START_US + 1620 * SECOND, 10)
    samples = sealed.history.read(TAGS[:1], START_US, START_US + 1620 * SECOND)
    drawn = chart["value"].to_pylist()
    assert max(value for value in drawn if value is not None) == 999.0
    real = dict(zip(samples["time"].to_pylist(), samples.to_pylist(), strict=True))
    for time_of, value in zip(chart["time"].to_pylist(), drawn, strict=True):
        sample = real[time_of]
        assert value == sample["value"] if value is not None else sample["quality"] == 0x8000
