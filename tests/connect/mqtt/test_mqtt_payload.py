"""Payloads become samples; bad ones become bad samples, never exceptions."""

from __future__ import annotations

import json
import math
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianji.base.clock import to_us
from lianji.connect.drivers.mqtt.address import TopicAddress, parse_address
from lianji.connect.drivers.mqtt.payload import (
    PAYLOAD_BYTES_MAX,
    Clock,
    Route,
    decode,
    leaves,
    read_time,
)
from lianji.connect.drivers.mqtt.rows import Rows
from lianji.dictionary.batch import Batch
from lianji.dictionary.quality import Quality
from tests.connect.mqtt.conftest import Sample, samples

NOW_US = 1_700_000_000_000_000
UTC = ZoneInfo("UTC")


def route(*addresses: str | tuple[str, str]) -> Route:
    made = Route("t")
    for number, given_address in enumerate(addresses):
        pair = given_address if isinstance(given_address, tuple) else (given_address, "")
        address = parse_address(*pair)
        assert isinstance(address, TopicAddress)
        made.add(number, address)
    return made


def decoded(
    made: Route, payload: bytes, retained: bool = False, clock: Clock | None = None
) -> tuple[list[Sample], str]:
    rows = Rows()
    wrong = decode(made, payload, NOW_US, retained, clock, rows)
    return samples(rows.columns()), wrong


def one(address: str, payload: bytes, type_name: str = "", **more: Any) -> Sample:
    found, _ = decoded(route((address, type_name)), payload, **more)
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("payload", "value"),
    [(b"12.5", 12.5), (b" -3e2\n", -300.0), (b"true", 1.0), (b"FALSE", 0.0), (b"0", 0.0)],
)
def test_a_plain_payload_is_a_number_or_a_boolean(payload: bytes, value: float) -> None:
    assert one("t", payload) == Sample(0, NOW_US, value, Quality.GOOD, None)


def test_a_plain_payload_is_a_text_only_where_the_tag_is_one() -> None:
    assert one("t", "停机".encode(), "string").text == "停机"
    assert one("t", b"stopped").quality == Quality.BAD_DECODING_ERROR


def test_every_tag_of_a_topic_finds_its_own_place() -> None:
    found, wrong = decoded(
        route("t#temps[1].value", "t#run", ("t#state", "string"), "t#deep.er"),
        b'{"temps":[{"value":1},{"value":20.5}],"run":true,"state":"auto","deep":{"er":-7}}',
    )
    assert [(sample.value, sample.text) for sample in found] == [
        (20.5, None),
        (1.0, None),
        (None, "auto"),
        (-7.0, None),
    ]
    assert not wrong


def test_null_is_no_data_rather_than_a_fault() -> None:
    found, wrong = decoded(route("t#a"), b'{"a":null}')
    assert found[0].quality == Quality.BAD_NO_DATA
    assert not wrong


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"not json",
        b"\xff\xfe\x00",
        '{"a":"温度"}'.encode("gbk"),
        b'{"b":1}',
        b'{"a":{"b":1}}',
        b'{"a":[1]}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":' + b"9" * 400 + b"}",
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"' + b"9" * 400 + b'"}',
        b'{"a":"1_000"}',
        b'{"a":"warm"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'["a"]',
        b'"a"',
        b" " * (PAYLOAD_BYTES_MAX + 1),
    ],
    ids=lambda payload: repr(payload[:24]),
)
def test_a_bad_payload_is_a_bad_sample_with_a_reason(payload: bytes) -> None:
    found, wrong = decoded(route("t#a"), payload)
    assert found == [Sample(0, NOW_US, None, Quality.BAD_DECODING_ERROR, None)]
    assert wrong


def test_a_bad_value_leaves_its_neighbours_good() -> None:
    found, wrong = decoded(route("t#a", "t#b"), b'{"a":NaN,"b":2}')
    assert [sample.quality for sample in found] == [Quality.BAD_DECODING_ERROR, Quality.GOOD]
    assert "finite" in wrong


def test_half_a_surrogate_pair_never_reaches_a_batch() -> None:
    assert one("t#a", b'{"a":"\\ud800"}', "string").quality == Quality.BAD_DECODING_ERROR


CLOCK = Clock(("ts",), UTC)


@pytest.mark.parametrize(
    "time",
    [
        "1700000000",
        "1700000000.0",
        "1700000000000",
        "1700000000000000",
        "1700000000000000000",
        '"1700000000000"',
        '"2023-11-14T22:13:20Z"',
        '"2023-11-15T06:13:20+08:00"',
        '"2023-11-14 22:13:20"',
    ],
)
def test_the_payloads_own_time_is_read_by_its_size_or_as_iso_8601(time: str) -> None:
    found = one("t#a", f'{{"a":1,"ts":{time}}}'.encode(), clock=CLOCK)
    assert (found.time_us, found.quality) == (NOW_US, Quality.GOOD)


def test_a_time_without_a_zone_is_in_the_zone_of_the_device() -> None:
    assert read_time("2023-11-15 06:13:20", ZoneInfo("Asia/Shanghai")) == NOW_US


@pytest.mark.parametrize("time", ["null", '"soon"', "true", "1e300", "NaN", "[]", '"9999-12-31"'])
def test_an_unreadable_time_leaves_the_value_uncertain_at_arrival(time: str) -> None:
    found, wrong = decoded(route("t#a"), f'{{"a":1,"ts":{time}}}'.encode(), clock=CLOCK)
    assert found == [Sample(0, NOW_US, 1.0, Quality.UNCERTAIN, None)]
    assert "time" in wrong


def test_a_retained_message_of_unknown_age_is_a_last_usable_value() -> None:
    stale = Quality.UNCERTAIN_LAST_USABLE_VALUE
    assert one("t#a", b'{"a":1}', retained=True).quality == stale
    assert one("t", b"1", retained=True).quality == stale
    assert one("t", b"?", retained=True).quality == Quality.BAD_DECODING_ERROR


def test_a_retained_message_with_its_own_time_is_good_at_that_time() -> None:
    found = one("t#a", b'{"a":1,"ts":1600000000}', retained=True, clock=CLOCK)
    assert (found.time_us, found.quality) == (1_600_000_000_000_000, Quality.GOOD)


def test_leaves_are_found_in_the_order_written() -> None:
    assert list(leaves({"a": [1, {"b": 2}], "c": None})) == [
        (("a", 0), 1),
        (("a", 1, "b"), 2),
        (("c",), None),
    ]


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
MANY = (("t", ""), ("t", "string"), ("t#a", ""), ("t#[0]", "string"), ("t#a.b[1]", "bool"))


def check_any(payload: bytes) -> None:
    found, _ = decoded(route(*MANY), payload, clock=CLOCK)
    assert len(found) == len(MANY)
    for sample in found:
        assert sample.value is None or math.isfinite(sample.value)
    rows = Rows()
    decode(route(*MANY), payload, NOW_US, True, CLOCK, rows)
    columns = rows.columns()
    Batch.of(
        columns.numbers, columns.times_us, columns.values, columns.quality, columns.texts
    )  # what the next room does with it


@given(st.binary(max_size=200))
@settings(max_examples=500, deadline=None)
def test_no_bytes_do_harm(payload: bytes) -> None:
    check_any(payload)


@given(st.dictionaries(st.sampled_from(["a", "b", "ts"]), any_json) | st.lists(any_json))
@settings(max_examples=300, deadline=None)
def test_no_json_does_harm(document: object) -> None:
    check_any(json.dumps(document).encode())


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda moment: 1900 < moment.year < 2200))
@settings(deadline=None)
def test_iso_times_are_exact_to_the_microsecond(moment: Any) -> None:
    assert read_time(moment.isoformat(), UTC) == to_us(moment)
