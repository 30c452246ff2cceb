"""Requests a second: our Modbus/TCP client and pymodbus's, against one libmodbus server.

Both read 100 holding registers a request on uvloop. pymodbus lets one request onto a connection
at a time, however many tasks ask; its better figure counts. Rounds are interleaved, so that a
busy machine is unfair to nobody, and medians are shown. Requests a second need a core for the
server beside the client's: with 8 in flight the server is the slower of the two, and where other
work takes its core the ratio shrinks. The processor time of a request is the client's alone.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
import uvloop
from pymodbus.client import AsyncModbusTcpClient

from lianji.connect.driver import Block
from lianji.connect.drivers.modbus.address import parse_point
from lianji.connect.drivers.modbus.client import TcpClient
from lianji.connect.drivers.modbus.codec import decode
from tests.peers.modbus import libmodbus_server

REGISTERS = 100
ROUNDS = 7
ROUND_S = 0.35

Ask = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Round:
    rate: float
    cpu_us: float
    """Processor time of this process for each answer."""


def run() -> list[dict[str, object]]:
    """Rows of measure, value, unit, rival, rival_value, ratio and goal (about ten seconds)."""
    with (
        libmodbus_server() as port,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        rounds = runner.run(_rounds(port))
    rate = {key: median(one.rate for one in some) for key, some in rounds.items()}
    cpu_us = {key: median(one.cpu_us for one in some) for key, some in rounds.items()}
    rival = max(rate["pymodbus", 1], rate["pymodbus", 8])
    rival_us = min(cpu_us["pymodbus", 1], cpu_us["pymodbus", 8])
    alone, eight, ours_us = rate["lianji", 1], rate["lianji", 8], cpu_us["lianji", 8]
    decode_us = _decode_us()
    return [
        _row("1 in flight", alone, "requests/s", rival, alone / rival),
        _row("8 in flight", eight, "requests/s", rival, eight / rival, ">= 5 x"),
        _row("client's time a request, 8 in flight", ours_us, "us", rival_us, rival_us / ours_us),
        _row("decode a block of 62 float32", decode_us, "us", goal="< 15 us"),
    ]


def _row(
    measure: str,
    value: float,
    unit: str,
    rival_value: float | None = None,
    ratio: float | None = None,
    goal: str = "",
) -> dict[str, object]:
    """One row; ``ratio`` says how many times better than the rival."""
    return {
        "measure": measure,
        "value": round(value, 1),
        "unit": unit,
        "rival": "pymodbus async" if rival_value else "",
        "rival_value": round(rival_value, 1) if rival_value else None,
        "ratio": round(ratio, 2) if ratio else None,
        "goal": goal,
    }


async def _rounds(port: int) -> dict[tuple[str, int], list[Round]]:
    """Rounds by client and requests in flight."""
    ours = await TcpClient.connect("127.0.0.1", port, 5.0)
    theirs = AsyncModbusTcpClient("127.0.0.1", port=port)
    await theirs.connect()
    asks: dict[str, Ask] = {
        "lianji": lambda: ours.read(1, 3, 0, REGISTERS),
        "pymodbus": lambda: theirs.read_holding_registers(0, count=REGISTERS, device_id=1),
    }
    rounds: dict[tuple[str, int], list[Round]] = defaultdict(list)
    for _ in range(ROUNDS):
        for name, ask in asks.items():
            for in_flight in (1, 8):
                rounds[name, in_flight].append(await _round(ask, in_flight))
    ours.close()
    theirs.close()
    return rounds


async def _round(ask: Ask, in_flight: int) -> Round:
    """``in_flight`` tasks that each ask again as soon as they are answered."""
    started, cpu_started = time.perf_counter(), time.process_time()
    answers = 0

    async def keep_asking() -> None:
        nonlocal answers
        while time.perf_counter() - started < ROUND_S:
            await ask()
            answers += 1

    await asyncio.gather(*(keep_asking() for _ in range(in_flight)))
    elapsed, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    return Round(answers / elapsed, cpu / answers * 1e6)


def _decode_us() -> float:
    """Microseconds to decode a block of 62 floats, the median of several thousand."""
    points = tuple(parse_point(f"hr:{2 * n}", "float32@CDAB", scale=0.1) for n in range(62))
    block = Block(points[0].space, 0, 124, points, np.arange(62, dtype=np.int32))
    raw = np.arange(62, dtype=">f4").tobytes()
    times = []
    for _ in range(5000):
        started = time.perf_counter_ns()
        decode(block, raw, 0)
        times.append(time.perf_counter_ns() - started)
    return median(times) / 1000
