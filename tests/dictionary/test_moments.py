from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianji.base.clock import from_us
from lianji.base.errors import InputError
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN
from lianji.dictionary.moments import parse_moment, parse_range, parse_span

NOW = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("text", "time_us"),
    [
        ("now", NOW),
        ("-1h", NOW - HOUR),
        ("now-90min", NOW - 90 * 60_000_000),
        ("-1.5d", NOW - 36 * HOUR),
        ("+10s", NOW + 10_000_000),
        ("1767225600000000", NOW),
        ("-1", -1),
        ("2026-01-01T00:00:00Z", NOW),
        ("2026-01-01T08:00:00+08:00", NOW),
        ("2026-01-01T08:00:00 08:00", NOW),
        ("2026-01-01T00:00:00.000001Z", NOW + 1),
    ],
)
def test_a_moment_may_be_written_in_many_ways(text: str, time_us: int) -> None:
    assert parse_moment(text, NOW) == time_us


@pytest.mark.parametrize("text", ["", "yesterday", "-1 fortnight", "9" * 400, "-1h-1h", "1h", "٣"])
def test_what_is_no_moment_is_refused_in_both_languages(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_moment(text, NOW)
    assert caught.value.cause.en and caught.value.remedy.zh


def test_a_time_without_a_zone_is_refused_rather_than_guessed() -> None:
    with pytest.raises(InputError) as caught:
        parse_moment("2026-01-01T00:00:00", NOW)
    assert caught.value.code == "time-without-zone"


@given(st.integers(TIME_US_MIN, TIME_US_MAX))
def test_an_iso_time_comes_back_to_the_microsecond(time_us: int) -> None:
    assert parse_moment(from_us(time_us).isoformat(), NOW) == time_us


@given(st.text(max_size=40))
def test_any_text_gives_a_time_within_the_calendar_or_an_input_error(text: str) -> None:
    try:
        assert TIME_US_MIN <= parse_moment(text, NOW) <= TIME_US_MAX
    except InputError as error:
        assert error.http_status == 400


def test_a_span_is_a_number_and_a_unit() -> None:
    assert parse_span("15min") == 900_000_000
    for wrong in ("0s", "-1h", "15", "min"):
        with pytest.raises(InputError):
            parse_span(wrong)


def test_a_range_must_begin_before_it_ends() -> None:
    assert parse_range("-1h", "now", NOW) == (NOW - HOUR, NOW)
    with pytest.raises(InputError):
        parse_range("now", "-1h", NOW)
