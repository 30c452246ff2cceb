"""An export holds what the history holds: by tag and time, in pieces, whole or not at all."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from lianji.base.errors import InputError, NotFound
from lianji.history import export as module
from lianji.history.export import Export, Exported, export_samples
from tests.history.conftest import SECOND, START_US, Rooms

DAY_S = 86_400
DAY_US = DAY_S * SECOND
END_US = START_US + 40 * DAY_US


def exported(rooms: Rooms, to: Path, *tags: str, **more: int | bool) -> Exported:
    wanted = Export(tags or ("*",), START_US - DAY_US, END_US, to, **more)  # type: ignore[arg-type]  # step_us, bom
    return export_samples(rooms.history, wanted)


def read(rooms: Rooms, *tags: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = rooms.history.read(
        sorted(tags), START_US - DAY_US, END_US
    ).to_pylist()
    return rows


@pytest.fixture
def filled(rooms: Rooms) -> Rooms:
    """Five tags of 30 days in files, corrections and new rows in memory, a text, a bad value."""
    for day in range(0, 30, 3):
        for tag in range(5):
            times = [day * DAY_S + n * (tag + 1) for n in range(40 * (tag + 1))]
            rooms.put(f"plant/t{tag}", times, [tag + n / 7 for n in range(len(times))])
        rooms.history.flush()
    rooms.put("plant/t1", [2, 35 * DAY_S], [-1, np.nan], [0, 0x808C])
    rooms.put("plant/words", [1, DAY_S], [np.nan, 5], [0, 0x4090], ['"开", \n门', None])
    return rooms


TAGS = ("plant/t0", "plant/t1", "plant/t2", "plant/t3", "plant/t4", "plant/words")


@pytest.mark.parametrize("piece_rows", [10, 150, 1_000, 1_000_000])
def test_an_export_holds_each_sample_once_by_tag_and_time(
    filled: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece_rows: int
) -> None:
    monkeypatch.setattr(module, "PIECE_ROWS", piece_rows)
    done = exported(filled, tmp_path / "all.parquet")
    table = pq.read_table(tmp_path / "all.parquet")
    assert table.to_pylist() == read(filled, *TAGS)
    assert (done.rows, done.files) == (table.num_rows, [tmp_path / "all.parquet"])
    assert pq.ParquetFile(tmp_path / "all.parquet").metadata.row_group(0).column(0).compression == (
        "ZSTD"
    )


def test_no_piece_is_much_larger_than_a_piece_and_a_day(
    filled: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIECE_ROWS", 100)
    signals, tags = filled.history._asked(sorted(TAGS))
    found = list(module.pieces(signals, tags, tags, START_US, END_US))
    assert max(len(piece.rows) for piece in found) <= 300
    assert sum(len(piece.rows) for piece in found) == len(read(filled, *TAGS))
    shares = [piece.share for piece in found]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_a_folder_gets_a_file_a_day(filled: Rooms, tmp_path: Path) -> None:
    done = exported(filled, tmp_path / "days", "plant/t?")
    assert [path.name for path in done.files][:2] == ["2026-01-01.parquet", "2026-01-02.parquet"]
    first = pq.read_table(tmp_path / "days" / "2026-01-01.parquet")
    assert first.to_pylist() == [
        row
        for row in read(filled, *TAGS[:5])
        if isinstance(row["time"], datetime) and row["time"].day == 1 and row["time"].month == 1
    ]
    every = [pq.read_table(path) for path in done.files]
    assert sum(table.num_rows for table in every) == done.rows == len(read(filled, *TAGS[:5]))


@pytest.mark.parametrize("bom", [False, True])
def test_csv_says_the_same(filled: Rooms, tmp_path: Path, bom: bool) -> None:
    exported(filled, tmp_path / "all.csv", bom=bom)
    content = (tmp_path / "all.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf") == bom
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    wanted = read(filled, *TAGS)
    assert [row["tag"] for row in rows] == [row["tag"] for row in wanted]
    assert [float(row["value"]) if row["value"] else None for row in rows] == [
        row["value"] for row in wanted
    ]
    assert [row["text"] or None for row in rows] == [row["text"] for row in wanted]
    assert [int(row["quality"]) for row in rows] == [row["quality"] for row in wanted]
    assert [datetime.fromisoformat(row["time"]) for row in rows] == [row["time"] for row in wanted]


def test_a_wide_file_has_a_row_a_step_and_what_each_tag_was_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIECE_ROWS", 4)
    rooms = Rooms(tmp_path / "plant", lambda path: path == "plant/slope")
    rooms.put("plant/slope", [0, 10, 20], [0, 100, 50])
    rooms.put("plant/stairs", [0, 10, 20], [0, 100, 50])
    rooms.history.flush()
    rooms.put("plant/late", [5, 15], [1, np.nan], [0, 0x808C])
    wanted = Export(["*"], START_US, START_US + 25 * SECOND, tmp_path / "wide.csv", 5 * SECOND)
    done = export_samples(rooms.history, wanted)
    assert done.rows == 5
    rows = list(csv.reader((tmp_path / "wide.csv").open(encoding="utf-8")))
    assert rows[0] == ["time", "plant/late", "plant/slope", "plant/stairs"]
    assert [row[1:] for row in rows[1:]] == [
        ["", "0", "0"],
        ["1", "50", "0"],
        ["1", "100", "100"],
        ["1", "75", "100"],
        ["1", "50", "50"],
    ]
    for n, instant in enumerate(range(0, 25, 5)):
        at = rooms.history.at(["plant/slope"], START_US + instant * SECOND)
        assert at["value"].to_pylist() == [float(rows[n + 1][2])]
    rooms.close()


def test_an_export_that_fails_leaves_what_was_there(
    filled: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out" / "all.parquet"
    target.parent.mkdir()
    target.write_text("older")

    def fail(*_: object, **more: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", fail)
    with pytest.raises(OSError, match="disk full"):
        exported(filled, target)
    assert [path.name for path in target.parent.iterdir()] == ["all.parquet"]
    assert target.read_text() == "older"


def test_rows_that_cannot_be_read_are_told_and_the_others_are_exported(
    filled: Rooms, tmp_path: Path
) -> None:
    damaged = min((tmp_path / "samples").rglob("*.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-40])
    done = exported(filled, tmp_path / "all.parquet")
    assert [damaged.name in path for path in done.unreadable] == [True]
    assert done.rows > 1_000


def test_nothing_to_export_makes_an_empty_file(rooms: Rooms, tmp_path: Path) -> None:
    rooms.put("plant/a", [1], [1])
    wanted = Export(["plant/a"], START_US - DAY_US, START_US - 1, tmp_path / "none.parquet")
    assert export_samples(rooms.history, wanted).rows == 0
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0
    with pytest.raises(NotFound, match="plant/b"):
        exported(rooms, tmp_path / "b.csv", "plant/b")
    with pytest.raises(InputError, match="begin"):
        export_samples(rooms.history, Export(["plant/a"], 5, 5, tmp_path / "x.csv"))
