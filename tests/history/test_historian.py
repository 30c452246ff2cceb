"""What was acknowledged is in the history once, flushed or not, whoever asks and whenever."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import numpy as np
import polars
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianji.base.errors import InputError, NotFound, StorageError
from lianji.dictionary.batch import Batch
from lianji.history.delta.log import DeltaLog
from lianji.history.places.folder import FolderPlace
from lianji.history.settings import HistorySettings
from lianji.history.tables import SAMPLES
from lianji.trace.marks import Stage
from tests.history.conftest import SECOND, START_US, Rooms

DAY_S = 86_400


def test_a_sample_is_seen_before_and_after_it_is_flushed(rooms: Rooms) -> None:
    rooms.put("plant/a", [1, 2], [10, 20])
    assert rooms.read("plant/a") == [(1, 10), (2, 20)]
    rooms.history.flush()
    assert rooms.read("plant/a") == [(1, 10), (2, 20)]
    rooms.put("plant/a", [3], [30])
    assert rooms.read("plant/a") == [(1, 10), (2, 20), (3, 30)]
    assert rooms.history.status().unflushed == 1


def test_another_process_sees_all_that_was_acknowledged(rooms: Rooms) -> None:
    stored = rooms.stored()
    rooms.put("plant/a", [1], [10])
    assert stored.last(["plant/a"])["value"].to_pylist() == [10]
    rooms.history.flush()
    rooms.put("plant/a", [2], [20])
    rooms.put("plant/new", [2], [5])
    assert stored.last(None)["value"].to_pylist() == [20, 5]
    assert stored.sql("select count(*) from samples").to_pylist() == [{"count_star()": 3}]


def test_a_crash_before_the_flush_loses_nothing_and_one_after_doubles_nothing(
    tmp_path: Path,
) -> None:
    rooms = Rooms(tmp_path)
    rooms.put("plant/a", [1], [10])
    rooms.history.flush()
    rooms.put("plant/a", [2], [20])
    rooms.crash()
    rooms.open()
    assert rooms.read("plant/a") == [(1, 10), (2, 20)]
    rooms.history.flush()
    rooms.crash()
    rooms.open()
    assert rooms.read("plant/a") == [(1, 10), (2, 20)]
    assert rooms.history.status().rows == 2
    rooms.close()


def test_a_crash_between_commit_and_position_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = Rooms(tmp_path)
    rooms.put("plant/a", [1], [10])
    monkeypatch.setattr(rooms.history._reader, "commit", lambda sequence: None)
    rooms.history.flush()
    rooms.crash()
    rooms.open()
    assert rooms.read("plant/a") == [(1, 10)]
    rooms.history.flush()
    assert rooms.history.status().rows == 1
    rooms.close()


def test_the_later_arrival_wins_in_memory_and_in_the_table(rooms: Rooms) -> None:
    rooms.put("plant/a", [1, 2, 3], [10, 20, 30])
    rooms.put("plant/a", [2], [21])
    assert rooms.read("plant/a") == [(1, 10), (2, 21), (3, 30)]
    rooms.history.flush()
    rooms.put("plant/a", [3], [31])
    assert rooms.read("plant/a") == [(1, 10), (2, 21), (3, 31)]
    rooms.history.flush()
    assert rooms.read("plant/a") == [(1, 10), (2, 21), (3, 31)]
    status = rooms.history.status()
    assert (status.rows, status.corrected) == (3, 2)


def test_the_same_samples_again_add_nothing(rooms: Rooms) -> None:
    for _ in range(3):
        rooms.put("plant/a", [1, 2, 3], [1, 2, np.nan], [0, 0, 0x808C])
        rooms.put("plant/b", [1], [np.nan], texts=["open"])
        rooms.history.flush()
    status = rooms.history.status()
    assert (status.rows, status.repeated, status.corrected, status.files) == (4, 8, 0, 1)


def test_late_samples_take_their_place(rooms: Rooms) -> None:
    rooms.put("plant/a", [10, 20], [1, 2])
    rooms.history.flush()
    rooms.put("plant/a", [15, 5, -0.5 * DAY_S], [1.5, 0.5, -1])
    assert rooms.read("plant/a") == [(5, 0.5), (10, 1), (15, 1.5), (20, 2)]
    rooms.history.flush()
    assert rooms.read("plant/a") == [(5, 0.5), (10, 1), (15, 1.5), (20, 2)]
    assert rooms.history.status().rows == 5


def test_late_is_known_after_a_restart_too(tmp_path: Path) -> None:
    rooms = Rooms(tmp_path)
    rooms.put("plant/a", [10, 20], [1, 2])
    rooms.close()
    rooms.open()
    rooms.put("plant/a", [10, 15, 20], [1, 1.5, 3])
    rooms.history.flush()
    rooms.put("plant/a", [20], [3])
    rooms.history.flush()
    assert rooms.read("plant/a") == [(10, 1), (15, 1.5), (20, 3)]
    assert rooms.history.status().rows == 3
    rooms.close()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 3), st.integers(0, 200_000), st.integers(0, 3)), min_size=1
        ),
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_any_order_of_samples_flushes_and_crashes_gives_the_last_arrival_of_each_key(
    tmp_path_factory: pytest.TempPathFactory,
    arrivals: list[list[tuple[int, int, int]]],
    chance: random.Random,
) -> None:
    rooms = Rooms(tmp_path_factory.mktemp("any"))
    tags = rooms.names.ids_of([f"plant/t{n}" for n in range(4)])
    truth: dict[tuple[int, int], int] = {}
    for arrival in arrivals:
        columns = np.array(arrival)
        times = START_US + columns[:, 1] * SECOND
        rooms.spool.put(Batch.of(tags[columns[:, 0]], times, columns[:, 2])).result(10)
        truth.update({(tag, time): value for tag, time, value in arrival})
        match chance.randrange(4):
            case 0:
                rooms.history.flush()
            case 1:
                rooms.crash()
                rooms.open()
    for history in (rooms.history, rooms.stored()):
        found = {
            (int(str(row["tag"])[-1]), round(row["time"].timestamp() - START_US / SECOND)): row[
                "value"
            ]
            for n in range(4)
            for row in history.read([f"plant/t{n}"], START_US, START_US + 10**12).to_pylist()
        }
        assert found == truth
        answer = history.sql("select tag, time, value from samples").to_pylist()
        assert len(answer) == len(truth)
    rooms.history.flush()
    table = polars.read_delta(str(rooms.folder / "samples")) if truth else None
    assert table is None or len(table) == len(truth)
    rooms.close()


def test_duckdb_and_polars_read_the_table_of_a_plant_that_writes(rooms: Rooms) -> None:
    for start in range(5):
        rooms.put("plant/a", [start * DAY_S, start * DAY_S + 1], [start, np.nan], [0, 0x8000])
        rooms.history.flush()
    place = rooms.folder / "samples"
    by_polars = polars.read_delta(str(place)).sort("time")
    assert by_polars["value"].to_list() == [0, None, 1, None, 2, None, 3, None, 4, None]
    assert by_polars["quality"].to_list() == [0, 0x8000] * 5
    files = f"{place}/site=plant/*/*.parquet"
    by_duckdb = duckdb.sql(f"select count(*), sum(value) from read_parquet('{files}')").fetchall()
    assert by_duckdb == [(10, 10.0)]


def test_days_lie_in_partitions_of_their_own(rooms: Rooms) -> None:
    rooms.put("plant/a", [DAY_S - 1, DAY_S, 2 * DAY_S], [1, 2, 3])
    rooms.history.flush()
    days = {file.period for file in DeltaLog(FolderPlace(rooms.folder / "samples"), SAMPLES).files}
    assert days == {"2026-01-01", "2026-01-02", "2026-01-03"}


def test_a_torn_log_entry_is_removed_and_its_samples_come_again(tmp_path: Path) -> None:
    rooms = Rooms(tmp_path)
    rooms.put("plant/a", [1], [10])
    rooms.history.flush()
    rooms.put("plant/a", [2], [20])
    rooms.crash()
    torn = tmp_path / "samples" / "_delta_log" / f"{2:020d}.json"
    torn.write_text('{"add": {"path": "no')
    rooms.open()
    assert rooms.read("plant/a") == [(1, 10), (2, 20)]
    rooms.history.flush()
    assert rooms.history.status().rows == 2
    rooms.close()


def test_a_flush_that_fails_keeps_everything_and_says_so(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms.put("plant/a", [1], [10])
    with monkeypatch.context() as failing:
        failing.setattr(
            FolderPlace, "keep_all", lambda *_: (_ for _ in ()).throw(OSError(28, "disk full"))
        )
        assert not rooms.history._or_tell(rooms.history.flush)
        assert rooms.history.status().error is not None
    assert rooms.read("plant/a") == [(1, 10)]
    assert rooms.history._or_tell(rooms.history.flush)
    assert rooms.read("plant/a") == [(1, 10)]
    assert rooms.history.status().error is None


def test_the_last_of_many_tags_is_known_also_after_a_restart(tmp_path: Path) -> None:
    rooms = Rooms(tmp_path)
    rooms.put("plant/a", [1, 2], [1, 2])
    rooms.put("plant/b", [DAY_S], [np.nan], texts=["closed"])
    rooms.close()
    rooms.open()
    rooms.put("plant/c", [5], [50], 0x4000)
    last = rooms.history.last(["plant/c", "plant/b", "plant/a"])
    assert last["tag"].to_pylist() == ["plant/c", "plant/b", "plant/a"]
    assert last["value"].to_pylist() == [50, None, 2]
    assert last["text"].to_pylist() == [None, "closed", None]
    assert last["quality"].to_pylist() == [0x4000, 0, 0]
    rooms.close()


def test_marks_tell_where_batches_waited(rooms: Rooms) -> None:
    rooms.put("plant/a", [1], [10])
    rooms.history.flush()
    figures = {figure.stage: figure for figure in rooms.history.stages.figures()}
    assert {"spool", "flush", "commit"} <= set(figures)
    assert figures["flush"].wait_p50_us > 0
    assert Stage.SPOOL.name.lower() in figures


def test_an_unknown_tag_is_named_with_its_nearest(rooms: Rooms) -> None:
    rooms.put("plant/press/temperature", [1], [10])
    with pytest.raises(NotFound) as failure:
        rooms.history.read(["plant/pres/temperature"], START_US, START_US + 1)
    assert "plant/press/temperature" in failure.value.remedy.en


def test_patterns_ask_for_many_tags(rooms: Rooms) -> None:
    for name in ("a/power", "b/power", "b/heat"):
        rooms.put(f"plant/{name}", [1], [1])
    found = rooms.history.last(["plant/*/power"])["tag"].to_pylist()
    assert found == ["plant/a/power", "plant/b/power"]


class TestSql:
    def test_it_reads_files_and_memory_as_one_table(self, rooms: Rooms) -> None:
        rooms.put("plant/a", [1, 2], [1, 2])
        rooms.history.flush()
        rooms.put("plant/a", [2, 3], [5, 7])
        answer = rooms.history.sql("select tag, sum(value) s, count(*) n from samples group by tag")
        assert answer.to_pylist() == [{"tag": "plant/a", "s": 13.0, "n": 3}]

    def test_it_is_asked_by_day_and_hour(self, rooms: Rooms) -> None:
        rooms.put("plant/a", [0, 3600, DAY_S], [1, 2, 3])
        rooms.history.flush()
        query = (
            "select date_trunc('hour', time) h, day, avg(value) v "
            "from samples group by all order by h"
        )
        assert rooms.history.sql(query)["v"].to_pylist() == [1, 2, 3]

    @pytest.mark.parametrize(
        "query",
        [
            "select * from read_csv('/etc/passwd')",
            "copy samples to '/tmp/stolen.csv'",
            "attach '/tmp/other.db'",
            "install httpfs",
            "set enable_external_access = true",
            "selec nonsense",
            "select * from view",
        ],
    )
    def test_it_can_neither_reach_out_nor_change_anything(self, rooms: Rooms, query: str) -> None:
        rooms.put("plant/a", [1], [1])
        rooms.history.flush()
        with pytest.raises(InputError, match="failed"):
            rooms.history.sql(query)

    def test_it_ends_when_its_time_is_over(self, rooms: Rooms) -> None:
        rooms.history._settings = HistorySettings(sql_timeout_s=0.3)
        with pytest.raises(InputError, match="longer than"):
            rooms.history.sql(
                "select count(*) from range(100000) a, range(100000) b, range(1000) c"
            )


def test_a_folder_that_is_no_table_is_refused_in_plain_words(tmp_path: Path) -> None:
    log = tmp_path / "samples" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020d}.json").write_text('{"nothing": {}}')
    with pytest.raises(StorageError, match="table"):
        DeltaLog(FolderPlace(tmp_path / "samples"), SAMPLES)


def test_the_answer_is_an_arrow_table_with_the_documented_columns(rooms: Rooms) -> None:
    rooms.put("plant/a", [1], [10])
    table = rooms.history.read(["plant/a"], START_US, START_US + 10 * SECOND)
    assert table.schema.names == ["tag", "time", "value", "text", "quality"]
    assert table.schema.field("time").type == pa.timestamp("us", "UTC")
