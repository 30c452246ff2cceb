"""The clock is set back or forward under a running plant: nothing stops and nothing is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from lianji.node.folder import PlantFolder
from lianji.node.plant import Plant
from tests.peers.modbus import libmodbus_server
from tests.system.plant import FOREVER, write_device, write_plant, write_tags

pytestmark = pytest.mark.system

HOUR_S = 3600
DAY_S = 24 * HOUR_S
TAG = "p/press1/number"


class Clock:
    """The wall clock of this process, some seconds off; monotonic time goes on as it does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.offset_s = 0
        time_ns, time_s = time.time_ns, time.time
        monkeypatch.setattr(time, "time_ns", lambda: time_ns() + self.offset_s * 1_000_000_000)
        monkeypatch.setattr(time, "time", lambda: time_s() + self.offset_s)


@asynccontextmanager
async def running_plant(folder: Path) -> AsyncIterator[Plant]:
    plant = Plant(PlantFolder(folder))
    task = asyncio.create_task(plant.run())
    try:
        yield plant
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        plant.close()


async def until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline_s, f"not in time: {what}"
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("jump_s", [-HOUR_S, HOUR_S, -DAY_S, DAY_S, -3652 * DAY_S])
async def test_a_clock_that_jumps_stops_no_device_and_loses_no_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump_s: int
) -> None:
    clock = Clock(monkeypatch)
    folder = write_plant(tmp_path / "plant", flush_s=0.05, spool="segment_bytes = 65536")
    with libmodbus_server(None, "update", 20) as port:
        write_device(
            folder, "press1", "modbus", host="127.0.0.1", port=port, interval_ms=20, heartbeat_s=0
        )
        write_tags(folder, "press1", f"{TAG},hr:0,float32")
        async with running_plant(folder) as plant:
            [device] = plant.devices

            def more(samples: int) -> Callable[[], bool]:
                wanted = device.status().samples + samples
                return lambda: device.status().samples >= wanted

            await until(more(20), "samples before")
            clock.offset_s = jump_s
            await until(more(20), "samples after the jump")
            index = np.zeros(1, np.int32)
            now_us = np.array([time.time_ns() // 1000])
            await plant.append(["p/pushed"], index, now_us, np.ones(1), None, None, "test")
            clock.offset_s = 0
            await until(more(20), "samples after the clock was set right")
        status = device.status()
        assert status.lost_samples == 0
        assert status.reconnects == 0
    plant = Plant(PlantFolder(folder))
    try:
        rows = plant.history.read([TAG], *FOREVER)
        assert len(rows) == status.samples
        days = {moment.date() for moment in rows.column("time").to_pylist()}
        assert len(days) >= (2 if abs(jump_s) >= DAY_S else 1)
        assert len(plant.history.read(["p/pushed"], *FOREVER)) == 1
    finally:
        plant.close()
