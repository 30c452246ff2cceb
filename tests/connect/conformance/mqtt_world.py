"""MQTT and mosquitto, with a publisher that keeps telling it the same numbers."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import aiomqtt

from lianji.connect.drivers.mqtt.config import MqttConfig
from lianji.connect.drivers.mqtt.driver import MqttDriver
from lianji.dictionary.tag import Tag
from tests.connect.conformance.real import RealWorld, somebody_between
from tests.peers import free_port
from tests.peers.fault_proxy import Fate, FaultProxy
from tests.peers.mortal import Mortal
from tests.peers.mqtt import mosquitto

_PUBLISH, _SUBACK = 3, 9
"""Packet types, the first four bits (MQTT 3.1.1, section 2.2.1)."""
_NO = b"\x80"
EVERY_S = 0.02


def frame_size(data: bytes) -> int:
    """MQTT 3.1.1, section 2.2.3: seven bits a byte, the lowest first."""
    length = 0
    for place, octet in enumerate(data[1:5]):
        length |= (octet & 0x7F) << 7 * place
        if octet < 0x80:
            return 2 + place + length
    return 0


class MqttServer(Mortal):
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        super().__init__(lambda: self._running(folder))

    @contextmanager
    def _running(self, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
        with mosquitto(folder, self.port) as broker:
            yield broker.process


class MqttWorld(RealWorld):
    def __init__(self, server: MqttServer, proxy: FaultProxy | None) -> None:
        super().__init__(server, proxy)
        self.over = False
        self.told = {"p/a": "20.5", "p/b": '{"x": 21.5}', "p/c": "-3"}
        self.tags = [
            Tag(path="plant/a", address="p/a"),
            Tag(path="plant/b", address="p/b#x"),
            Tag(path="plant/c", address="p/c"),
        ]
        self.expected = {"plant/a": 20.5, "plant/b": 21.5, "plant/c": -3.0}
        self.wrong_tag = Tag(path="plant/wrong", address="p/+/a")
        self.refusable = self.tags[1]

    def driver(self) -> MqttDriver:
        return MqttDriver(
            MqttConfig(
                protocol="mqtt", host="127.0.0.1", port=self.port, timeout_ms=800, keepalive_s=2
            )
        )

    def holds_values(self, frame: bytes) -> bool:
        return frame[0] >> 4 == _PUBLISH

    async def refuse(self) -> None:
        """Mosquitto grants every subscription, so its answer is changed on the way."""
        del self.told["p/b"]
        self.proxy.rewrite(_without_the_second)

    async def keep_telling(self) -> None:
        """Until ``over``; aiomqtt does not bear to be cancelled at any moment."""
        while not self.over:
            with suppress(aiomqtt.MqttError):
                async with aiomqtt.Client("127.0.0.1", self.server.port, timeout=1) as client:
                    while not self.over:
                        for topic, payload in self.told.items():
                            await client.publish(topic, payload)
                        await asyncio.sleep(EVERY_S)
            await asyncio.sleep(EVERY_S)


def _without_the_second(frame: bytes) -> Fate:
    """A SUBACK says yes or no to each topic in the order of the asking (section 3.9.3)."""
    if frame[0] >> 4 != _SUBACK:
        return Fate(frame)
    return Fate(frame[:5] + _NO + frame[6:])


@asynccontextmanager
async def mqtt_world(server: MqttServer, between: bool) -> AsyncIterator[MqttWorld]:
    async with somebody_between(between, server, frame_size) as proxy:
        world = MqttWorld(server, proxy)
        telling = asyncio.create_task(world.keep_telling())
        try:
            yield world
        finally:
            await world.mended()
            world.over = True
            await telling
