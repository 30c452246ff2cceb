"""A running plant's history is open: to a notebook, to DuckDB, to Polars."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars
import pytest
from deltalake import DeltaTable

import lianji
from lianji.base.errors import InputError, NotFound
from tests.peers import wait_until
from tests.peers.modbus import libmodbus_server
from tests.system.plant import (
    FOREVER,
    PlantProcess,
    plant_process,
    write_device,
    write_plant,
    write_tags,
)

pytestmark = pytest.mark.system

START_S = 1_769_846_400
"""2026-01-31T08:00:00Z"""


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlantProcess]:
    """A plant with a live device and 3,000 pushed samples, of which all but 10 are in files."""
    folder = write_plant(tmp_path_factory.mktemp("open") / "plant", flush_s=0.3)
    with libmodbus_server(None, "update", 50) as port:
        write_device(folder, "press", "modbus", host="127.0.0.1", port=port, interval_ms=100)
        write_tags(folder, "press", "p/press/number,hr:0,float32")
        with plant_process(folder) as plant:
            lines = [f"p/pushed number={n} {START_S + n}" for n in range(3_000)]
            lines.append(f'p/pushed name="spritzgießen 注塑" {START_S}')
            assert plant.write("\n".join(lines), precision="s").status_code == 204
            wait_until(lambda: plant.status()["history"]["rows"] > 3_001, what="a flush")
            yield plant
            plant.stop()


def test_a_notebook_reads_a_running_plant(plant: PlantProcess) -> None:
    history = lianji.open(plant.folder).history
    table = history.read("p/pushed/number", "2026-01-31T08:00:00Z", "2026-01-31T16:10:00+08:00")
    assert table.column("value").to_pylist() == [float(n) for n in range(600)]
    assert table.column_names == ["tag", "time", "value", "text", "quality"]
    [name] = history.read(["p/pushed/name"], *FOREVER).to_pylist()
    assert name["text"] == "spritzgießen 注塑"
    found = history.sql(
        "select count(*) as n, max(value) as top from samples where tag like 'p/pu%'"
    )
    assert found.to_pylist() == [{"n": 3_001, "top": 2_999.0}]


def test_what_is_acknowledged_is_seen_at_once_and_stays_seen_after_the_flush(
    plant: PlantProcess,
) -> None:
    opened = lianji.open(plant.folder)
    for number in range(20):
        time_s = START_S + 10_000 + number
        assert plant.write(f"p/seen n={number} {time_s}", precision="s").status_code == 204
        assert len(opened.history.read(["p/seen/n"], *FOREVER)) == number + 1


def test_live_samples_are_seen_growing_by_one_opened_plant(plant: PlantProcess) -> None:
    history = lianji.open(plant.folder).history
    first = history.last("p/press/number").column("value")[0].as_py()
    wait_until(lambda: history.last("p/press/number").column("value")[0].as_py() > first)
    values = history.read("p/press/number", *FOREVER).column("value").to_pylist()
    assert len(values) > 3
    assert values == sorted(values)


def test_patterns_find_tags_and_unknown_ones_are_named(plant: PlantProcess) -> None:
    opened = lianji.open(plant.folder)
    found = opened.history.read("p/pushed/*", *FOREVER)
    assert set(found.column("tag").to_pylist()) == {"p/pushed/number", "p/pushed/name"}
    with pytest.raises(NotFound, match="p/nobody"):
        opened.history.read("p/nobody", *FOREVER)
    with pytest.raises((InputError, ValueError)):
        opened.history.read("p/pushed/number", "2026-01-31T08:00:00", "now")


def test_sql_only_reads(plant: PlantProcess, tmp_path: Path) -> None:
    history = lianji.open(plant.folder).history
    target = tmp_path / "stolen.csv"
    for query in ("drop table samples", f"copy samples to '{target}'", "select * from nowhere"):
        with pytest.raises(InputError):
            history.sql(query)
    assert not target.exists()


def test_duckdb_and_polars_read_the_table_of_a_running_plant(plant: PlantProcess) -> None:
    samples = plant.folder / "data" / "samples"
    table = DeltaTable(samples)
    files = table.file_uris()
    with duckdb.connect() as connection:
        query = """
            select tag, count(*), count(distinct time), min(value), max(value)
            from read_parquet(?) where tag = 'p/pushed/number' group by tag
        """
        [row] = connection.execute(query, [files]).fetchall()
    assert row == ("p/pushed/number", 3_000, 3_000, 0.0, 2_999.0)
    frame = (
        polars.scan_delta(str(samples))
        .filter(polars.col("tag") == "p/pushed/number")
        .sort("time")
        .collect()
    )
    assert frame["value"].to_list() == [float(n) for n in range(3_000)]
    assert frame["time"].dt.epoch("s").to_list() == [START_S + n for n in range(3_000)]
    assert set(frame["site"]) == {"p"}


def test_an_empty_folder_says_that_there_is_no_plant(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no plant"):
        lianji.open(tmp_path)
