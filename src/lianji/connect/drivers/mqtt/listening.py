"""What one subscription listens with: routes to tags, Sparkplug's state, scales.

Pure: messages go in, columns come out, whatever the messages hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lianji.base.clock import now_us
from lianji.connect.driver import Columns, Point
from lianji.connect.drivers.mqtt import payload
from lianji.connect.drivers.mqtt.address import NAMESPACE, MetricAddress, TopicAddress
from lianji.connect.drivers.mqtt.broker import Arrived
from lianji.connect.drivers.mqtt.config import MqttConfig
from lianji.connect.drivers.mqtt.rows import NO_VALUE, Rows
from lianji.connect.drivers.mqtt.sparkplug import SparkplugHost

_ACCESS_DENIED = 0x801F
"""OPC UA Bad_UserAccessDenied: the broker's access list keeps this topic from us."""
_NAMESPACE_ROOT = f"{NAMESPACE}/"


@dataclass(frozen=True, slots=True)
class Signal:
    """What a point's ``detail`` holds; the value becomes ``raw * scale + offset``."""

    address: TopicAddress | MetricAddress
    scale: float
    offset: float


class Listening:
    """Made of a device's points and their numbers; says what to subscribe to, and decodes."""

    def __init__(self, points: Sequence[Point], numbers: Sequence[int], config: MqttConfig) -> None:
        self.routes: dict[str, payload.Route] = {}
        self.host = SparkplugHost(config.rebirth_interval_s)
        self._clock = config.clock()
        size = max(numbers, default=-1) + 1
        self._scale, self._offset = np.ones(size), np.zeros(size)
        for point, number in zip(points, numbers, strict=True):
            signal: Signal = point.detail
            self._scale[number], self._offset[number] = signal.scale, signal.offset
            if isinstance(signal.address, MetricAddress):
                self.host.want(number, signal.address)
            else:
                topic = signal.address.topic
                self.routes.setdefault(topic, payload.Route(topic)).add(number, signal.address)
        self._scaled = bool((self._scale != 1).any() or (self._offset != 0).any())

    def topics(self) -> list[str]:
        """Exact topics, and for each edge node all that it sends, since all of it is counted."""
        nodes = [f"{NAMESPACE}/{group}/+/{edge}/#" for group, edge in self.host.nodes]
        return [*self.routes, *nodes]

    def decode(self, messages: Sequence[Arrived], counts: Counter[str]) -> tuple[Columns, str]:
        rows, last_wrong = Rows(), ""
        for message in messages:
            route = self.routes.get(message.topic)
            if route is not None:
                wrong = payload.decode(
                    route, message.payload, message.time_us, message.retained, self._clock, rows
                )
            elif message.topic.startswith(_NAMESPACE_ROOT):
                wrong = self.host.receive(message.topic, message.payload, message.time_us, rows)
            else:
                counts["unrouted"] += 1
                continue
            if wrong:
                counts["bad_payloads"] += 1
                last_wrong = f"{message.topic}: {wrong}"
        counts["messages"] += len(messages)
        return self._columns(rows), last_wrong

    def _columns(self, rows: Rows) -> Columns:
        columns = rows.columns()
        if self._scaled:
            columns.values *= self._scale[columns.numbers]
            columns.values += self._offset[columns.numbers]
        return columns

    def denied(self, topics: Sequence[str]) -> Columns:
        """Bad samples for the tags of topics that the broker refused to send."""
        rows, time_us = Rows(), now_us()
        for topic in topics:
            if topic in self.routes:
                for number in self.routes[topic].numbers():
                    rows.add(number, time_us, NO_VALUE, _ACCESS_DENIED)
        return rows.columns()
