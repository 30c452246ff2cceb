"""The driver framework, tried on machines in memory whose faults are scripted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lianji.base.errors import LianjiError
from lianji.connect.backoff import Backoff
from lianji.connect.driver import Driver, Limits
from lianji.connect.engine import Device
from lianji.connect.fake import FakeConfig, FakeDriver, FakeMachine
from lianji.dictionary.batch import Batch
from lianji.dictionary.tag import Tag


def quick_backoff() -> Backoff:
    return Backoff(first_s=0.02, longest_s=0.1, lasting_s=0.5)


@dataclass
class Received:
    """A sink in memory: rows (path, time, value, text, quality) in their order of arrival."""

    paths: Sequence[str]
    batches: list[Batch] = field(default_factory=list)
    refusing: LianjiError | None = None

    async def append(self, batch: Batch) -> int:
        if self.refusing is not None:
            raise self.refusing
        self.batches.append(batch)
        return len(self.batches)

    def rows(self, path: str | None = None) -> list[tuple[str, int, float | None, Any, int]]:
        rows = []
        for batch in self.batches:
            columns = batch.samples.to_pydict()
            times = batch.times_us.tolist()
            for tag, time, value, text, quality in zip(
                columns["tag"],
                times,
                columns["value"],
                columns["text"],
                columns["quality"],
                strict=True,
            ):
                if path in (None, self.paths[tag]):
                    rows.append((self.paths[tag], time, value, text, quality))
        return rows

    def values(self, path: str) -> list[float | None]:
        return [value for _, _, value, _, _ in self.rows(path)]

    def qualities(self, path: str) -> list[int]:
        return [quality for *_, quality in self.rows(path)]

    def last_quality(self, path: str) -> int | None:
        qualities = self.qualities(path)
        return qualities[-1] if qualities else None


async def until(condition: Callable[[], object], timeout_s: float = 10.0, what: str = "") -> None:
    """Wait for a condition; fails the test when the time is over."""
    try:
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110 (a condition has no event)
                await asyncio.sleep(0.002)
    except TimeoutError:
        pytest.fail(f"not within {timeout_s} s: {what or condition}")


def fake_tags(*addresses: str, **fields: Any) -> list[Tag]:
    """Tags of type uint16 whose path ends in their address: ``fake/1-100``."""
    return [
        Tag(path=path_of(address), address=address, **{"type": "uint16", **fields})
        for address in addresses
    ]


def path_of(address: str) -> str:
    return f"fake/{address.replace(':', '-').replace('~', '')}"


@asynccontextmanager
async def living(
    machine: FakeMachine,
    tags: Sequence[Tag],
    limits: Limits | None = None,
    folder: Path | None = None,
    driver: Driver[Any] | None = None,
    **config: Any,
) -> AsyncIterator[tuple[Device, Received]]:
    """A device that runs while the test looks at it."""
    settings = {"protocol": "fake", "interval_ms": 20, "timeout_ms": 50, "heartbeat_s": 60}
    fake = FakeDriver(FakeConfig.model_validate({**settings, **config}), machine, limits)
    received = Received([tag.path for tag in tags])
    ids = np.arange(len(tags), dtype=np.int32)
    device = Device("fake", driver or fake, tags, ids, received, folder, quick_backoff)
    task = asyncio.create_task(device.run())
    try:
        yield device, received
        assert not task.done(), "the device died"
    finally:
        async with asyncio.timeout(5):
            await device.stop()
        assert task.done()
