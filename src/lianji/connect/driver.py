"""What a driver is: the whole of what a newcomer writes to join a new kind of machine.

A driver knows one protocol and nothing else. It turns a tag's address into a point, reads blocks
of points in single transactions, and decodes what came back, whole columns at a time. Planning,
scheduling, pacing, time-outs, back-off, quality, deadband and statistics belong to the framework
(``lianji.connect.engine``).

Errors are the tree of ``lianji.base.errors``: LinkDown, DeviceTimeout, Desync, Refused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from lianji.dictionary.tag import Tag


class DeviceConfig(BaseModel):
    """What every device has, whatever it speaks: the head of ``devices/<name>.toml``."""

    model_config = ConfigDict(extra="forbid")

    protocol: str
    """Which driver speaks to it."""
    enabled: bool = True
    """False leaves the machine alone and keeps its file."""
    description: str = ""
    """What it is, for people."""
    interval_ms: int = Field(1000, ge=10, le=86_400_000)
    """How often a tag is read that does not say so itself."""
    timeout_ms: int = Field(2000, ge=10, le=600_000)
    """An answer that takes longer counts as none."""
    pause_ms: float = Field(0.0, ge=0, le=10_000)
    """Rest between two requests, for devices that cannot follow."""
    heartbeat_s: float = Field(60.0, ge=0, le=86_400)
    """An unchanged value is sent again after this time, so that silence means trouble."""

    def in_plant(self, data: Path) -> Self:
        """The same with its own files below the plant's data folder, where nothing else is said."""
        return self

    def for_trial(self) -> Self:
        """The same for a connection beside the running plant's, which it must not disturb."""
        return self


ConfigT = TypeVar("ConfigT", bound=DeviceConfig)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one transaction may hold, in the protocol's own address unit (registers, bytes)."""

    max_span: int = 125
    max_gap: int = 16
    in_flight: int = 1


@dataclass(frozen=True, slots=True)
class Point:
    """Where a tag lies in its device.

    Points of one ``space`` may be read together (a Modbus space is unit id and function).
    ``detail`` is the driver's own: how the bytes become a value.
    """

    space: Hashable
    start: int
    span: int
    detail: Any = None

    @property
    def end(self) -> int:
        return self.start + self.span


@dataclass(slots=True)
class Block:
    """One transaction: the points read by it and their numbers in the device's tag list.

    ``layout`` is a cache for the driver: what it worked out once to decode this block fast.
    """

    space: Hashable
    start: int
    end: int
    points: tuple[Point, ...]
    numbers: NDArray[np.int32]
    layout: Any = field(default=None, compare=False, repr=False)

    @property
    def span(self) -> int:
        return self.end - self.start


Settled = Callable[[bool], None]


@dataclass(slots=True)
class Columns:
    """Decoded samples of one device, one row each.

    ``numbers`` int32 (n,): which of the device's points; ``times_us`` int64 (n,): microseconds
    UTC, the source's own time where it has one; ``values`` float64 (n,), NaN where there is
    none; ``quality`` uint16 (n,); ``texts``: n strings or None, or None if all are numbers.
    ``settled`` is called once: with True when these rows are on disk (or no news), with False
    when they could not be stored. A protocol whose source waits for our yes says it then.
    """

    numbers: NDArray[np.int32]
    times_us: NDArray[np.int64]
    values: NDArray[np.float64]
    quality: NDArray[np.uint16]
    texts: list[str | None] | None = None
    settled: Settled | None = None

    def __len__(self) -> int:
        return len(self.numbers)


Emit = Callable[[Columns], None]


@dataclass(frozen=True, slots=True)
class Found:
    """Something that a device offers: what browse shows and what becomes a row of a tag table."""

    address: str
    name: str
    type: str = ""
    unit: str = ""
    description: str = ""
    value: str = ""


class Driver(Generic[ConfigT]):
    """One device. Made from its configuration; opened, closed and reopened by the framework."""

    name: ClassVar[str]
    Config: ClassVar[type[DeviceConfig]]
    limits: Limits = Limits()

    def __init__(self, config: ConfigT) -> None:
        self.config = config

    def limits_of(self, space: Hashable) -> Limits:
        """The limits of one space, where a protocol has several kinds (bits and registers)."""
        return self.limits

    def parse(self, tag: Tag) -> Point:
        """The tag's place. Pure; raises ValueError in plain words for a wrong address or type."""
        raise NotImplementedError

    async def open(self) -> None:
        """Connect. Raises LinkDown, DeviceTimeout or Refused; leaves nothing open if it does."""
        raise NotImplementedError

    async def close(self) -> None:
        """Let go of everything. Never raises; may be called twice."""
        raise NotImplementedError

    async def read(self, block: Block) -> Any:
        """One transaction. Bytes where the protocol has bytes (shown as hex by the dry run)."""
        raise NotImplementedError

    def decode(self, block: Block, raw: Any, time_us: int) -> Columns:
        """What ``read`` gave, as columns in the order of ``block.points``; vectorised.

        ``time_us`` is when the answer came: the time of a sample whose source has no clock.
        """
        raise NotImplementedError

    def plan(self, points: Sequence[Point], numbers: Sequence[int]) -> list[Block] | None:
        """Blocks of the driver's own, for protocols without an address space; else None."""
        return None

    def subscribed(self, point: Point) -> bool:
        """True for a point whose changes the device sends by itself."""
        return False

    async def subscribe(self, points: Sequence[Point], numbers: Sequence[int], emit: Emit) -> None:
        """Ask for the changes of these points and call ``emit`` with them until cancelled.

        Raises when the link is lost; the framework then closes, waits and opens again.
        """
        raise NotImplementedError

    def browse(self, start: str = "") -> AsyncIterator[Found]:
        """What the device offers, below ``start``. Needs an open driver."""
        raise NotImplementedError

    def diagnosis(self) -> dict[str, float | str]:
        """Figures worth showing in ``status`` (sequence gaps, unknown topics, ...)."""
        return {}
