"""What a broker offers: whatever speaks within a few seconds, so that tags can be made of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from lianji.connect.driver import Found
from lianji.connect.drivers.mqtt.address import NAMESPACE, SPARKPLUG, path_text
from lianji.connect.drivers.mqtt.broker import Arrived
from lianji.connect.drivers.mqtt.metric import read_metric, type_name
from lianji.connect.drivers.mqtt.payload import PAYLOAD_BYTES_MAX, leaves, read_plain
from lianji.connect.drivers.mqtt.rows import Rows
from lianji.connect.drivers.mqtt.sparkplug import SparkplugHost
from lianji.connect.drivers.mqtt.sparkplug_b import parse_payload

_SHOWN = 60


def filters(start: str) -> list[str]:
    """Topic filters for a place to start at: everything, a topic and what is below, or a filter."""
    if not start:
        return ["#"]
    return [start] if "#" in start or "+" in start else [f"{start.rstrip('/')}/#"]


class Explorer:
    """Shows each address once, in the order in which it was first heard."""

    def __init__(self, rebirth_interval_s: float) -> None:
        self.host = SparkplugHost(rebirth_interval_s, every_node=True)
        self._seen: set[str] = set()

    def hear(self, message: Arrived) -> Iterator[Found]:
        found = self._sparkplug(message) if _is_sparkplug(message.topic) else _plain(message)
        for item in found:
            if item.address not in self._seen:
                self._seen.add(item.address)
                yield item

    def _sparkplug(self, message: Arrived) -> Iterator[Found]:
        self.host.receive(message.topic, message.payload, message.time_us, Rows())
        _, group, verb, *place = message.topic.split("/")
        if verb not in ("NBIRTH", "DBIRTH") or len(message.payload) > PAYLOAD_BYTES_MAX:
            return
        try:
            payload = parse_payload(message.payload)
        except ValueError:
            return
        for metric in payload.metrics:
            value, text, _, _ = read_metric(metric, metric.datatype, "auto")
            yield Found(
                address=f"{SPARKPLUG}{group}/{'/'.join(place)}#{metric.name}",
                name=str(metric.name),
                type="string" if text is not None else "number",
                description=type_name(metric.datatype),
                value=(f"{value:g}" if text is None else text)[:_SHOWN],
            )


def _is_sparkplug(topic: str) -> bool:
    parts = topic.split("/")
    return parts[0] == NAMESPACE and len(parts) in (4, 5)


def _plain(message: Arrived) -> Iterator[Found]:
    topic = message.topic
    if len(message.payload) > PAYLOAD_BYTES_MAX:
        return
    try:
        document = json.loads(message.payload)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict | list):
        for path, value in leaves(document):
            if path:
                place = path_text(path)
                yield _found(f"{topic}#{place}", f"{topic}/{place}", value)
        return
    value, text, quality, _ = read_plain(message.payload, "number")
    if quality:
        _, text, quality, _ = read_plain(message.payload, "string")
    if not quality:
        yield _found(topic, topic, value if text is None else text)


def _found(address: str, name: str, value: object) -> Found:
    kind = "string" if isinstance(value, str) else "bool" if isinstance(value, bool) else "number"
    return Found(address, name, kind, value=str(value)[:_SHOWN])
