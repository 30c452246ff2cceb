"""Wide files: a time and a column a tag, with all that goes wrong in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lianji.connect.files import csv_source
from tests.connect.files.reading import (
    pieces,
    places_of,
    refusal,
    rejected_of,
    samples_of,
    utc,
    written,
)


def test_every_cell_is_a_sample_of_its_columns_tag(tmp_path: Path) -> None:
    file = written(
        tmp_path, "time,kW,flow\n2024-01-01T00:00:00Z,1.5,2\n2024-01-01T00:15:00Z,,-3e2\n"
    )
    found = pieces(file, prefix="site/area")
    assert samples_of(found) == [
        ("site/area/kW", utc(2024, 1, 1), 1.5),
        ("site/area/flow", utc(2024, 1, 1), 2.0),
        ("site/area/flow", utc(2024, 1, 1, 0, 15), -300.0),
    ]
    assert rejected_of(found) == []
    assert found[-1].bytes_done == found[-1].bytes_total == file.stat().st_size
    assert found[0].quality.dtype == np.uint16


def test_a_bad_cell_costs_itself_and_not_its_row(tmp_path: Path) -> None:
    text = "time,a,b\n2024-01-01Z,1,2\n2024-01-02Z,oops,4\n2024-01-03Z,5,1e400\n2024-01-04Z,inf,8\n"
    text = text.replace("Z", "T00:00Z")
    found = pieces(written(tmp_path, text))
    assert places_of(found) == [(3, "a"), (4, "b"), (5, "a")]
    assert [entry.raw for entry in rejected_of(found)] == ["oops", "1e400", "inf"]
    assert [value for _, _, value in samples_of(found)] == [1.0, 5.0, 2.0, 4.0, 8.0]
    assert "有限的数字" in rejected_of(found)[0].reason.zh


@pytest.mark.parametrize(
    "number", ["9" * 400, "1e999", "-inf", "Infinity", "0x10", "1_000", "1.2.3"]
)
def test_what_is_no_finite_number_is_rejected(tmp_path: Path, number: str) -> None:
    rows = "".join(f"{2000 + row}-01-01T00:00Z,{row}\n" for row in range(20))
    found = pieces(written(tmp_path, f"time,a\n{rows}2024-01-01T00:00Z,{number}\n"))
    assert places_of(found) == [(22, "a")]
    assert len(samples_of(found)) == 20


@pytest.mark.parametrize("nothing", ["", "NaN", "nan", "null", "None", " ", "#N/A"])
def test_a_word_for_nothing_is_no_sample_and_no_error(tmp_path: Path, nothing: str) -> None:
    file = written(tmp_path, f"time,a\n2024-01-01T00:00Z,1\n2024-01-02T00:00Z,{nothing}\n")
    assert [value for _, _, value in samples_of(pieces(file))] == [1.0]
    assert rejected_of(pieces(file)) == []


@pytest.mark.parametrize(
    ("cell", "value"),
    [("+1.5", 1.5), (" 2 ", 2.0), (".5", 0.5), ("5.", 5.0), ("true", 1.0), ("FALSE", 0.0),
     ("0.1", 0.1), ("1e-320", 1e-320), ("123456789012345678", 123456789012345678.0)],
)  # fmt: skip
def test_numbers_are_read_as_they_are_usually_written(
    tmp_path: Path, cell: str, value: float
) -> None:
    file = written(tmp_path, f"time,a\n2024-01-01T00:00Z,7\n2024-01-02T00:00Z,{cell}\n")
    assert [found for _, _, found in samples_of(pieces(file))] == [7.0, value]


def test_a_column_of_words_becomes_texts(tmp_path: Path) -> None:
    file = written(tmp_path, "time,state,kW\n2024-01-01T00:00Z,run,1\n2024-01-02T00:00Z,停机,2\n")
    assert [(path, value) for path, _, value in samples_of(pieces(file))] == [
        ("state", "run"), ("state", "停机"), ("kW", 1.0), ("kW", 2.0),
    ]  # fmt: skip


def test_lines_that_are_no_rows_are_rejected_and_the_rest_is_kept(tmp_path: Path) -> None:
    text = (
        b"time,a,b\n"
        b"2024-01-01T00:00Z,1,2\n"
        b"\n"
        b"2024-01-02T00:00Z,3\n"
        b"2024-01-03T00:00Z,4,5,6\n"
        b"2024-01-04T00:00Z,7,8,\n"
        b"2024-01-05T00:00Z,\xff\xfe,9\n"
        b",,\n"
        b"yesterday,1,2\n"
        b",1,2\n"
        b'2024-01-06T00:00Z,"10",11\n'
        b'2024-01-07T00:00Z,"12,13\n'
        b"2024-01-08T00:00Z,14,15"
    )
    found = pieces(written(tmp_path, text))
    assert places_of(found) == [
        (4, ""), (5, ""), (7, ""), (9, "time"), (10, "time"), (12, ""),
    ]  # fmt: skip
    values = [value for path, _, value in samples_of(found) if path == "a"]
    assert values == [1.0, 7.0, 10.0, 14.0]
    assert all(entry.reason.zh for entry in rejected_of(found))


def test_line_breaks_in_quotes_are_part_of_the_cell(tmp_path: Path) -> None:
    text = 'time,"kW\nmain",note\r\n2024-01-01T00:00Z,1,"two\r\nlines"\r\n2024-01-02T00:00Z,x,b\r\n'
    found = pieces(written(tmp_path, text), columns={"kW\nmain": "a/kW"})
    assert [value for _, _, value in samples_of(found)] == [1.0, "two\r\nlines", "b"]
    assert places_of(found) == [(5, "kW\nmain")]


@pytest.mark.parametrize("block_bytes", [16, 64, 100, 1000])
def test_the_size_of_the_blocks_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    rows = [f'2024-01-{day:02}T00:00Z,{day},"text\n{day}"' for day in range(1, 29)]
    rows[7], rows[20] = "2024-01-08T00:00Z,8", "2024-01-21T00:00Z,bad,x"
    file = written(tmp_path, "\ufefftime,a,b\n" + "\n".join(rows))
    whole = pieces(file)
    read = csv_source.CsvSource
    monkeypatch.setattr(
        "lianji.connect.files.reader.CsvSource",
        lambda path, options: read(path, options, block_bytes),
    )
    parts = pieces(file)
    assert sorted(samples_of(parts), key=str) == sorted(samples_of(whole), key=str)
    assert places_of(parts) == places_of(whole) == [(16, ""), (41, "a")]
    assert [piece.bytes_done for piece in parts] == sorted(piece.bytes_done for piece in parts)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends_are_found_out(tmp_path: Path, delimiter: str, end: str) -> None:
    rows = [["time", "a (x y)", "b"], ["2024-01-01T00:00Z", "1", "2"]]
    file = written(tmp_path, end.join(delimiter.join(row) for row in rows) + end)
    assert [value for _, _, value in samples_of(pieces(file))] == [1.0, 2.0]


def test_decimal_commas_are_found_out_where_they_are_clear(tmp_path: Path) -> None:
    file = written(tmp_path, "Zeit;kW;n\n01.02.2024 00:00;1,5;3\n13.02.2024 00:00;-0,25;4\n")
    found = pieces(file, zone="UTC")
    assert [value for _, _, value in samples_of(found)] == [1.5, -0.25, 3.0, 4.0]


@pytest.mark.parametrize("cells", ["1,234;5", "1,5;2.5"])
def test_a_comma_that_may_part_thousands_is_asked_about(tmp_path: Path, cells: str) -> None:
    file = written(tmp_path, f"time;a;b\n2024-01-01T00:00Z;{cells}\n")
    assert refusal(file).code == "import-decimal"
    comma = pieces(file, decimal=",")
    assert len(samples_of(comma)) + len(rejected_of(comma)) == 2


def test_names_that_no_path_may_have_are_replaced_always_alike(tmp_path: Path) -> None:
    file = written(tmp_path, 'time,LP [W/MWh],"a,b;c",AFDP ,,温度 ℃\n2024-01-01T00:00Z,1,2,3,4,5\n')
    assert pieces(file, prefix="p/q/")[0].paths == [
        "p/q/LP [W_MWh]", "p/q/a_b_c", "p/q/AFDP", "p/q/column_5", "p/q/温度 ℃",
    ]  # fmt: skip


def test_columns_may_be_given_paths_or_left_out(tmp_path: Path) -> None:
    file = written(tmp_path, "time,a,b,c\n2024-01-01T00:00Z,1,2,3\n")
    found = pieces(file, prefix="p", columns={"a": "x/y", "b": ""})
    assert found[0].paths == ["x/y", "p/c"]


@pytest.mark.parametrize(
    ("header", "columns"),
    [("time,a,a", {}), ("time,a/b,a;b", {}), ("time,a,b", {"a": "x//y"}), ("time,a,b", {"A1": "x"}),
     ("time,a,b", {"a": "b"})],
)  # fmt: skip
def test_columns_that_are_unclear_are_refused(
    tmp_path: Path, header: str, columns: dict[str, str]
) -> None:
    file = written(
        tmp_path, f"{header.replace('a;b', chr(34) + 'a;b' + chr(34))}\n2024-01-01T00:00Z,1,2\n"
    )
    assert refusal(file, columns=columns, delimiter=",").code == "import-columns"


def test_a_gbk_file_is_refused_and_read_when_its_encoding_is_said(tmp_path: Path) -> None:
    rows = "时间,温度,状态\n2024-01-01 00:00:00,21.5,运行\n2024-01-01 00:01:00,坏,停\n"
    file = written(tmp_path, rows.encode("gbk"))
    error = refusal(file, zone="Asia/Shanghai")
    assert error.code == "import-encoding"
    assert "GBK" in error.cause.zh
    found = pieces(file, zone="Asia/Shanghai", encoding="gbk")
    assert samples_of(found)[0] == ("温度", utc(2023, 12, 31, 16), 21.5)
    assert [value for _, _, value in samples_of(found)] == [21.5, "运行", "停"]
    assert places_of(found) == [(3, "温度")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "import-header"),
        (b"PK\x03\x04rest", "import-format"),
        ("time,a\n".encode("utf-16"), "import-encoding"),
        (b"a,b\n1,2\n", "import-no-time"),
        (b"time,a\nnoon,2\n", "import-time-format"),
        (b"time,a\n2024-01-01 00:00,2\n", "import-zone"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_whole(
    tmp_path: Path, content: bytes, code: str
) -> None:
    assert refusal(written(tmp_path, content)).code == code


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.csv").code == "import-unreadable"


def test_a_file_without_rows_gives_nothing(tmp_path: Path) -> None:
    assert samples_of(pieces(written(tmp_path, "time,a\n"))) == []


def test_lines_above_the_header_may_be_skipped(tmp_path: Path) -> None:
    file = written(tmp_path, "Logger 7\n\nSerial,12\ntime,a\n2024-01-01T00:00Z,1\nx,2\n")
    found = pieces(file, skip_lines=3)
    assert [value for _, _, value in samples_of(found)] == [1.0]
    assert places_of(found) == [(6, "time")]


def test_a_file_without_times_is_given_a_start_and_a_step(tmp_path: Path) -> None:
    file = written(tmp_path, "a,b\n1,2\n3,\nbroken\n5,6\n")
    found = pieces(file, start="2024-01-01T00:00", step="15min", zone="Asia/Shanghai")
    assert samples_of(found) == [
        ("a", utc(2023, 12, 31, 16), 1.0),
        ("a", utc(2023, 12, 31, 16, 15), 3.0),
        ("a", utc(2023, 12, 31, 16, 45), 5.0),
        ("b", utc(2023, 12, 31, 16), 2.0),
        ("b", utc(2023, 12, 31, 16, 45), 6.0),
    ]
    assert places_of(found) == [(4, "")]


@pytest.mark.parametrize(
    "options",
    [{"start": "2024-01-01"}, {"step": "1h"}, {"start": "x", "step": "1h"},
     {"start": "2024-01-01", "step": "0s"}, {"start": "2024-01-01", "step": "often"}],
)  # fmt: skip
def test_a_start_and_a_step_go_together(tmp_path: Path, options: dict[str, str]) -> None:
    assert refusal(written(tmp_path, "a,b\n1,2\n"), **options).code == "import-clock"


def test_the_same_file_gives_the_same_samples_in_the_same_order(tmp_path: Path) -> None:
    rows = "".join(f"2024-01-01T00:{i // 60:02}:{i % 60:02}Z,{i},{i / 7}\n" for i in range(3000))
    file = written(tmp_path, f"time,a,b\n{rows}")
    assert samples_of(pieces(file)) == samples_of(pieces(file))
