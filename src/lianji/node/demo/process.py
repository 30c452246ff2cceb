"""Start the machines' process and be sure that it ends with us."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from lianji.base.errors import DeviceTimeout, LianjiError, LinkDown, Text

START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 3.0
_RETRY = Text(
    "Start the demo again; if it happens again, 'python -m lianji.node.demo.machines' says why.",
    "请重新启动演示；若再次出现，请运行 python -m lianji.node.demo.machines 查看原因。",
)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the machines listen on loopback; 0 asks for any free port."""

    modbus: int = 0
    opcua: int = 0
    mqtt: int = 0


@dataclass(slots=True)
class Machines:
    """The running process."""

    process: asyncio.subprocess.Process
    ports: Ports

    async def ended(self) -> int:
        """Wait until the process ends by itself; returns its exit code."""
        return await self.process.wait()


@asynccontextmanager
async def running_machines(
    ports: Ports | None = None, wait_for_all: bool = True
) -> AsyncIterator[Machines]:
    """The machines' process, all three protocols answering; it ends with the block.

    Without ``wait_for_all`` Modbus and MQTT answer and OPC UA will, seconds later, on the port
    that is already known: soon enough for a plant, which tries again by itself.

    The process also ends if we die: its standard input is our pipe. Raises LinkDown if a port is
    taken or the process ends early, DeviceTimeout if it is not ready in time.
    """
    wanted = ports or Ports()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "lianji.node.demo.machines",
        "--follow-stdin",
        *("--modbus-port", str(wanted.modbus)),
        *("--opcua-port", str(wanted.opcua)),
        *("--mqtt-port", str(wanted.mqtt)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            found = await _ready(process, "all" if wait_for_all else "soon")
        yield Machines(process, found)
    except TimeoutError as error:
        cause = Text(
            f"The demo's machines were not ready within {START_TIMEOUT_S:g} s.",
            f"演示设备在 {START_TIMEOUT_S:g} 秒内未就绪。",
        )
        raise DeviceTimeout("demo-not-ready", cause, _RETRY) from error
    finally:
        await _stop(process)


async def _ready(process: asyncio.subprocess.Process, wanted: str) -> Ports:
    assert process.stdout is not None
    async for line in process.stdout:
        said = json.loads(line)
        if said.get("ready") == wanted:
            return Ports(**said["ports"])
        if "error" in said:
            raise _told(said["error"])
    code = await process.wait()
    cause = Text(
        f"The demo's machines ended at once (exit code {code}).",
        f"演示设备进程启动后立即退出（退出码 {code}）。",
    )
    raise LinkDown("demo-ended", cause, _RETRY)


def _told(error: dict[str, Any]) -> LianjiError:
    return LinkDown(error["code"], Text(**error["cause"]), Text(**error["remedy"]))


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
