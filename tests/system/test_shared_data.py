"""Real files of real plants, imported and read back: value for value and time for time."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import lianji
from lianji.connect.files.options import ImportOptions
from lianji.node.folder import PlantFolder
from lianji.node.importing import Report, import_file
from tests.peers import need_data

START = datetime(2011, 1, 1, tzinfo=UTC)


def imported(root: Path, file: Path, **options: str) -> Report:
    folder = PlantFolder(root)
    if not folder.settings.exists():
        folder.create("plant", 0)
    return import_file(folder, file, ImportOptions.model_validate(options), lambda *_: None)


def source_rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return [{name.strip(): cell for name, cell in row.items()} for row in csv.DictReader(lines)]


@pytest.mark.parametrize("year", [2011, 2012, 2013, 2014, 2015])
def test_a_gas_turbine_year_is_read_back_equal(tmp_path: Path, year: int) -> None:
    file = need_data("gas_turbine_emissions", f"gt_{year}.csv")
    report = imported(tmp_path, file, start=START.isoformat(), step="1h")
    rows = source_rows(file)
    assert report.rejected == []
    assert report.samples == len(rows) * len(rows[0])
    plant = lianji.open(tmp_path)
    end = START + timedelta(hours=len(rows))
    times = [START + timedelta(hours=hour) for hour in range(len(rows))]
    for column in rows[0]:
        table = plant.history.read(f"plant/gt_{year}/{column}", START, end)
        assert table["time"].to_pylist() == times
        assert table["value"].to_pylist() == [float(row[column]) for row in rows]
        assert set(table["quality"].to_pylist()) == {0}


def test_a_second_import_adds_nothing(tmp_path: Path) -> None:
    file = need_data("gas_turbine_emissions", "gt_2011.csv")
    how = {"start": START.isoformat(), "step": "1h"}
    first = imported(tmp_path, file, **how)
    assert imported(tmp_path, file, **how).samples == first.samples
    count = lianji.open(tmp_path).history.sql("select count(*) n from samples")["n"].to_pylist()
    assert count == [first.samples]


def test_a_steel_year_is_read_back_equal(tmp_path: Path) -> None:
    file = need_data("steel_energy", "Steel_industry_data.csv")
    report = imported(tmp_path, file, midnight_ends_day="true", zone="Asia/Seoul")
    rows = source_rows(file)
    assert report.rejected == []
    plant = lianji.open(tmp_path)
    start = datetime(2018, 1, 1, tzinfo=UTC) - timedelta(hours=9)
    end = start + timedelta(days=366)
    times = [start + timedelta(minutes=15 * (n + 1)) for n in range(len(rows))]
    for column in rows[0]:
        if column == "date":
            continue
        table = plant.history.read(f"plant/Steel_industry_data/{column}", start, end)
        assert table["time"].to_pylist() == times
        values = table["value"].to_numpy(zero_copy_only=False)
        if np.isnan(values).all():
            assert table["text"].to_pylist() == [row[column] for row in rows]
        else:
            assert values.tolist() == [float(row[column]) for row in rows]
