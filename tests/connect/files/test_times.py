"""Times as people write them; what is ambiguous is asked about or rejected, never guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianji.connect.files.zones import to_utc
from tests.connect.files.reading import (
    pieces,
    places_of,
    refusal,
    rejected_of,
    samples_of,
    utc,
    written,
)


def times(folder: Path, cells: list[str], **options: object) -> list[datetime]:
    rows = "".join(f'"{cell}",{number}\n' for number, cell in enumerate(cells))
    found = pieces(written(folder, f"time,a\n{rows}"), **options)
    assert rejected_of(found) == []
    return [time for _, time, _ in samples_of(found)]


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        ("2024-02-29T12:34:56Z", utc(2024, 2, 29, 12, 34, 56)),
        ("2024-02-29 12:34:56.789", utc(2024, 2, 29, 12, 34, 56, 789000)),
        ("2024-02-29T12:34:56.123456789Z", utc(2024, 2, 29, 12, 34, 56, 123456)),
        ("2024-02-29T12:34:56,5", utc(2024, 2, 29, 12, 34, 56, 500000)),
        ("2024-02-29T20:34:56+08:00", utc(2024, 2, 29, 12, 34, 56)),
        ("2024-02-29T20:34+0800", utc(2024, 2, 29, 12, 34)),
        ("2024-02-29 07:34-05", utc(2024, 2, 29, 12, 34)),
        ("2024-02-29 12:34", utc(2024, 2, 29, 12, 34)),
        ("2024-02-29", utc(2024, 2, 29)),
        ("2024/2/9 3:04", utc(2024, 2, 9, 3, 4)),
        ("2024.02.09 03:04:05", utc(2024, 2, 9, 3, 4, 5)),
        ("2024年2月9日 3时04分05秒", utc(2024, 2, 9, 3, 4, 5)),
        ("2024年2月9日", utc(2024, 2, 9)),
        ("2024-02-29 24:00", utc(2024, 3, 1)),
        ("29/02/2024 12:34", utc(2024, 2, 29, 12, 34)),
        ("29.02.2024 12:34:56", utc(2024, 2, 29, 12, 34, 56)),
        ("02/29/2024 12:34 PM", utc(2024, 2, 29, 12, 34)),
        ("02/29/2024 12:34:56 AM", utc(2024, 2, 29, 0, 34, 56)),
        ("29-Feb-2024 12:34:56", utc(2024, 2, 29, 12, 34, 56)),
        ("20240229123456", utc(2024, 2, 29, 12, 34, 56)),
        ("20240229T123456", utc(2024, 2, 29, 12, 34, 56)),
        ("202402291234", utc(2024, 2, 29, 12, 34)),
        ("20240229", utc(2024, 2, 29)),
        ("1709210096", utc(2024, 2, 29, 12, 34, 56)),
        ("1709210096.5", utc(2024, 2, 29, 12, 34, 56, 500000)),
        ("1709210096789", utc(2024, 2, 29, 12, 34, 56, 789000)),
        ("1709210096789123", utc(2024, 2, 29, 12, 34, 56, 789123)),
        ("1709210096789123456", utc(2024, 2, 29, 12, 34, 56, 789123)),
        ("4/4/2024 00:15", utc(2024, 4, 4, 0, 15)),
    ],
)
def test_a_usual_way_of_writing_is_understood(tmp_path: Path, cell: str, time: datetime) -> None:
    assert times(tmp_path, [cell], zone="UTC") == [time]


@pytest.mark.parametrize(
    ("cell", "pattern", "time"),
    [
        ("03/04/2024 05:06", "dmy", utc(2024, 4, 3, 5, 6)),
        ("03/04/2024 05:06", "mdy", utc(2024, 3, 4, 5, 6)),
        ("03/04/2024 05:06", "dd/mm/yyyy HH:MM", utc(2024, 4, 3, 5, 6)),
        ("03/04/2024 05:06", "MM/DD/YYYY hh:mm", utc(2024, 3, 4, 5, 6)),
        ("03/04/24 05:06:07.5", "%d/%m/%y %H:%M:%S", utc(2024, 4, 3, 5, 6, 7, 500000)),
        ("05:06 03.04.2024", "HH:MM dd.mm.yyyy", utc(2024, 4, 3, 5, 6)),
        ("05h06 on 2024-04-03", "%Hh%M on %Y-%m-%d", utc(2024, 4, 3, 5, 6)),
        ("03 Apr 2024 05:06 PM", "%d %b %Y %I:%M %p", utc(2024, 4, 3, 17, 6)),
        ("1000", "epoch_s", utc(1970, 1, 1, 0, 16, 40)),
        ("1000", "epoch_ms", utc(1970, 1, 1, 0, 0, 1)),
    ],
)
def test_a_format_may_be_said(tmp_path: Path, cell: str, pattern: str, time: datetime) -> None:
    assert times(tmp_path, [cell], zone="UTC", time_format=pattern) == [time]


@pytest.mark.parametrize("pattern", ["dd/mm", "%Q", "nonsense", "%d/%d/%Y", "dd/mm/yyyy yyyy"])
def test_a_format_that_is_none_is_refused(tmp_path: Path, pattern: str) -> None:
    file = written(tmp_path, "time,a\n03/04/2024,1\n")
    assert refusal(file, zone="UTC", time_format=pattern).code == "import-time-format"


def test_day_and_month_are_told_apart_by_the_file(tmp_path: Path) -> None:
    assert times(tmp_path, ["01/02/2024 00:00", "13/02/2024 00:00"], zone="UTC")[0] == utc(
        2024, 2, 1
    )
    assert times(tmp_path, ["01/02/2024 00:00", "02/13/2024 00:00"], zone="UTC")[0] == utc(
        2024, 1, 2
    )


@pytest.mark.parametrize("second", ["02/03/2024 00:00", '13/03/2024 00:00",2\n"03/13/2024 00:00'])
def test_an_order_that_stays_open_is_asked_about(tmp_path: Path, second: str) -> None:
    file = written(tmp_path, f'time,a\n01/02/2024 00:00,1\n"{second}",2\n')
    error = refusal(file, zone="UTC")
    assert error.code == "import-time-ambiguous"
    assert "--time-format" in error.remedy.zh


@pytest.mark.parametrize(
    "cell",
    ["2024-02-30 00:00", "2023-02-29 00:00", "2024-13-01 00:00", "2024-01-01 24:01",
     "2024-01-01 00:60", "2024-01-01 00:00:61", "1850-01-01 00:00", "2300-01-01 00:00", "soon",
     "0000-00-00 00:00"],
)  # fmt: skip
def test_a_time_that_cannot_be_is_rejected(tmp_path: Path, cell: str) -> None:
    file = written(tmp_path, f"time,a\n2024-01-01 00:00,1\n2024-01-02 00:00,2\n{cell},3\n")
    found = pieces(file, zone="Asia/Shanghai")
    assert places_of(found) == [(4, "time")]
    assert rejected_of(found)[0].raw == cell
    assert len(samples_of(found)) == 2


def test_a_date_and_a_clock_column_are_one_time(tmp_path: Path) -> None:
    file = written(tmp_path, "Date,Time,a\n13/02/2024,08:15:00,1\n14/02/2024,9:00:00,2\n")
    assert [time for _, time, _ in samples_of(pieces(file, zone="UTC"))] == [
        utc(2024, 2, 13, 8, 15), utc(2024, 2, 14, 9),
    ]  # fmt: skip
    file = written(tmp_path, "Day no,At,a\n13/02/2024,08:15,1\n")
    assert samples_of(pieces(file, zone="UTC", time="Day no+At"))[0][1] == utc(2024, 2, 13, 8, 15)


def test_a_time_column_is_found_by_what_it_holds(tmp_path: Path) -> None:
    file = written(tmp_path, "n,when it was,a\n1,2024-01-01 00:00,5\n")
    assert [path for path, _, _ in samples_of(pieces(file, zone="UTC"))] == ["n", "a"]


def test_an_hour_that_is_there_twice_is_rejected_or_decided(tmp_path: Path) -> None:
    rows = (
        "time,a\n2024-10-27 01:59,1\n2024-10-27 02:00,2\n2024-10-27 02:59,3\n2024-10-27 03:00,4\n"
    )
    file = written(tmp_path, rows)
    found = pieces(file, zone="Europe/Berlin")
    assert places_of(found) == [(3, "time"), (4, "time")]
    assert "--fold" in rejected_of(found)[0].reason.en
    earlier = [
        time for _, time, _ in samples_of(pieces(file, zone="Europe/Berlin", fold="earlier"))
    ]
    assert earlier[1:3] == [utc(2024, 10, 27, 0, 0), utc(2024, 10, 27, 0, 59)]
    later = [time for _, time, _ in samples_of(pieces(file, zone="Europe/Berlin", fold="later"))]
    assert later[1:3] == [utc(2024, 10, 27, 1, 0), utc(2024, 10, 27, 1, 59)]


def test_an_hour_that_never_was_is_rejected(tmp_path: Path) -> None:
    rows = (
        "time,a\n2024-03-31 01:59,1\n2024-03-31 02:00,2\n2024-03-31 02:59,3\n2024-03-31 03:00,4\n"
    )
    found = pieces(written(tmp_path, rows), zone="Europe/Berlin", fold="earlier")
    assert places_of(found) == [(3, "time"), (4, "time")]
    assert [time for _, time, _ in samples_of(found)] == [
        utc(2024, 3, 31, 0, 59), utc(2024, 3, 31, 1, 0),
    ]  # fmt: skip


def test_a_time_with_its_own_offset_needs_no_zone(tmp_path: Path) -> None:
    cells = ["2024-10-27 02:30+02:00", "2024-10-27 02:30+01:00"]
    assert times(tmp_path, cells) == [utc(2024, 10, 27, 0, 30), utc(2024, 10, 27, 1, 30)]


def test_times_with_and_without_an_offset_may_stand_together(tmp_path: Path) -> None:
    cells = ["2024-01-01 08:00", "2024-01-01T00:00:00Z"]
    assert times(tmp_path, cells, zone="Asia/Shanghai") == [utc(2024, 1, 1), utc(2024, 1, 1)]


def test_midnight_may_end_the_day_that_it_names(tmp_path: Path) -> None:
    cells = ["13/1/2018 23:45", "13/1/2018 0:00"]
    assert times(tmp_path, cells, zone="UTC")[1] == utc(2018, 1, 13)
    assert times(tmp_path, cells, zone="UTC", midnight_ends_day=True)[1] == utc(2018, 1, 14)


def test_an_unknown_zone_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "time,a\n2024-01-01 00:00,1\n")
    for zone in ("Beijing", "../../etc/passwd", "Asia"):
        assert refusal(file, zone=zone).code == "import-zone"


ZONES = [
    "Europe/Berlin",
    "Asia/Shanghai",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Pacific/Apia",
    "UTC",
    "Africa/Casablanca",
]


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(1901, 1, 1), datetime(2199, 1, 1)),
    st.booleans(),
)
def test_local_times_are_what_the_standard_library_makes_of_them(
    name: str, local: datetime, later: bool
) -> None:
    zone = ZoneInfo(name)
    local_us = (local - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    found, twice, never = to_utc(np.array([local_us]), zone, later)
    aware = local.replace(tzinfo=zone, fold=int(later))
    expected = aware.astimezone(UTC)
    exists = expected.astimezone(zone).replace(tzinfo=None) == local
    first, second = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    assert bool(never[0]) == (not exists)
    assert bool(twice[0]) == (exists and first != second)
    if exists:
        assert int(found[0]) == (expected - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
            microseconds=1
        )
