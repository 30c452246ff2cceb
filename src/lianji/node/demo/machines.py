"""The process of the demo plant's machines: ``python -m lianji.node.demo.machines``.

It speaks Modbus TCP, OPC UA and MQTT on loopback and prints a line of JSON when each protocol is
ready, one ("soon") with all ports as soon as they are known, and one ("all") when OPC UA, which
takes longest, is ready too. With ``--follow-stdin`` it ends when its standard input closes,
which happens however its parent ended.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from lianji.base.clock import now_us
from lianji.base.errors import LianjiError, NotFound, Text
from lianji.node.demo.loopback import free_port
from lianji.node.demo.modbus_server import ModbusFloor
from lianji.node.demo.opcua_server import OpcUaFloor
from lianji.node.demo.physics import values_at

PERIOD_S = 1.0


def say(document: dict[str, object]) -> None:
    print(json.dumps(document), flush=True)


def values_now() -> tuple[dict[str, Any], int]:
    """Every signal at this moment, one value each, by tag path; and the moment."""
    time_us = now_us()
    found = values_at(np.array([time_us], dtype=np.int64))
    return {path: column[0] for path, column in found.items()}, time_us


class Floor:
    """The three servers and the beat that feeds them. Raises NotFound where amqtt is missing."""

    def __init__(self) -> None:
        try:
            from lianji.node.demo.mqtt_server import MqttFloor
        except ModuleNotFoundError as error:
            raise NotFound(
                "demo-needs-amqtt",
                Text(
                    f"The demo's MQTT broker is missing: {error}.",
                    f"缺少演示所需的 MQTT 代理程序：{error}。",
                ),
                Text("Run: pip install 'lianji[demo]'.", "请运行：pip install 'lianji[demo]'。"),
            ) from error
        self.modbus, self.opcua, self.mqtt = ModbusFloor(), OpcUaFloor(), MqttFloor()

    async def beat(self) -> None:
        """Show the plant as it is, each second, for ever."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            values, time_us = values_now()
            self.modbus.show(values)
            await self.mqtt.show(values, time_us)
            await self.opcua.show(values, time_us)
            # a beat that was missed (a sleeping laptop) is not made up for
            due = max(due + PERIOD_S, loop.time())
            await asyncio.sleep(due - loop.time())

    async def stop(self) -> None:
        for stop in (self.opcua.stop, self.mqtt.stop, self.modbus.stop):
            await stop()


async def serve(ports: argparse.Namespace) -> None:
    """Start everything, say so, and serve until cancelled. Raises LianjiError if it cannot."""
    began = time.monotonic()
    taken: dict[str, int] = {}

    async def ready(protocol: str, port: Awaitable[int]) -> None:
        taken[protocol] = await port
        after_s = round(time.monotonic() - began, 2)
        say({"ready": protocol, "port": taken[protocol], "after_s": after_s})

    values, time_us = values_now()
    floor = Floor()
    floor.modbus.show(values)
    await ready("modbus", floor.modbus.start(ports.modbus_port))
    await ready("mqtt", floor.mqtt.start(ports.mqtt_port))
    opcua_port = ports.opcua_port or free_port()
    say({"ready": "soon", "ports": {**taken, "opcua": opcua_port}})
    beat = asyncio.create_task(floor.beat())
    try:
        await ready("opcua", floor.opcua.start(opcua_port, values, time_us))
        after_s = round(time.monotonic() - began, 2)
        say({"ready": "all", "ports": taken, "after_s": after_s})
        await beat
    finally:
        beat.cancel()
        await floor.stop()


def _end_with_stdin(ended: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            ended.set()

    loop.add_reader(sys.stdin.fileno(), readable)


async def run(arguments: argparse.Namespace) -> int:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    # Ctrl-C reaches the whole terminal; a follower waits for its parent to end in good order
    on_interrupt: Callable[[], None] = (lambda: None) if arguments.follow_stdin else ended.set
    loop.add_signal_handler(signal.SIGINT, on_interrupt)
    if arguments.follow_stdin:
        _end_with_stdin(ended)
    serving = asyncio.create_task(serve(arguments))
    waiting = asyncio.create_task(ended.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    serving.cancel()
    try:
        await serving
    except asyncio.CancelledError:
        return 0
    except LianjiError as error:
        say({"error": error.as_json()})
    return 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="lianji.node.demo.machines", description=__doc__)
    for protocol in ("modbus", "opcua", "mqtt"):
        parser.add_argument(f"--{protocol}-port", type=int, default=0, help="0: any free port")
    parser.add_argument("--follow-stdin", action="store_true", help="end when stdin closes")
    # asyncua warns of passwords in clear text; the demo has none and is on loopback
    logging.getLogger("asyncua").setLevel(logging.ERROR)
    sys.exit(asyncio.run(run(parser.parse_args())))


if __name__ == "__main__":
    main()
