"""Files that real plants left behind come in value for value and time for time."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from lianji.base.clock import to_us
from lianji.dictionary.batch import Batch
from tests.connect.files.reading import Sample, pieces, rejected_of, samples_of
from tests.peers import need_data


def source_rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        return list(csv.DictReader(text))


def by_path(samples: list[Sample]) -> dict[str, list[tuple[datetime, float | str | None]]]:
    found: dict[str, list[tuple[datetime, float | str | None]]] = {}
    for path, time, value in samples:
        found.setdefault(path, []).append((time, value))
    return found


@pytest.mark.parametrize("year", [2011, 2012, 2013, 2014, 2015])
def test_a_year_of_a_gas_turbine_is_read_whole(year: int) -> None:
    file = need_data("gas_turbine_emissions", f"gt_{year}.csv")
    start = datetime(year, 1, 1, tzinfo=UTC)
    found = pieces(file, start=f"{year}-01-01", step="1h", zone="UTC", prefix="turbine")
    rows = source_rows(file)
    expected = {
        f"turbine/{name.strip()}": [
            (start + timedelta(hours=hour), float(row[name])) for hour, row in enumerate(rows)
        ]
        for name in rows[0]
    }
    assert by_path(samples_of(found)) == expected
    assert rejected_of(found) == []


@pytest.mark.parametrize("midnight_ends_day", [False, True])
def test_a_year_of_a_steel_plant_is_read_whole(midnight_ends_day: bool) -> None:
    file = need_data("steel_energy", "Steel_industry_data.csv")
    found = pieces(file, zone="Asia/Seoul", prefix="steel", midnight_ends_day=midnight_ends_day)
    rows = source_rows(file)
    samples = by_path(samples_of(found))
    seoul = timedelta(hours=9)
    for name in rows[0]:
        if name == "date":
            continue
        expected: list[tuple[datetime, float | str | None]] = []
        for row in rows:
            time = datetime.strptime(row["date"], "%d/%m/%Y %H:%M").replace(tzinfo=UTC)
            if midnight_ends_day and time.hour == time.minute == 0:
                time += timedelta(days=1)
            time -= seoul
            words = name in ("WeekStatus", "Day_of_week", "Load_Type")
            expected.append((time, row[name] if words else float(row[name])))
        assert samples[f"steel/{name}"] == expected
        assert len({time for time, _ in expected}) == 35_040
    assert rejected_of(found) == []
    if midnight_ends_day:
        times = [time for time, _ in samples["steel/Usage_kWh"]]
        quarter = timedelta(minutes=15)
        assert all(b - a == quarter for a, b in pairwise(times))


@pytest.mark.parametrize(
    ("parts", "samples"),
    [
        (("load_profiles_de", "LP_G_G.csv"), 35_040),
        (("nab_machine_temp", "machine_temperature_system_failure.csv"), 22_695),
        (("skab", "data", "anomaly-free", "anomaly-free.csv"), 8 * 9_405),
        (("opendsm_samples", "il-electricity-cdd-hdd-hourly.csv.gz"), 19_417),
    ],
)
def test_other_files_come_in_without_a_word(parts: tuple[str, ...], samples: int) -> None:
    found = pieces(need_data(*parts), zone="UTC")
    assert sum(len(piece) for piece in found) == samples
    assert rejected_of(found) == []


def test_a_workbook_of_a_power_plant_is_read_whole() -> None:
    file = need_data("ccpp", "Folds5x2_pp.xlsx")
    found = pieces(file, start="2020-01-01", step="1h", zone="UTC", sheet="Sheet1")
    assert sum(len(piece) for piece in found) == 5 * 9_568


def test_a_piece_fits_into_a_batch() -> None:
    file = need_data("steel_energy", "Steel_industry_data.csv")
    for piece in pieces(file, zone="Asia/Seoul"):
        batch = Batch.of(piece.numbers, piece.times_us, piece.values, piece.quality, piece.texts)
        assert len(batch) == len(piece)
        assert batch.times_us.min() >= to_us(datetime(2017, 12, 31, tzinfo=UTC))
        assert int(batch.samples.column("quality").to_numpy().max()) == 0
