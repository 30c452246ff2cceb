"""Excel and Parquet: the same samples as from CSV, by the types that they carry."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.connect.files.reading import (
    pieces,
    places_of,
    refusal,
    rejected_of,
    samples_of,
    utc,
    written,
)


def workbook(folder: Path, rows: list[list[Any]], **more_sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    for title, content in {"Sheet": rows, **more_sheets}.items():
        sheet = book[title] if title in book.sheetnames else book.create_sheet(title)
        for row in content:
            sheet.append(row)
    book.save(folder / "data.xlsx")
    return folder / "data.xlsx"


def parquet(folder: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), folder / "data.parquet")
    return folder / "data.parquet"


NOON = datetime.datetime(2024, 1, 1, 12, 0)


def test_a_sheet_with_dates_numbers_and_words_is_read(tmp_path: Path) -> None:
    step = datetime.timedelta(minutes=15)
    rows = [["时间", "kW", "state", "on"]]
    rows += [[NOON + n * step, n / 3, "run", n % 2 == 0] for n in range(3)]
    found = pieces(workbook(tmp_path, rows), zone="Asia/Shanghai", prefix="p")
    assert samples_of(found)[:3] == [
        ("p/kW", utc(2024, 1, 1, 4, 0), 0.0),
        ("p/kW", utc(2024, 1, 1, 4, 15), 1 / 3),
        ("p/kW", utc(2024, 1, 1, 4, 30), 2 / 3),
    ]
    assert [value for _, _, value in samples_of(found)[3:]] == ["run"] * 3 + [1.0, 0.0, 1.0]
    assert found[-1].bytes_done == found[-1].bytes_total


def test_cells_of_a_mixed_column_are_rejected_singly(tmp_path: Path) -> None:
    rows = [["time", "kW"], [NOON, 1.1], ["2024-01-01 13:00:00", "#DIV/0!"], ["soon", 3],
            [None, 4], [None, None], [NOON, None], [NOON.replace(hour=14), 0.1]]  # fmt: skip
    found = pieces(workbook(tmp_path, rows), zone="UTC")
    assert places_of(found) == [(3, "kW"), (4, "time"), (5, "time")]
    assert samples_of(found) == [
        ("kW", utc(2024, 1, 1, 12), 1.1), ("kW", utc(2024, 1, 1, 14), 0.1),
    ]  # fmt: skip


def test_several_filled_sheets_are_asked_about(tmp_path: Path) -> None:
    file = workbook(
        tmp_path, [["time", "a"], [NOON, 1]], other=[["time", "b"], [NOON, 2]], empty=[]
    )
    assert refusal(file, zone="UTC").code == "import-sheet"
    assert refusal(file, zone="UTC", sheet="none").code == "import-sheet"
    assert pieces(file, zone="UTC", sheet="other")[0].paths == ["b"]


def test_what_only_calls_itself_a_workbook_is_refused(tmp_path: Path) -> None:
    assert refusal(written(tmp_path, "time,a\n", "data.xlsx")).code == "import-format"
    assert refusal(written(tmp_path, "PAR1", "data.parquet")).code == "import-format"


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Shanghai"])
def test_timestamps_of_every_unit_and_zone_are_read(
    tmp_path: Path, unit: str, zone: str | None
) -> None:
    moment = NOON if zone is None else utc(2024, 1, 1, 4)
    times = pa.array([moment], pa.timestamp(unit, zone))
    found = pieces(parquet(tmp_path, time=times, a=pa.array([1.5])), zone="Asia/Shanghai")
    assert samples_of(found) == [("a", utc(2024, 1, 1, 4), 1.5)]


def test_every_plain_type_is_a_number_or_a_text(tmp_path: Path) -> None:
    file = parquet(
        tmp_path,
        time=pa.array([1704110400, 1704110401], pa.int32()),
        i8=pa.array([1, None], pa.int8()),
        u64=pa.array([2**63, 2], pa.uint64()),
        f32=pa.array([0.5, float("nan")], pa.float32()),
        money=pa.array([Decimal("1.25"), None]),
        flag=pa.array([True, False]),
        word=pa.array(["a", None], pa.large_string()),
        kind=pa.array(["x", "x"]).dictionary_encode(),
        empty=pa.nulls(2),
        bad=pa.array([1.0, float("inf")]),
    )
    found = pieces(file)
    values: dict[str, list[Any]] = {}
    for path, _, value in samples_of(found):
        values.setdefault(path, []).append(value)
    assert values == {
        "i8": [1.0], "u64": [2.0**63, 2.0], "f32": [0.5], "money": [1.25], "flag": [1.0, 0.0],
        "word": ["a"], "kind": ["x", "x"], "bad": [1.0],
    }  # fmt: skip
    assert places_of(found) == [(2, "bad")]


def test_a_long_parquet_file_is_read_piece_by_piece(tmp_path: Path) -> None:
    rows = 600_000
    file = parquet(
        tmp_path,
        tag=pa.array([f"m/{row % 7}" for row in range(rows)]).dictionary_encode(),
        time=pa.array(
            range(1_700_000_000_000, 1_700_000_000_000 + rows), pa.timestamp("ms", "UTC")
        ),
        value=pa.array(range(rows), pa.int64()),
    )
    found = pieces(file, prefix="p")
    assert len(found) > 2
    assert sum(len(piece) for piece in found) == rows
    assert rejected_of(found) == []
    assert [value for piece in found for value in piece.values.tolist()] == list(range(rows))
    assert {path for piece in found for path in piece.paths} == {f"p/m/{tag}" for tag in range(7)}
