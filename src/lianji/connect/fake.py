"""A machine in memory and a driver for it: for tests of the framework and for driver authors.

The machine is 65,536 registers a unit and a script of faults: it can refuse addresses, hang, answer
another's question, drop the link, be slow. Its driver is a whole driver in the size that one should
have, and an example of a vectorised ``decode``.

Addresses are ``unit:register``, or ``~topic`` for what the machine sends by itself. Types are
``uint16``, ``float32`` (two registers, big-endian) and ``text`` (four registers of ASCII).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianji.base.errors import Desync, DeviceTimeout, LinkDown, Refused, Text
from lianji.connect.driver import (
    Block,
    Columns,
    DeviceConfig,
    Driver,
    Emit,
    Limits,
    Point,
)
from lianji.dictionary.quality import Quality
from lianji.dictionary.tag import Tag

SPANS = {"uint16": 1, "float32": 2, "text": 4, "": 1}


class FakeConfig(DeviceConfig):
    """The common head is all that a machine in memory needs."""

    machine: str = ""
    """Which machine; another name is another machine."""


def _error(kind: type[Any], code: str, en: str, zh: str) -> Any:
    return kind(code, Text(en, zh), Text("This machine is a fake.", "这是一台模拟设备。"))


@dataclass(slots=True)
class FakeMachine:
    """Registers, faults and a record of what was asked.

    Every fault can be set and cleared at any time; ``alive`` False drops the link and refuses
    connections.
    """

    units: dict[int, NDArray[np.uint16]] = field(default_factory=dict)
    refused: set[tuple[int, int]] = field(default_factory=set)
    """(unit, register) pairs: a read that touches one is refused."""
    span_max: int = 125
    """Reads of more registers are refused too."""
    busy: bool = False
    hanging: set[int] = field(default_factory=set)
    """Units that say nothing: their reads time out."""
    deaf: bool = False
    """Reads hang for ever, as a driver without a time-out of its own would."""
    confused: int = 0
    """So many of the next answers belong to another question."""
    broken: Exception | None = None
    """What the next reads raise, whatever it is."""
    latency_s: float = 0.0
    alive: bool = True
    opens: int = 0
    closes: int = 0
    under_way: int = 0
    under_way_max: int = 0
    asked: list[tuple[int, int, int]] = field(default_factory=list)
    """(unit, start, end) of every read, in order."""
    told: dict[str, tuple[int, float, str | None]] = field(default_factory=dict)
    """What was told to each topic last: time in us, value, text."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _news: list[str] = field(default_factory=list)

    def registers(self, unit: int = 1) -> NDArray[np.uint16]:
        return self.units.setdefault(unit, np.zeros(65_536, np.uint16))

    def set_float(self, register: int, value: float, unit: int = 1) -> None:
        words = np.array([value], ">f4").view(">u2")
        self.registers(unit)[register : register + 2] = words

    def set_text(self, register: int, text: str, unit: int = 1) -> None:
        letters = np.frombuffer(text.encode("ascii").ljust(8, b"\0")[:8], ">u2")
        self.registers(unit)[register : register + 4] = letters

    def tell(self, topic: str, time_us: int, value: float, text: str | None = None) -> None:
        """Send a change to whoever listens."""
        self.told[topic] = (time_us, value, text)
        self._news.append(topic)
        self._changed.set()

    def drop(self) -> None:
        """Lose the link, now and for every later attempt until ``alive`` is True again."""
        self.alive = False
        self._changed.set()

    async def news(self) -> list[str]:
        """Wait for topics that were told since last asked. Raises LinkDown."""
        await self._changed.wait()
        self._changed.clear()
        self.check_alive()
        told, self._news = self._news, []
        return told

    def check_alive(self) -> None:
        if not self.alive:
            raise _error(LinkDown, "link-down", "The machine is off.", "设备已关闭。")

    async def answer(self, unit: int, start: int, end: int, timeout_s: float) -> bytes:
        """One read. Raises what the faults say."""
        self.asked.append((unit, start, end))
        self.under_way += 1
        self.under_way_max = max(self.under_way_max, self.under_way)
        try:
            await self._suffer(unit, timeout_s)
        finally:
            self.under_way -= 1
        self._object(unit, start, end)
        return self.registers(unit)[start:end].astype(">u2").tobytes()

    async def _suffer(self, unit: int, timeout_s: float) -> None:
        self.check_alive()
        if self.deaf:
            await asyncio.Event().wait()
        if unit in self.hanging:
            await asyncio.sleep(timeout_s)
            raise _error(DeviceTimeout, "device-timeout", "No answer.", "没有应答。")
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        self.check_alive()

    def _object(self, unit: int, start: int, end: int) -> None:
        if self.broken is not None:
            raise self.broken
        if self.confused:
            self.confused -= 1
            raise _error(Desync, "desync", "An answer to another question.", "应答与请求不符。")
        if self.busy:
            busy = _error(Refused, "device-busy", "The machine is busy.", "设备忙。")
            busy.transient = True
            raise busy
        touched = any(at == unit and start <= register < end for at, register in self.refused)
        if touched or end - start > self.span_max:
            raise _error(Refused, "illegal-address", "No such address.", "地址不存在。")


MACHINES: dict[str, FakeMachine] = {}


class FakeDriver(Driver[FakeConfig]):
    name = "fake"
    Config = FakeConfig

    def __init__(
        self,
        config: FakeConfig,
        machine: FakeMachine | None = None,
        limits: Limits | None = None,
    ) -> None:
        super().__init__(config)
        self.machine = machine or MACHINES.setdefault(config.machine, FakeMachine())
        self.limits = limits or Limits()

    def parse(self, tag: Tag) -> Point:
        if tag.address.startswith("~"):
            return Point("topics", 0, 0, tag.address[1:])
        if tag.type not in SPANS:
            raise ValueError(f"'{tag.type}' is not one of {', '.join(filter(None, SPANS))}")
        unit, _, register = tag.address.partition(":")
        if not (unit.isdecimal() and register.isdecimal() and int(register) < 65_536):
            raise ValueError(f"'{tag.address}' is not unit:register, such as 1:100")
        return Point(int(unit), int(register), SPANS[tag.type], tag.type)

    async def open(self) -> None:
        self.machine.check_alive()
        self.machine.opens += 1

    async def close(self) -> None:
        self.machine.closes += 1

    async def read(self, block: Block) -> bytes:
        timeout_s = self.config.timeout_ms / 1000
        unit = int(str(block.space))
        return await self.machine.answer(unit, block.start, block.end, timeout_s)

    def decode(self, block: Block, raw: Any, time_us: int) -> Columns:
        if block.layout is None:
            block.layout = _layout(block)
        rows = len(block.points)
        words = np.frombuffer(raw, ">u2").astype(np.uint16)
        values = np.full(rows, np.nan)
        quality = np.zeros(rows, np.uint16)
        texts: list[str | None] | None = None
        for kind, places, registers in block.layout:
            chosen = words[registers]
            if kind == "float32":
                values[places] = chosen.astype(">u2").view(">f4")[:, 0]
            elif kind == "text":
                texts = texts or [None] * rows
                for place, letters in zip(places.tolist(), chosen.astype(">u2"), strict=True):
                    texts[place] = letters.tobytes().rstrip(b"\0").decode("ascii", "replace")
            else:
                values[places] = chosen[:, 0]
        return Columns(block.numbers, np.full(rows, time_us, np.int64), values, quality, texts)

    def subscribed(self, point: Point) -> bool:
        return point.space == "topics"

    async def subscribe(self, points: Sequence[Point], numbers: Sequence[int], emit: Emit) -> None:
        number_of = {point.detail: number for point, number in zip(points, numbers, strict=True)}
        known = [topic for topic in self.machine.told if topic in number_of]
        while True:
            if known:
                emit(self._told(known, number_of))
            known = [topic for topic in await self.machine.news() if topic in number_of]

    def _told(self, topics: list[str], number_of: dict[str, int]) -> Columns:
        told = [self.machine.told[topic] for topic in topics]
        return Columns(
            np.array([number_of[topic] for topic in topics], np.int32),
            np.array([time_us for time_us, _, _ in told], np.int64),
            np.array([value for _, value, _ in told], np.float64),
            np.full(len(told), Quality.GOOD, np.uint16),
            [text for _, _, text in told],
        )


def _layout(block: Block) -> list[tuple[str, NDArray[np.intp], NDArray[np.intp]]]:
    """Per type: which rows of the block, and the registers (rows, span) of each."""
    kinds: dict[str, list[int]] = {}
    for place, point in enumerate(block.points):
        kinds.setdefault(str(point.detail), []).append(place)
    layout = []
    for kind, places in kinds.items():
        starts = np.array([block.points[place].start - block.start for place in places])
        registers = starts[:, None] + np.arange(SPANS[kind])[None, :]
        layout.append((kind, np.array(places, np.intp), registers))
    return layout


DRIVER = FakeDriver
