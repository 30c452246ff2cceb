"""Our Delta log against Delta's own library and Polars, and against a second writer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from lianji.base.errors import StorageError
from lianji.history.delta import log as delta_log
from lianji.history.delta.actions import DataFile
from lianji.history.delta.log import Change, DeltaLog, Overtaken
from lianji.history.parquet.writing import write_days
from lianji.history.places.folder import FolderPlace
from lianji.history.rows import Rows
from lianji.history.tables import SAMPLES

DAY_US = 86_400_000_000
START_US = 1_767_225_600_000_000


@pytest.fixture(params=["plant", "工厂 一", "50%=a b"], ids=["plain", "chinese", "odd"])
def site(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(folder: Path) -> DeltaLog:
    return DeltaLog(FolderPlace(folder), SAMPLES)


def some_files(log: DeltaLog, site: str, day: int, tag: str = "plant/a") -> list[DataFile]:
    times = START_US + day * DAY_US + np.arange(3) * 1_000_000
    rows = Rows(
        np.zeros(3, np.int32),
        times,
        np.array([1.5, np.nan, 3.0]),
        np.array([0, 0x8000, 0], np.uint16),
        pa.nulls(3, pa.string()),
    )
    return write_days(log.place, site, rows, [tag])


def test_delta_and_polars_read_what_we_commit(tmp_path: Path, site: str) -> None:
    log = opened(tmp_path)
    for day in range(3):
        log.commit(Change("WRITE", some_files(log, site, day), sequences={"me": day + 1}))
    table = DeltaTable(tmp_path)
    assert table.version() == log.version == 3
    assert table.transaction_version("me") == 3
    read = polars.read_delta(str(tmp_path)).sort("time")
    assert read["site"].unique().to_list() == [site]
    assert read["value"].to_list() == [1.5, None, 3.0] * 3
    assert sorted(read["day"].unique().dt.to_string().to_list())[0] == "2026-01-01"


def test_a_file_that_was_removed_is_gone_for_every_reader(tmp_path: Path, site: str) -> None:
    log = opened(tmp_path)
    first, second = some_files(log, site, 0), some_files(log, site, 1)
    log.commit(Change("WRITE", [*first, *second]))
    log.commit(Change("DELETE", [], first))
    assert DeltaTable(tmp_path).to_pyarrow_table().num_rows == 3
    assert [file.path for file in opened(tmp_path).files] == [second[0].path]
    assert list(opened(tmp_path).tombstones) == [first[0].path]


def test_a_checkpoint_stands_for_the_entries_before_it(
    tmp_path: Path, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delta_log, "KEEP_ENTRIES_MS", -3_600_000)
    log = opened(tmp_path)
    log.commit(Change("WRITE", gone := some_files(log, site, 9)))
    log.commit(Change("DELETE", [], gone))
    for day in range(4):
        log.commit(Change("WRITE", some_files(log, site, day), sequences={"me": day + 1}))
    log.checkpoint()
    log.commit(Change("WRITE", some_files(log, site, 4), sequences={"me": 5}))
    entries = sorted(path.name for path in (tmp_path / "_delta_log").glob("*.json"))
    assert entries == [f"{6:020d}.json", f"{7:020d}.json"]
    again = opened(tmp_path)
    assert (again.version, len(again.files), again.committed("me")) == (7, 5, 5)
    assert again.files.rows == 15
    assert list(again.tombstones) == [gone[0].path]
    table = DeltaTable(tmp_path)
    assert (table.version(), table.transaction_version("me")) == (7, 5)
    assert table.to_pyarrow_table().num_rows == 15
    assert polars.read_delta(str(tmp_path)).height == 15


def test_a_table_that_deltas_library_wrote_goes_on_with_us(tmp_path: Path) -> None:
    schema = pa.schema([f for f in SAMPLES.schema if f.name != "day"])
    old = pa.table(
        {
            "tag": ["plant/a", "plant/b"],
            "time": pa.array([START_US, START_US + 5]).cast(pa.timestamp("us", tz="UTC")),
            "value": [1.0, 2.0],
            "text": pa.nulls(2, pa.string()),
            "quality": pa.array([0, 0], pa.int32()),
            "site": ["plant"] * 2,
        },
        schema=schema,
    )
    old = old.append_column("day", pc.cast(old["time"], pa.date32()))
    noted = CommitProperties(app_transactions=[Transaction("me", 7)])
    write_deltalake(
        tmp_path, old, partition_by=["site", "day"], name="samples", commit_properties=noted
    )
    DeltaTable(tmp_path).create_checkpoint()
    log = opened(tmp_path)
    assert (log.files.rows, log.committed("me")) == (2, 7)
    log.commit(Change("WRITE", some_files(log, "plant", 1), sequences={"me": 8}))
    assert DeltaTable(tmp_path).to_pyarrow_table().num_rows == 5


def test_of_two_writers_of_one_source_the_second_is_told(tmp_path: Path) -> None:
    one, other = opened(tmp_path), opened(tmp_path)
    one.commit(Change("WRITE", some_files(one, "plant", 0), sequences={"lane": 1}))
    with pytest.raises(Overtaken, match="lane"):
        other.commit(Change("WRITE", some_files(other, "plant", 0), sequences={"lane": 1}))
    assert opened(tmp_path).files.rows == 3


def test_two_writers_of_one_tag_and_time_do_not_both_get_in_unseen(tmp_path: Path) -> None:
    one, other = opened(tmp_path), opened(tmp_path)
    one.commit(Change("WRITE", some_files(one, "plant", 0), sequences={"a": 1}))
    with pytest.raises(Overtaken, match="wrote"):
        other.commit(Change("WRITE", some_files(other, "plant", 0), sequences={"b": 1}))
    other.commit(Change("WRITE", some_files(other, "plant", 0, "plant/b"), sequences={"b": 1}))
    assert opened(tmp_path).files.rows == 6


def test_two_that_remove_one_file_do_not_both_succeed(tmp_path: Path) -> None:
    one = opened(tmp_path)
    files = some_files(one, "plant", 0)
    one.commit(Change("WRITE", files))
    other = opened(tmp_path)
    one.commit(Change("OPTIMIZE", [], files, data_change=False))
    with pytest.raises(Overtaken, match="removed"):
        other.commit(Change("OPTIMIZE", [], files, data_change=False))


def test_many_writers_lose_no_commit(tmp_path: Path) -> None:
    opened(tmp_path)

    def write(writer: int) -> None:
        log = opened(tmp_path)
        for number in range(20):
            files = some_files(log, f"site{writer}", number)
            log.commit(Change("WRITE", files, sequences={f"w{writer}": number + 1}))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    log = opened(tmp_path)
    assert (log.version, log.files.rows) == (80, 240)
    assert [log.committed(f"w{writer}") for writer in range(4)] == [20] * 4
    assert DeltaTable(tmp_path).to_pyarrow_table().num_rows == 240


def test_a_damaged_entry_in_the_middle_is_named(tmp_path: Path) -> None:
    log = opened(tmp_path)
    for day in range(3):
        log.commit(Change("WRITE", some_files(log, "plant", day)))
    (tmp_path / "_delta_log" / f"{2:020d}.json").write_text("{half")
    with pytest.raises(StorageError, match=f"{2:020d}"):
        opened(tmp_path)


def test_files_are_found_by_their_time(tmp_path: Path) -> None:
    log = opened(tmp_path)
    for day in range(40):
        log.commit(Change("WRITE", some_files(log, "plant", day)))
    found = list(log.files.between(START_US + 3 * DAY_US, START_US + 5 * DAY_US))
    assert [file.period for file in found] == ["2026-01-04", "2026-01-05", "2026-01-06"]


def test_readers_that_filter_by_statistics_find_their_rows(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.commit(Change("WRITE", some_files(log, "plant", 0)))
    log.checkpoint()
    for value, rows in ((1.5, 1), (99.0, 0)):
        table = DeltaTable(tmp_path).to_pyarrow_dataset()
        assert table.to_table(filter=pc.field("value") == value).num_rows == rows
    bad = DeltaTable(tmp_path).to_pyarrow_dataset().to_table(filter=pc.field("quality") > 0)
    assert bad.num_rows == 1
    lazy = polars.scan_delta(str(tmp_path)).filter(polars.col("value") > 2).collect()
    assert lazy.height == 1
    none = DeltaTable(tmp_path).to_pyarrow_dataset().to_table(filter=pc.field("text").is_null())
    assert none.num_rows == 3
