"""The MQTT driver: every tag is told by the broker, none is asked for.

A message is decoded once for all tags that look into it, and what comes together becomes one set
of columns. Whatever a message holds, it never ends the loop: what cannot be read is a sample of
bad quality, a count and a reason in ``diagnosis``. The loop ends when the link does.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any, ClassVar

from lianji.base.clock import now_us
from lianji.base.errors import LinkDown
from lianji.connect.driver import Block, DeviceConfig, Driver, Emit, Found, Point
from lianji.connect.drivers.mqtt.address import NAMESPACE, TopicAddress, parse_address
from lianji.connect.drivers.mqtt.broker import Link, connect
from lianji.connect.drivers.mqtt.browse import Explorer, filters
from lianji.connect.drivers.mqtt.config import MqttConfig
from lianji.connect.drivers.mqtt.listening import Listening, Signal
from lianji.connect.drivers.mqtt.sparkplug import SparkplugHost
from lianji.connect.drivers.mqtt.sparkplug_b import rebirth_command
from lianji.dictionary.tag import Tag

_REBIRTH_CHECK_S = 1.0


class MqttDriver(Driver[MqttConfig]):
    """One broker."""

    name: ClassVar[str] = "mqtt"
    Config: ClassVar[type[DeviceConfig]] = MqttConfig

    def __init__(self, config: MqttConfig) -> None:
        super().__init__(config)
        self._link: Link | None = None
        self._counts: Counter[str] = Counter()
        self._last_wrong = ""
        self._refused: list[str] = []
        self._subscribed = 0
        self._host = SparkplugHost()

    def parse(self, tag: Tag) -> Point:
        address = parse_address(tag.address, tag.type)
        scaled = tag.scale != 1 or tag.offset != 0
        if address.kind == "string" and scaled:
            raise ValueError("a text has no scale or offset")
        space = address.topic if isinstance(address, TopicAddress) else NAMESPACE
        return Point(space, 0, 1, Signal(address, tag.scale, tag.offset))

    async def open(self) -> None:
        self._link = await connect(self.config)

    async def close(self) -> None:
        link, self._link = self._link, None
        self._subscribed = 0
        if link is not None:
            await link.close()

    async def read(self, block: Block) -> Any:
        raise NotImplementedError("MQTT tells, it cannot be asked: every point is subscribed")

    def subscribed(self, point: Point) -> bool:
        return True

    async def subscribe(self, points: Sequence[Point], numbers: Sequence[int], emit: Emit) -> None:
        link = self._open_link()
        listening = Listening(points, numbers, self.config)
        self._host = listening.host
        topics = self.config.subscriptions or listening.topics()
        self._refused = await link.subscribe(topics, self.config.qos)
        self._subscribed = len(topics) - len(self._refused)
        if self._refused and len(denied := listening.denied(self._refused)):
            emit(denied)
        asking = asyncio.create_task(self._ask_for_births(link, listening.host))
        try:
            while True:
                messages = await link.gather()
                columns, wrong = listening.decode(messages, self._counts)
                self._counts["dropped"] = link.dropped
                self._last_wrong = wrong or self._last_wrong
                if link.waits_for_yes:
                    columns.settled = partial(link.settle, messages)
                if len(columns):
                    emit(columns)
                elif columns.settled is not None:
                    columns.settled(True)
        finally:
            asking.cancel()

    async def _ask_for_births(self, link: Link, host: SparkplugHost) -> None:
        """Births are not retained, so whoever comes late or missed a message must ask."""
        while self.config.rebirth and host.nodes:
            try:
                await _request_births(link, host)
            except LinkDown:
                return  # the loop that waits for messages sees it too, and says so
            await asyncio.sleep(min(_REBIRTH_CHECK_S, self.config.rebirth_interval_s))

    async def browse(self, start: str = "") -> AsyncIterator[Found]:
        """Listen for ``browse_s`` on a connection of its own, so that no subscription is robbed."""
        explorer = Explorer(self.config.browse_s)
        client_id = f"{self.config.client_id}-browse" if self.config.client_id else ""
        link = await connect(self.config.model_copy(update={"clean_start": True}), client_id)
        ends_s = time.monotonic() + self.config.browse_s
        try:
            await link.subscribe(filters(start), self.config.qos)
            while (left_s := ends_s - time.monotonic()) > 0:
                try:
                    messages = await asyncio.wait_for(link.gather(), left_s)
                except TimeoutError:
                    return
                for message in messages:
                    for found in explorer.hear(message):
                        yield found
                if self.config.rebirth:
                    await _request_births(link, explorer.host)
        finally:
            await link.close()

    def diagnosis(self) -> dict[str, float | str]:
        shown: dict[str, float | str] = {"subscribed": self._subscribed}
        for name in ("messages", "bad_payloads", "unrouted", "dropped"):
            shown[name] = self._counts[name]
        if self._last_wrong:
            shown["last_bad_payload"] = self._last_wrong
        if self._refused:
            shown["refused_topics"] = ", ".join(self._refused[:10])
        if self._host.nodes:
            shown |= self._host.counts.shown()
        return shown

    def _open_link(self) -> Link:
        if self._link is None:
            raise RuntimeError("subscribe before open")
        return self._link


async def _request_births(link: Link, host: SparkplugHost) -> None:
    for node in host.due(time.monotonic()):
        command = rebirth_command(now_us() // 1000)
        await link.publish(f"{NAMESPACE}/{node.group}/NCMD/{node.edge}", command)


DRIVER = MqttDriver
