"""Long files: a row a sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianji.dictionary.quality import Quality
from tests.connect.files.reading import (
    pieces,
    places_of,
    refusal,
    rejected_of,
    samples_of,
    utc,
    written,
)


def test_tag_time_value_quality_and_text_are_read(tmp_path: Path) -> None:
    text = (
        "tag,time,value,text,quality\n"
        "a/x,2024-01-01T00:00Z,1.5,,0\n"
        "a/y,2024-01-01T00:00Z,,running,Good\n"
        "a/x,2024-01-01T00:01Z,,,Bad (SensorFailure)\n"
        "a/x,2024-01-01T00:02Z,2,,0x8000\n"
        "a/x,2024-01-01T00:03Z,3,,1073741824\n"
        "a/x,2024-01-01T00:04Z,,,\n"
    )
    found = pieces(written(tmp_path, text))
    assert samples_of(found) == [
        ("a/x", utc(2024, 1, 1), 1.5),
        ("a/y", utc(2024, 1, 1), "running"),
        ("a/x", utc(2024, 1, 1, 0, 1), None),
        ("a/x", utc(2024, 1, 1, 0, 2), 2.0),
        ("a/x", utc(2024, 1, 1, 0, 3), 3.0),
    ]
    assert found[0].quality.tolist() == [0, 0, Quality.BAD_SENSOR_FAILURE, 0x8000, 0x4000]
    assert rejected_of(found) == []


def test_chinese_headers_are_understood(tmp_path: Path) -> None:
    found = pieces(written(tmp_path, "测点,时间,值\n泵1,2024-01-01T00:00Z,5\n"), prefix="厂")
    assert samples_of(found) == [("厂/泵1", utc(2024, 1, 1), 5.0)]


def test_bad_rows_are_rejected_with_line_column_and_reason(tmp_path: Path) -> None:
    text = (
        "tag,time,value,quality\n"
        "a,2024-01-01T00:00Z,1,\n"
        ",2024-01-01T00:00Z,2,\n"
        "a,later,3,\n"
        "a,2024-01-01T00:00Z,x,\n"
        "a,2024-01-01T00:00Z,4,so-so\n"
        "a//b ,2024-01-01T00:00Z,6,\n"
        ",,,\n"
        "a/b,2024-01-01T00:00Z,7,\n"
        "a,2024-01-01T00:00Z,8\n"
        f"{'x' * 300},2024-01-01T00:00Z,9,\n"
    )
    found = pieces(written(tmp_path, text))
    assert places_of(found) == [
        (3, "tag"), (4, "time"), (5, "value"), (6, "quality"), (9, "tag"), (10, ""), (11, "tag"),
    ]  # fmt: skip
    assert [(path, value) for path, _, value in samples_of(found)] == [("a", 1.0), ("a/b", 6.0)]
    assert all(entry.reason.zh and entry.reason.en for entry in rejected_of(found))
    assert "'a//b '" in rejected_of(found)[4].reason.en


def test_a_wide_file_with_a_column_named_value_stays_wide(tmp_path: Path) -> None:
    found = pieces(written(tmp_path, "timestamp,value\n2024-01-01T00:00Z,1\n"), prefix="p")
    assert samples_of(found) == [("p/value", utc(2024, 1, 1), 1.0)]


def test_columns_may_be_named(tmp_path: Path) -> None:
    file = written(tmp_path, "who,when,much\na,2024-01-01T00:00Z,1\n")
    assert refusal(file, form="long").code == "import-columns"
    found = pieces(file, form="long", time="when", columns={"who": "tag", "much": "value"})
    assert samples_of(found) == [("a", utc(2024, 1, 1), 1.0)]


@pytest.mark.parametrize("form", ["wide"])
def test_the_form_may_be_said(tmp_path: Path, form: str) -> None:
    file = written(tmp_path, "tag,time,value\na,2024-01-01T00:00Z,1\n")
    assert pieces(file, form=form)[0].paths == ["tag", "value"]
