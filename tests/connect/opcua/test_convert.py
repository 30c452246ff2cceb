"""DataValues become columns; what has no scalar meaning is bad, not guessed."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from asyncua import ua

from lianji.base.clock import to_us
from lianji.connect.driver import Columns
from lianji.connect.drivers.opcua.convert import to_columns
from lianji.dictionary.quality import Quality

NOW_US = 1_700_000_000_000_000
SOURCE = datetime(2024, 5, 6, 7, 8, 9, 10, tzinfo=UTC)
SERVER = datetime(2024, 5, 6, 7, 8, 10, tzinfo=UTC)


def columns_of(*items: ua.DataValue, scale: float = 1, offset: float = 0) -> Columns:
    rows = len(items)
    numbers = np.arange(rows, dtype=np.int32)
    return to_columns(numbers, np.full(rows, scale), np.full(rows, offset), items, NOW_US)


def value(given: Any, kind: ua.VariantType | None = None, **more: Any) -> ua.DataValue:
    return ua.DataValue(ua.Variant(given, kind), **more)


def test_numbers_are_scaled_and_booleans_are_0_or_1() -> None:
    columns = columns_of(value(2.5), value(-7), value(True), scale=2, offset=1)
    assert columns.values.tolist() == [6.0, -13.0, 3.0]
    assert columns.texts is None
    assert not columns.quality.any()


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("扳手", "扳手"),
        (ua.LocalizedText("running", "en"), "running"),
        (ua.QualifiedName("name", 2), "name"),
        (SOURCE, "2024-05-06T07:08:09.000010Z"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (b"\x01\xff", "01ff"),
        (ua.NodeId("x", 2), "ns=2;s=x"),
    ],
)
def test_what_is_no_number_becomes_text(given: Any, text: str) -> None:
    columns = columns_of(value(1.0), value(given))
    assert columns.texts == [None, text]
    assert np.isnan(columns.values[1])
    assert columns.quality[1] == Quality.GOOD


def test_whole_arrays_and_structures_are_decoding_errors() -> None:
    columns = columns_of(value([1.0, 2.0]), value(ua.EUInformation()))
    assert np.isnan(columns.values).all()
    assert columns.quality.tolist() == [Quality.BAD_DECODING_ERROR] * 2


def test_a_single_element_of_an_array_is_its_value() -> None:
    assert columns_of(value([2.5])).values.tolist() == [2.5]


def test_no_value_with_a_good_status_is_no_data() -> None:
    assert columns_of(ua.DataValue()).quality.tolist() == [Quality.BAD_NO_DATA]


def test_the_high_half_of_the_status_is_kept_with_the_value() -> None:
    status = ua.StatusCode(ua.StatusCodes.UncertainLastUsableValue | 0x0480)
    columns = columns_of(value(5.0, StatusCode=status))
    assert columns.quality.tolist() == [Quality.UNCERTAIN_LAST_USABLE_VALUE]
    assert columns.values.tolist() == [5.0]


def test_a_bad_status_outlives_a_missing_value() -> None:
    status = ua.StatusCode(ua.StatusCodes.BadSensorFailure)
    assert columns_of(ua.DataValue(StatusCode=status)).quality.tolist() == [
        Quality.BAD_SENSOR_FAILURE
    ]


@pytest.mark.parametrize(
    ("source", "server", "expected_us"),
    [
        (SOURCE, SERVER, to_us(SOURCE)),
        (None, SERVER, to_us(SERVER)),
        (None, None, NOW_US),
        (datetime(1601, 1, 1, tzinfo=UTC), SERVER, to_us(SERVER)),
        (datetime(9999, 12, 31, tzinfo=UTC), None, NOW_US),
    ],
)
def test_the_source_time_counts_then_the_server_time_then_the_arrival(
    source: datetime | None, server: datetime | None, expected_us: int
) -> None:
    item = value(1.0, SourceTimestamp=source, ServerTimestamp=server)
    assert columns_of(item).times_us.tolist() == [expected_us]
