"""What should not come and does: the historian refuses it, marks it, or answers around it."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lianji.base.errors import InputError, LianjiError, StorageError
from lianji.cli.main import app
from lianji.connect.driver import Columns
from lianji.connect.outbox import Outbox
from lianji.connect.push.line_protocol import parse_lines
from lianji.connect.statistics import Statistics
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN, Batch
from lianji.dictionary.quality import Quality
from lianji.history.compaction.plan import FAN
from lianji.history.delta.actions import DataFile
from lianji.history.delta.log import Change, DeltaLog
from lianji.history.places.folder import FolderPlace
from lianji.history.tables import SAMPLES
from lianji.node.doctor import examine
from lianji.node.folder import PlantFolder
from tests.history.conftest import SECOND, START_US, Rooms
from tests.history.test_upkeep import (
    MINUTES,
    TAGS,
    age,
    aggregates,
    assert_alike,
    everything,
    put_minutes,
    run_upkeep,
)

DAY_S = 86_400
YEAR_1601_US = -11_644_473_600_000_000
"""Where Windows counts from: what a device without a clock says."""
YEAR_2999_US = 32_472_144_000_000_000


# -- numbers and times ---------------------------------------------------------------------------


def test_what_is_no_number_is_kept_as_bad_and_spoils_no_sum(rooms: Rooms) -> None:
    rooms.put("plant/a", [0, 1, 2, 3, 4], [1, math.nan, math.inf, -math.inf, 3])
    for _ in ("memory", "file"):
        table = rooms.history.read(["plant/a"], START_US, START_US + 10 * SECOND)
        assert table["value"].to_pylist() == [1, None, None, None, 3]
        out_of_range = int(Quality.BAD_OUT_OF_RANGE)
        assert table["quality"].to_pylist() == [
            0, int(Quality.BAD_NO_DATA), out_of_range, out_of_range, 0,
        ]  # fmt: skip
        sums = rooms.history.aggregate(
            ["plant/a"], START_US, START_US + 10 * SECOND, 10 * SECOND,
            ["average", "sum", "maximum", "count", "bad"],
        ).to_pylist()  # fmt: skip
        told = {name: value for name, value in sums[0].items() if name not in ("tag", "time")}
        assert told == {"average": 2, "sum": 4, "maximum": 3, "count": 2, "bad": 3}
        rooms.history.flush()


def test_the_largest_numbers_overflow_into_nothing_and_nobody_fails(rooms: Rooms) -> None:
    most = 1.7e308
    rooms.put("plant/a", [0, 10, 20, 30], [most, -most, most, most])
    rooms.history.flush()
    age(rooms)
    run_upkeep(rooms)
    asked = (["plant/a"], START_US, START_US + 60 * SECOND, 60 * SECOND)
    for status in (False, True):
        rows = rooms.history.aggregate(*asked, ["sum", "total2", "range"], with_status=status)
        assert rows.num_rows == 1
    assert rooms.history.plot(*asked[:3], 2)["value"].to_pylist()
    at = rooms.history.at(["plant/a"], START_US + 5 * SECOND)
    assert at.num_rows == 1


@pytest.mark.parametrize("time_us", [YEAR_1601_US, YEAR_2999_US, TIME_US_MIN - 1, TIME_US_MAX + 1])
def test_a_time_of_a_broken_clock_never_becomes_a_batch(time_us: int) -> None:
    with pytest.raises(InputError, match="1900 to 2200"):
        Batch.of([0, 0], [START_US, time_us], [1.0, 2.0])


@pytest.mark.parametrize("time_us", [YEAR_1601_US, YEAR_2999_US])
def test_a_line_with_such_a_time_is_refused_and_its_neighbours_stay(time_us: int) -> None:
    body = f"m v=1 {START_US}\nm v=2 {time_us}\nm v=3 {START_US + 1}\n".encode()
    parsed = parse_lines(body, "us", START_US)
    assert parsed.values.tolist() == [1, 3]
    assert [one.line for one in parsed.rejected] == [2]


async def test_a_device_with_such_a_time_is_believed_the_value_and_not_the_time() -> None:
    taken: list[Batch] = []
    arrived = asyncio.Event()

    class Keeping:
        async def append(self, batch: Batch) -> int:
            taken.append(batch)
            arrived.set()
            return len(taken)

    columns = Columns(
        np.array([0, 1], np.int32),
        np.array([START_US, YEAR_1601_US]),
        np.array([1.0, 2.0]),
        np.zeros(2, np.uint16),
        None,
    )
    outbox = Outbox(np.array([7, 8], np.int32), [0.0, 0.0], 60.0, Keeping(), Statistics("d", "p"))
    await outbox.send(columns)
    running = asyncio.create_task(outbox.run())
    await arrived.wait()
    running.cancel()
    [batch] = taken
    assert batch.samples.column(4).to_pylist() == [0, int(Quality.UNCERTAIN)]
    assert batch.times_us[0] == START_US and batch.times_us[1] > START_US


def test_the_first_and_the_last_moment_are_samples_like_any_other(rooms: Rooms) -> None:
    [tag] = rooms.names.ids_of(["plant/a"])
    times = [TIME_US_MIN, -1, 0, START_US, TIME_US_MAX - 1]
    for time_us in reversed(times):
        rooms.spool.put(Batch.of([tag], [time_us], [float(time_us)])).result(10)
        rooms.history.flush()
    age(rooms)
    run_upkeep(rooms)
    for history in (rooms.history, rooms.stored()):
        found = history.read(["plant/a"], TIME_US_MIN, TIME_US_MAX)
        assert found["value"].to_pylist() == [float(one) for one in times]
        assert history.last()["value"].to_pylist() == [float(TIME_US_MAX - 1)]
        counted = history.sql("select count(*) n, min(year(time)) y from samples").to_pylist()
        assert counted == [{"n": len(times), "y": 1900}]


@pytest.mark.parametrize(
    ("start_us", "end_us"), [(YEAR_1601_US, START_US), (START_US, YEAR_2999_US), (START_US,) * 2]
)
def test_a_range_beyond_all_time_is_refused(rooms: Rooms, start_us: int, end_us: int) -> None:
    rooms.put("plant/a", [0], [1])
    asks: list[Callable[[], Any]] = [
        lambda: rooms.history.read(["plant/a"], start_us, end_us),
        lambda: rooms.history.plot(["plant/a"], start_us, end_us, 10),
        lambda: rooms.history.gaps(["plant/a"], start_us, end_us, SECOND),
        lambda: rooms.history.aggregate(["plant/a"], start_us, end_us, 10**15),
        lambda: rooms.history.modified(["plant/a"], start_us, end_us),
    ]
    for ask in asks:
        with pytest.raises(InputError):
            ask()


# -- names ---------------------------------------------------------------------------------------


def test_a_path_of_ten_thousand_characters_is_refused_and_gets_no_id(rooms: Rooms) -> None:
    with pytest.raises(InputError, match="at most 256"):
        rooms.put("plant/" + "x" * 9_994, [0], [1])
    assert rooms.names.count == 0
    with pytest.raises(LianjiError):
        rooms.history.read(["x" * 10_000], START_US, START_US + SECOND)


@pytest.mark.parametrize(
    "path", ["厂" * 256, "plant/a\u2028b", "plant/a\x85b", "plant/😀 %20=:#?&", "plant/{site}[*]"]
)
def test_the_strangest_paths_that_are_taken_survive_every_file_and_start(
    tmp_path: Path, path: str
) -> None:
    rooms = Rooms(tmp_path)
    for number in range(3):
        rooms.put(path, [number * 60.0, number * 60.0 + 30], [number, number + 0.5])
        rooms.put("plant/other", [number * 60.0], [number])
        rooms.history.flush()
    age(rooms)
    run_upkeep(rooms)
    rooms.history.upkeep.samples.checkpoint()
    rooms.crash()
    rooms.open()
    values = [0, 0.5, 1, 1.5, 2, 2.5]
    for history in (rooms.history, rooms.stored()):
        assert history.read([path], START_US, START_US + 10**9)["value"].to_pylist() == values
        rolled = history.aggregate([path], START_US, START_US + 180 * SECOND, 60 * SECOND, ["sum"])
        assert rolled["sum"].to_pylist() == [0.5, 2.5, 4.5]
    rooms.close()


# -- files that are damaged ----------------------------------------------------------------------


def garbage(file: Path) -> None:
    file.write_bytes(b"x" * file.stat().st_size)


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def missing(file: Path) -> None:
    file.unlink()


DAMAGES = [garbage, truncated, emptied, missing]
Damage = Callable[[Path], None]


@pytest.fixture
def two_days(rooms: Rooms) -> Iterator[Rooms]:
    """Two files of the first day and one of the second, of the tags a and b."""
    for first_s in (0, 60, DAY_S):
        rooms.put("plant/a", [first_s, first_s + 1.0], [first_s, first_s + 1])
        rooms.put("plant/b", [first_s], [first_s])
        rooms.history.flush()
    yield rooms


def first_file(rooms: Rooms) -> DataFile:
    return min(rooms.history.upkeep.samples.files, key=lambda file: file.start_us)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_and_the_rest_is_answered(two_days: Rooms, damage: Damage) -> None:
    bad = first_file(two_days)
    damage(two_days.folder / "samples" / bad.path)
    for history in (two_days.history, two_days.stored()):
        found = history.read(["plant/a"], START_US, START_US + 2 * DAY_S * SECOND)
        assert found["value"].to_pylist() == [60, 61, DAY_S, DAY_S + 1]
        assert list(history.unreadable) == [bad.path]
        told = history.unreadable[bad.path]
        assert bad.path in told.cause.en and "backup" in told.remedy.en
        assert history.last(["plant/a"])["value"].to_pylist() == [DAY_S + 1]
        day = (START_US, START_US + DAY_S * SECOND, 3600 * SECOND)
        assert history.aggregate(["plant/a"], *day, ["count"])["count"].to_pylist()[0] == 2
        history.unreadable.clear()
        [total] = history.sql("select sum(value) as s from samples")["s"].to_pylist()
        assert total == 60 + 61 + 60 + DAY_S + DAY_S + 1 + DAY_S
        assert list(history.unreadable) == [bad.path]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_restored_counts_again(two_days: Rooms, damage: Damage) -> None:
    file = two_days.folder / "samples" / first_file(two_days).path
    content = file.read_bytes()
    damage(file)
    asked = (["plant/a"], START_US, START_US + DAY_S * SECOND)
    assert two_days.history.read(*asked).num_rows == 2
    file.write_bytes(content)
    assert two_days.history.read(*asked).num_rows == 4
    assert not two_days.history.unreadable


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_does_not_keep_new_samples_out(two_days: Rooms, damage: Damage) -> None:
    """A plant that starts again knows nothing of its tags' newest times and looks them up."""
    bad = first_file(two_days)
    damage(two_days.folder / "samples" / bad.path)
    two_days.crash()
    two_days.open()
    two_days.put("plant/a", [2 * DAY_S], [7])
    two_days.history.flush()
    two_days.put("plant/a", [120], [8])
    two_days.history.flush()
    found = two_days.history.read(["plant/a"], START_US, START_US + 3 * DAY_S * SECOND)
    assert found["value"].to_pylist() == [60, 61, 8, DAY_S, DAY_S + 1, 7]
    assert two_days.history.status().unflushed == 0


def everything_of(rooms: Rooms, tag: str) -> list[float]:
    found = rooms.history.read([tag], START_US, START_US + 5 * DAY_S * SECOND)
    mine: list[float] = found["value"].to_pylist()
    other = rooms.stored().read([tag], START_US, START_US + 5 * DAY_S * SECOND)
    assert other["value"].to_pylist() == mine
    return mine


def test_a_correction_in_a_damaged_file_waits_and_keeps_no_other_sample_out(
    two_days: Rooms,
) -> None:
    file = two_days.folder / "samples" / first_file(two_days).path
    whole = file.read_bytes()
    garbage(file)
    two_days.put("plant/a", [1], [9])
    two_days.put("plant/b", [2 * DAY_S], [7])
    two_days.history.flush()
    status = two_days.history.status()
    assert (status.waiting, status.unflushed) == (1, 0)
    assert everything_of(two_days, "plant/b")[-1] == 7
    assert 9 in everything_of(two_days, "plant/a")
    two_days.crash()
    two_days.open()
    assert 9 in everything_of(two_days, "plant/a")
    two_days.put("plant/a", [1], [10])
    two_days.put("plant/c", [2 * DAY_S], [7])
    two_days.history.flush()
    assert two_days.history.status().waiting == 2, "both arrivals, for each replaced something"
    file.write_bytes(whole)
    two_days.put("plant/c", [2 * DAY_S + 1], [7])
    two_days.history.flush()
    assert two_days.history.status().waiting == 0
    assert everything_of(two_days, "plant/a")[:3] == [0, 10, 60]
    replaced = two_days.history.modified(["plant/a"], START_US, START_US + DAY_S * SECOND)
    assert sorted(replaced["value"].to_pylist()) == [1, 9]
    assert [one.name for one in (two_days.folder / "waiting").iterdir()] != []


def test_a_sample_that_stands_in_a_healthy_file_does_not_wait(two_days: Rooms) -> None:
    two_days.put("plant/a", [3, 61.5], [3, 61.5])
    two_days.history.flush()
    two_days.crash()
    garbage(two_days.folder / "samples" / first_file(two_days).path)
    two_days.open()
    two_days.put("plant/a", [3, 61.5, 0.5], [3, 62, 0.5])
    two_days.history.flush()
    assert two_days.history.status().waiting == 1
    assert {3, 62, 0.5} <= set(everything_of(two_days, "plant/a"))


def test_what_came_while_a_file_was_lost_is_not_taken_twice(two_days: Rooms) -> None:
    garbage(two_days.folder / "samples" / first_file(two_days).path)
    for _ in range(2):
        two_days.put("plant/a", [DAY_S + 60], [7])
        two_days.put("plant/c", [30], [7])  # a tag of which nothing is known yet
        two_days.history.flush()
    query = "select count(*) as n from samples where value = 7"
    assert two_days.history.sql(query)["n"].to_pylist() == [2]


def test_what_waited_and_is_lost_is_told(two_days: Rooms) -> None:
    garbage(two_days.folder / "samples" / first_file(two_days).path)
    two_days.put("plant/a", [1], [9])
    two_days.history.flush()
    two_days.crash()
    [file] = (two_days.folder / "waiting").iterdir()
    file.unlink()
    two_days.open()
    assert two_days.history.unreadable[str(file)].code == "waiting-lost"
    two_days.put("plant/b", [3 * DAY_S], [7])
    two_days.history.flush()
    assert everything_of(two_days, "plant/b")[-1] == 7


@pytest.fixture
def rolled(rooms: Rooms) -> Iterator[Rooms]:
    for number in range(FAN + 1):
        put_minutes(rooms, number * MINUTES)
    age(rooms)
    run_upkeep(rooms)
    assert rooms.history.upkeep.minutes.files.rows and rooms.history.upkeep.hours.files.rows
    yield rooms


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("table", ["samples_1min", "samples_1h"])
def test_a_damaged_rollup_costs_time_and_no_answer(
    rolled: Rooms, damage: Damage, table: str
) -> None:
    before = everything(rolled)
    for file in (rolled.folder / table).rglob("*.parquet"):
        damage(file)
    for step_s in (60, 3600):
        assert_alike(aggregates(rolled, step_s, False), aggregates(rolled, step_s, True))
    chart = rolled.history.plot(TAGS[:1], START_US, START_US + 1620 * SECOND, 10)
    of_tag = [row["value"] for row in before if row["tag"] == TAGS[0] and not row["quality"]]
    values = [value for value in of_tag if isinstance(value, float)]
    assert {max(values), min(values)} <= set(chart["value"].to_pylist())
    rolled.put(TAGS[3], [30.5], [100.0])
    rolled.history.flush()
    age(rolled)
    while rolled.history.upkeep.step():
        pass
    for step_s in (60, 3600):
        assert_alike(aggregates(rolled, step_s, False), aggregates(rolled, step_s, True))
    assert len(everything(rolled)) == len(before) + 1


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_was_replaced_in_a_damaged_file_is_refused_by_its_name(
    rooms: Rooms, damage: Damage
) -> None:
    rooms.put("plant/a", [1], [1])
    rooms.put("plant/a", [1], [2])
    rooms.history.flush()
    [file] = (rooms.folder / "modified").rglob("*.parquet")
    damage(file)
    with pytest.raises(StorageError) as failure:
        rooms.history.modified(["plant/a"], START_US, START_US + 10 * SECOND)
    assert file.name in failure.value.cause.en


@pytest.fixture
def plant(tmp_path: Path) -> Path:
    """A plant's folder with two files of samples, whose process has ended."""
    (tmp_path / "lianji.toml").write_text('[site]\nname = "plant"\n')
    folder = PlantFolder(tmp_path)
    folder.data.mkdir()
    rooms = Rooms(folder.data)
    for second in (1, 2):
        rooms.put("plant/a", [second], [second])
        rooms.history.flush()
    rooms.close()
    (folder.data / "ids.tsv").rename(folder.tag_ids)
    return tmp_path


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_command_line_warns_and_the_doctor_names_the_file(
    plant: Path, damage: Damage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIANJI_LANG", "en")
    bad = sorted((plant / "data" / "samples").rglob("*.parquet"))[0]
    damage(bad)
    asked = ["read", "plant/a", "--start", "2026-01-01T00:00Z", "--end", "2026-01-01T01:00Z"]
    done = CliRunner().invoke(app, [*asked, "--json", "--plant", str(plant)])
    assert done.exit_code == 0 and len(json.loads(done.stdout)) == 1
    assert "1 files could not be read" in done.stderr and bad.name in done.stderr
    found = [one for one in examine(PlantFolder(plant)) if one.check.en == "history table"]
    assert [one.problem is not None and bad.name in one.found.en for one in found] == [True]


# -- questions that nobody should ask ------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "insert into samples values ('plant/a', now(), 1, null, 0, 'plant', current_date)",
        "update samples set value = 0",
        "delete from samples",
        "drop view samples",
        "create or replace view samples as select 1",
        "copy (select 1) to '/tmp/x.parquet'",
        "export database '/tmp/x'",
        "install httpfs; load httpfs",
        "select * from read_parquet('/etc/*')",
        "pragma database_list; attach ':memory:' as other; drop view samples",
    ],
)
def test_sql_that_writes_leaves_all_as_it_was(rooms: Rooms, query: str) -> None:
    rooms.put("plant/a", [1, 2], [1, 2])
    rooms.history.flush()
    rooms.put("plant/a", [3], [3])
    before = sorted((path, path.stat().st_mtime_ns) for path in rooms.folder.rglob("*.parquet"))
    try:
        rooms.history.sql(query)
    except InputError as refused:
        assert refused.code == "sql-failed"
    after = sorted((path, path.stat().st_mtime_ns) for path in rooms.folder.rglob("*.parquet"))
    assert after == before
    answer = rooms.history.sql("select count(*) n, sum(value) s from samples").to_pylist()
    assert answer == [{"n": 3, "s": 6}]


@pytest.fixture
def ten_billion(rooms: Rooms) -> Rooms:
    """A table whose log says that it has ten thousand million rows of one tag."""
    rooms.put("plant/a", [0, 1], [1, 2])
    rooms.history.flush()
    log = rooms.history.upkeep.samples
    [file] = log.files
    log.commit(Change("WRITE", [replace(file, rows=10_000_000_000)], [file]))
    return rooms


def test_a_question_over_ten_billion_rows_is_refused_with_a_remedy(ten_billion: Rooms) -> None:
    history = ten_billion.history
    asked = (["plant/a"], START_US, START_US + DAY_S * SECOND)
    assert history.rows_expected(*asked) == 10_000_000_000
    asks: list[Callable[[], Any]] = [
        lambda: history.plot(*asked, 1000),
        lambda: history.aggregate(*asked, DAY_S * SECOND, ["average"]),
        lambda: history.gaps(*asked, SECOND),
    ]
    for ask in asks:
        with pytest.raises(InputError) as failure:
            ask()
        assert failure.value.code == "question-too-large"
        assert "fewer tags or a shorter time" in failure.value.remedy.en


def test_ten_billion_rows_are_read_in_parts_or_refused_above_a_limit(ten_billion: Rooms) -> None:
    asked = (["plant/a"], START_US, START_US + DAY_S * SECOND)
    parts = ten_billion.history.read_in_parts(*asked)
    assert next(parts).num_rows <= 2
    with pytest.raises(InputError, match="more than 1 rows"):
        ten_billion.history.read(*asked, limit=1)


def test_an_answer_of_ten_billion_intervals_is_refused(rooms: Rooms) -> None:
    rooms.put("plant/a", [0], [1])
    with pytest.raises(InputError, match="10,000,000,000"):
        rooms.history.aggregate(["plant/a"], START_US, START_US + 10**10, 1, ["average"])


# -- logs that are damaged -----------------------------------------------------------------------


def entry(rooms: Rooms, version: int, table: str = "samples") -> Path:
    return rooms.folder / table / "_delta_log" / f"{version:020d}.json"


@pytest.mark.parametrize(
    "content", [b"", b'{"add": {"path": "no', b"\x00" * 512, b"\n\n", b"[1]", b"\xff\xfe{}"]
)
@pytest.mark.parametrize("table", ["samples", "samples_1min", "modified"])
def test_a_torn_newest_entry_is_taken_away_and_nothing_is_missed(
    tmp_path: Path, content: bytes, table: str
) -> None:
    rooms = Rooms(tmp_path)
    rooms.put("plant/a", [1], [10])
    rooms.put("plant/a", [1], [11])
    rooms.history.flush()
    rooms.put("plant/a", [2], [20])
    rooms.crash()
    newest = max((tmp_path / table / "_delta_log").glob("*.json"))
    torn = entry(rooms, int(newest.stem) + 1, table)
    torn.write_bytes(content)
    rooms.open()
    assert rooms.read("plant/a") == [(1, 11), (2, 20)]
    rooms.put("plant/a", [2], [21])
    rooms.history.flush()
    assert rooms.read("plant/a") == [(1, 11), (2, 21)]
    assert rooms.stored().modified(["plant/a"], START_US, START_US + 10**9).num_rows == 2
    rooms.close()


def test_an_entry_in_the_middle_that_is_damaged_is_named_and_not_taken_away(
    tmp_path: Path,
) -> None:
    rooms = Rooms(tmp_path)
    for second in range(3):
        rooms.put("plant/a", [second], [second])
        rooms.history.flush()
    rooms.crash()
    damaged = entry(rooms, 1)
    damaged.write_bytes(damaged.read_bytes()[:50])
    with pytest.raises(StorageError, match=damaged.name):
        rooms.open()
    assert damaged.exists()
    rooms.spool.close()


FEATURES = [
    {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"],
     "writerFeatures": ["deletionVectors"]},
    {"minReaderVersion": 2, "minWriterVersion": 5},
    {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["rowTracking"]},
]  # fmt: skip


@pytest.mark.parametrize("protocol", FEATURES)
def test_a_feature_that_another_tool_switched_on_is_named_at_the_start(
    tmp_path: Path, protocol: dict[str, Any]
) -> None:
    rooms = Rooms(tmp_path)
    rooms.put("plant/a", [1], [10])
    rooms.history.flush()
    rooms.crash()
    entry(rooms, 2).write_text(json.dumps({"protocol": protocol}) + "\n")
    features = protocol.get("writerFeatures", ["a newer protocol"])
    with pytest.raises(StorageError, match=features[0]):
        rooms.open()
    rooms.spool.close()
    with pytest.raises(StorageError, match=features[0]):
        rooms.stored().last(["plant/a"])


@pytest.mark.parametrize("protocol", FEATURES)
def test_a_feature_that_is_switched_on_meanwhile_stops_the_writing_and_loses_nothing(
    rooms: Rooms, protocol: dict[str, Any]
) -> None:
    """What another tool then writes could not be understood, nor could it understand us."""
    stored = rooms.stored()
    rooms.put("plant/a", [1], [10])
    rooms.history.flush()
    assert stored.last(["plant/a"])["value"].to_pylist() == [10]
    strange = entry(rooms, 2)
    strange.write_text(json.dumps({"protocol": protocol}) + "\n")
    rooms.put("plant/a", [2], [20])
    for _ in range(2):
        with pytest.raises(StorageError) as failure:
            rooms.history.flush()
        assert failure.value.code == "history-protocol"
    assert rooms.history.status().unflushed == 1
    assert rooms.read("plant/a") == [(1, 10), (2, 20)]
    with pytest.raises(StorageError):
        stored.last(["plant/a"])
    strange.unlink()
    rooms.crash()
    rooms.open()
    rooms.history.flush()
    assert rooms.read("plant/a") == [(1, 10), (2, 20)]
    assert DeltaLog(FolderPlace(rooms.folder / "samples"), SAMPLES).files.rows == 2
