"""The Sparkplug state machine, on bytes made by hand."""

from __future__ import annotations

import gzip
import math
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianji.connect.drivers.mqtt.address import MetricAddress, parse_address
from lianji.connect.drivers.mqtt.metric import read_metric, read_quality, whole
from lianji.connect.drivers.mqtt.rows import Rows
from lianji.connect.drivers.mqtt.sparkplug import SparkplugHost
from lianji.connect.drivers.mqtt.sparkplug_b import COMPRESSED, NewPayload, parse_payload
from lianji.dictionary.quality import Quality
from tests.connect.mqtt.conftest import Sample, samples

NOW_US = 1_700_000_000_000_000
AT_MS = 1_699_999_999_000
DOUBLE, INT8, UINT64, STRING, DATASET = 10, 1, 8, 12, 16

Metric = dict[str, Any]


def payload(*metrics: Metric, seq: int | None = None, timestamp: int = AT_MS) -> bytes:
    made = NewPayload()
    made.timestamp = timestamp
    if seq is not None:
        made.seq = seq
    for given_metric in metrics:
        metric = made.metrics.add()
        for name, value in given_metric.items():
            if name == "quality":
                metric.properties.keys.append("Quality")
                metric.properties.values.add(int_value=value)
            else:
                setattr(metric, name, value)
    return made.SerializeToString()


def born(alias: int, name: str, value: float = 0.0) -> Metric:
    return {"name": name, "alias": alias, "datatype": DOUBLE, "double_value": value}


def changed(alias: int, value: float, **more: Any) -> Metric:
    return {"alias": alias, "double_value": value, **more}


def bd_seq(number: int) -> Metric:
    return {"name": "bdSeq", "datatype": UINT64, "long_value": number}


class Bench:
    """A host with tags on a node (0: Speed) and on a device (1: Temp, 2: Note)."""

    def __init__(self) -> None:
        self.host = SparkplugHost(rebirth_interval_s=10)
        for number, text in enumerate(("spb:G/E#Speed", "spb:G/E/D#Folder/Temp", "spb:G/E/D#Note")):
            address = parse_address(text, "")
            assert isinstance(address, MetricAddress)
            self.host.want(number, address)
        self.wrong = ""

    def hear(self, verb: str, raw: bytes, device: str = "") -> list[Sample]:
        rows = Rows()
        topic = f"spBv1.0/G/{verb}/E" + (f"/{device}" if device else "")
        self.wrong = self.host.receive(topic, raw, NOW_US, rows)
        return samples(rows.columns())

    def born(self, bd: int = 7) -> Bench:
        self.hear("NBIRTH", payload(bd_seq(bd), born(1, "Speed", 10.0), seq=0))
        note = {"name": "Note", "alias": 3, "datatype": STRING, "string_value": "一号机"}
        self.hear("DBIRTH", payload(born(2, "Folder/Temp", 20.0), note, seq=1), "D")
        return self

    def asked(self, now_s: float) -> int:
        return len(list(self.host.due(now_s)))


def test_a_birth_gives_the_first_values_with_their_times() -> None:
    bench = Bench()
    found = bench.hear("NBIRTH", payload({**born(1, "Speed", 10.5), "timestamp": AT_MS - 5}, seq=0))
    assert found == [Sample(0, (AT_MS - 5) * 1000, 10.5, Quality.GOOD, None)]


def test_data_comes_by_alias_and_texts_stay_texts() -> None:
    bench = Bench().born()
    found = bench.hear(
        "DDATA", payload(changed(2, 21.5), {"alias": 3, "string_value": "ok"}, seq=2), "D"
    )
    assert [(sample.number, sample.value, sample.text) for sample in found] == [
        (1, 21.5, None),
        (2, None, "ok"),
    ]
    assert bench.asked(0) == 0


def test_the_same_alias_in_node_and_device_is_not_confused() -> None:
    bench = Bench()
    bench.hear("NBIRTH", payload(born(1, "Speed"), seq=0))
    bench.hear("DBIRTH", payload(born(1, "Folder/Temp"), born(2, "Note"), seq=1), "D")
    assert bench.hear("NDATA", payload(changed(1, 5), seq=2))[0].number == 0
    assert bench.hear("DDATA", payload(changed(1, 6), seq=3), "D")[0].number == 1


def test_historical_samples_keep_their_own_times() -> None:
    bench = Bench().born()
    old = [changed(1, i, timestamp=AT_MS - 60_000 + i, is_historical=True) for i in range(3)]
    found = bench.hear("NDATA", payload(*old, seq=2))
    assert [sample.time_us for sample in found] == [(AT_MS - 60_000 + i) * 1000 for i in range(3)]
    assert bench.host.counts.historical == 3


def test_a_gap_in_the_sequence_is_counted_and_births_are_asked_for_once_an_interval() -> None:
    bench = Bench().born()
    assert bench.asked(0) == 0
    found = bench.hear("NDATA", payload(changed(1, 11), seq=4))
    assert found[0].value == 11  # the sample itself is sound
    assert bench.host.counts.sequence_gaps == 1
    assert bench.asked(1) == 1
    bench.hear("NDATA", payload(changed(1, 12), seq=9))
    assert bench.asked(2) == 0
    assert bench.asked(12) == 1
    bench.born()
    assert bench.asked(30) == 0


def test_the_sequence_wraps_at_256_and_a_repeat_is_no_gap() -> None:
    bench = Bench().born()
    for seq in [*range(2, 256), 0, 0, 1]:
        bench.hear("NDATA", payload(changed(1, seq), seq=seq))
    assert bench.host.counts.sequence_gaps == 0


def test_devices_that_no_tag_names_still_count_in_the_sequence() -> None:
    bench = Bench().born()
    bench.hear("DDATA", payload(changed(9, 1), seq=2), "Other")
    bench.hear("NDATA", payload(changed(1, 1), seq=3))
    assert bench.host.counts.sequence_gaps == 0
    assert bench.host.counts.unknown_metrics == 0


def test_an_alias_before_any_birth_asks_for_a_birth() -> None:
    bench = Bench()
    assert bench.asked(0) == 1  # whoever comes late must ask
    assert bench.hear("NDATA", payload(changed(1, 11), seq=4)) == []
    assert "birth" in bench.wrong
    assert bench.host.counts.unknown_metrics == 1
    assert bench.asked(11) == 1


def test_a_named_metric_before_any_birth_is_taken_at_its_word() -> None:
    found = Bench().hear("NDATA", payload(born(1, "Speed", 3.5), seq=4))
    assert [sample.value for sample in found] == [3.5]


def test_a_death_makes_all_metrics_of_the_node_bad_once() -> None:
    bench = Bench().born(bd=7)
    found = bench.hear("NDEATH", payload(bd_seq(7), timestamp=AT_MS - 99_000))
    assert {sample.number for sample in found} == {0, 1, 2}
    for sample in found:
        assert (sample.value, sample.quality) == (None, Quality.BAD_NO_COMMUNICATION)
        assert sample.time_us == NOW_US  # not the will's time, which is that of the connect
    assert bench.hear("NDEATH", payload(bd_seq(7))) == []


def test_a_death_is_never_stamped_before_the_last_sample_of_a_node_whose_clock_is_ahead() -> None:
    bench = Bench().born()
    ahead_ms = NOW_US // 1000 + 5000
    bench.hear("NDATA", payload(changed(1, 1.0), seq=2, timestamp=ahead_ms))
    found = bench.hear("NDEATH", payload(bd_seq(7)))
    assert found[0].time_us == ahead_ms * 1000


def test_the_death_of_an_older_session_is_ignored() -> None:
    bench = Bench().born(bd=7)
    assert bench.hear("NDEATH", payload(bd_seq(6))) == []
    assert bench.host.counts.stale_deaths == 1
    assert bench.hear("NDATA", payload(changed(1, 11), seq=2))[0].value == 11


def test_the_death_of_a_device_leaves_its_node_alive() -> None:
    bench = Bench().born()
    found = bench.hear("DDEATH", payload(seq=2), "D")
    assert {sample.number for sample in found} == {1, 2}
    assert bench.hear("NDATA", payload(changed(1, 11), seq=3))[0].value == 11
    assert bench.asked(0) == 0
    bench.hear("DDATA", payload(changed(2, 1), seq=4), "D")
    assert bench.asked(0) == 1  # data of a dead device: a birth was missed


def test_a_metric_that_the_birth_does_not_name_is_unknown() -> None:
    found = Bench().hear("NBIRTH", payload(born(1, "Sped"), seq=0))
    assert found == [Sample(0, AT_MS * 1000, None, Quality.BAD_NODE_ID_UNKNOWN, None)]


@pytest.mark.parametrize(
    ("metric", "value", "quality"),
    [
        ({"is_null": True}, None, Quality.BAD_NO_DATA),
        ({"double_value": math.nan}, None, Quality.BAD_DECODING_ERROR),
        ({"float_value": math.inf}, None, Quality.BAD_DECODING_ERROR),
        ({"bytes_value": b"x"}, None, Quality.BAD_DECODING_ERROR),
        ({}, None, Quality.BAD_DECODING_ERROR),
        ({"boolean_value": True}, 1.0, Quality.GOOD),
        ({"double_value": 4.0, "quality": 192}, 4.0, Quality.GOOD),
        ({"double_value": 4.0, "quality": 500}, 4.0, Quality.UNCERTAIN_LAST_USABLE_VALUE),
        ({"double_value": 4.0, "quality": 0}, 4.0, Quality.BAD),
    ],
    ids=str,
)
def test_each_form_of_value_and_quality(
    metric: Metric, value: float | None, quality: Quality
) -> None:
    found = Bench().born().hear("NDATA", payload({"alias": 1, **metric}, seq=2))
    assert [(sample.value, sample.quality) for sample in found] == [(value, quality)]


@pytest.mark.parametrize(
    ("raw", "datatype", "value"),
    [
        (0xFFFFFFFF, 1, -1),
        (0xFF, 1, -1),
        (0x7F, 1, 127),
        (0xFFFF8000, 2, -32768),
        (0x80000000, 3, -(2**31)),
        (2**64 - 5, 4, -5),
        (2**64 - 5, 3, -5),
        (0xFF, 5, 255),
        (2**64 - 1, 8, 2**64 - 1),
        (2**40, 13, 2**40),
    ],
)
def test_whole_numbers_have_the_sign_and_width_of_their_datatype(
    raw: int, datatype: int, value: int
) -> None:
    assert whole(raw, datatype) == value


@pytest.mark.parametrize("timestamp", [0, 2**63, 2**64 - 1])
def test_a_senseless_time_becomes_the_time_of_arrival_and_uncertain(timestamp: int) -> None:
    bench = Bench().born()
    raw = payload(changed(1, 5.0, timestamp=timestamp), seq=2, timestamp=timestamp)
    found = bench.hear("NDATA", raw)
    assert found == [Sample(0, NOW_US, 5.0, Quality.UNCERTAIN, None)]


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress])
def test_compressed_payloads_are_unpacked(pack: Any) -> None:
    outer = NewPayload()
    outer.uuid, outer.body = COMPRESSED, pack(payload(born(1, "Speed", 2.5), seq=0))
    assert Bench().hear("NBIRTH", outer.SerializeToString())[0].value == 2.5


def test_a_decompression_bomb_is_refused() -> None:
    outer = NewPayload()
    outer.uuid, outer.body = COMPRESSED, zlib.compress(bytes(50_000_000), 9)
    with pytest.raises(ValueError, match="too large"):
        parse_payload(outer.SerializeToString())


verbs = st.sampled_from(["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH", "NCMD", "STATE"])
noise = st.builds(
    payload,
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.sampled_from(["Speed", "Folder/Temp", "Note", "bdSeq", ""]),
            "alias": st.integers(0, 3),
            "datatype": st.integers(0, 40),
            "timestamp": st.integers(0, 2**64 - 1),
            "double_value": st.floats(),
            "is_null": st.booleans(),
            "quality": st.integers(0, 600),
        },
    ),
    seq=st.none() | st.integers(0, 2**64 - 1),
)


@given(st.lists(st.tuples(verbs, st.booleans(), st.binary(max_size=60) | noise), max_size=12))
@settings(max_examples=500, deadline=None)
def test_no_messages_in_any_order_do_harm(messages: list[tuple[str, bool, bytes]]) -> None:
    bench = Bench()
    for verb, of_device, raw in messages:
        for sample in bench.hear(verb, raw, "D" if of_device else ""):
            assert sample.value is None or math.isfinite(sample.value)


@given(st.binary(max_size=100))
@settings(deadline=None)
def test_a_text_that_is_not_utf_8_is_a_bad_sample(text: bytes) -> None:
    # a metric (field 2) whose string_value (field 15) is any bytes
    metric = b"\x10\x01" + b"\x7a" + bytes([len(text)]) + text
    raw = b"\x12" + bytes([len(metric)]) + metric
    parsed = parse_payload(raw)
    for found in parsed.metrics:
        _, shown, quality, _ = read_metric(found, STRING, "auto")
        assert (shown is None) == (quality != Quality.GOOD)
        assert read_quality(found.properties) == Quality.GOOD
