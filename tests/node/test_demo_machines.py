"""The machines' process really speaks the three protocols, and ends with its parent."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from aiomqtt import Client as MqttClient
from asyncua import Client as OpcUaClient
from asyncua import ua
from pymodbus.client import AsyncModbusTcpClient

from lianji.base.clock import now_us
from lianji.base.errors import LinkDown
from lianji.dictionary.tag_table import read_table
from lianji.node.demo.modbus_server import ModbusFloor, registers_of
from lianji.node.demo.mqtt_server import payloads_of
from lianji.node.demo.opcua_server import OpcUaFloor
from lianji.node.demo.physics import simulate, values_at
from lianji.node.demo.plant_files import write_demo_plant
from lianji.node.demo.process import Machines, Ports, running_machines
from lianji.node.demo.signals import SIGNALS, Signal, width_of
from tests.peers import free_port

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]
BY_KEY = {signal.key: signal for signal in SIGNALS}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def machines() -> AsyncIterator[Machines]:
    async with running_machines() as running:
        yield running


def decoded(signal: Signal, words: list[int]) -> float:
    kind, _, order = signal.type.partition("@")
    raw = b"".join(word.to_bytes(2, "big") for word in (words[::-1] if order else words))
    (number,) = struct.unpack(
        {"uint16": ">H", "int16": ">h", "uint32": ">I", "float32": ">f"}[kind], raw
    )
    return float(number * signal.shape.scale)


async def test_modbus_shows_the_plants_values_of_this_second(machines: Machines) -> None:
    client = AsyncModbusTcpClient("127.0.0.1", port=machines.ports.modbus)
    assert await client.connect()
    try:
        for key in ("meter-main.energy", "compressor-1.running_hours", "chiller.flow"):
            signal = BY_KEY[key]
            answer = await client.read_holding_registers(
                signal.register, count=width_of(signal.type), device_id=signal.unit_id
            )
            assert not answer.isError()
            expected = simulate(now_us() - 2_000_000, now_us(), 0.5)[signal.path]
            shown = decoded(signal, answer.registers)
            assert expected.min() * 0.9 - 1 <= shown <= expected.max() * 1.1 + 1
        refused = await client.read_holding_registers(500, count=2, device_id=11)
        assert refused.isError() and refused.exception_code == 2
        written = await client.write_register(0, 1, device_id=11)
        assert written.isError()
    finally:
        client.close()


async def test_opcua_shows_machines_with_their_source_time(machines: Machines) -> None:
    url = f"opc.tcp://127.0.0.1:{machines.ports.opcua}"
    async with OpcUaClient(url) as client:
        signals = [signal for signal in SIGNALS if signal.protocol == "opcua"]
        for signal in signals:
            data = await client.get_node(signal.address).read_data_value(raise_on_bad_status=False)
            assert data.SourceTimestamp is not None, signal.address
        power = client.get_node(BY_KEY["imm-01.power"].address)
        before = (await power.read_data_value()).SourceTimestamp
        deadline = time.monotonic() + 10
        while (after := (await power.read_data_value()).SourceTimestamp) == before:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        assert after is not None and before is not None and after > before
        product = await client.get_node(BY_KEY["imm-02.product"].address).read_value()
        assert isinstance(product, str) and product


async def test_mqtt_publishes_machine_and_climate_as_json(machines: Machines) -> None:
    found: dict[str, dict[str, Any]] = {}
    async with (
        asyncio.timeout(15),
        MqttClient("127.0.0.1", machines.ports.mqtt) as client,
    ):
        await client.subscribe("demo/#", qos=1)
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            if not message.retain:
                found[str(message.topic)] = json.loads(message.payload)
            if len(found) == 3:
                break
    assert set(found) == {"demo/machines/imm-04", "demo/climate/hall", "demo/climate/outdoor"}
    machine = found["demo/machines/imm-04"]
    assert machine["cycle"]["shots"] > 0 and len(machine["barrel"]) == 2
    assert abs(machine["ts"] - now_us() / 1000) < 5000
    assert -20 < found["demo/climate/hall"]["temperature"] < 60


async def test_the_ports_are_the_ones_that_were_asked_for(machines: Machines) -> None:
    with pytest.raises(LinkDown) as taken:
        async with running_machines(Ports(modbus=machines.ports.modbus)):
            pass
    assert taken.value.code == "demo-port-taken"


async def test_the_process_ends_when_its_standard_input_closes() -> None:
    async with running_machines(wait_for_all=False) as mine:
        assert min(mine.ports.modbus, mine.ports.opcua, mine.ports.mqtt) > 0
        assert mine.process.stdin is not None
        mine.process.stdin.close()
        async with asyncio.timeout(20):
            assert await mine.ended() == 0


async def test_a_silent_meter_gives_no_answer_and_the_others_do() -> None:
    floor = ModbusFloor(silent=lambda _: True)
    port = await floor.start(0)
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=0.3, retries=0)
    try:
        assert await client.connect()
        answer = await client.read_holding_registers(0, count=2, device_id=11)
        assert not answer.isError()
        with pytest.raises(Exception, match="No response"):
            await client.read_holding_registers(0, count=2, device_id=13)
    finally:
        client.close()
        await floor.stop()


async def test_a_broken_thermocouple_is_bad_and_mends() -> None:
    broken = True
    values = {p: c[0] for p, c in values_at(np.array([now_us()])).items()}
    floor = OpcUaFloor(broken=lambda _: broken)
    port = await floor.start(free_port(), values, now_us())
    try:
        async with OpcUaClient(f"opc.tcp://127.0.0.1:{port}") as client:
            node = client.get_node(BY_KEY["imm-03.barrel_2_temperature"].address)
            data = await node.read_data_value(raise_on_bad_status=False)
            assert data.StatusCode.value == ua.StatusCodes.BadSensorFailure
            broken = False
            await floor.show(values, now_us())
            assert (await node.read_data_value()).StatusCode.is_good()
    finally:
        await floor.stop()


async def test_registers_and_messages_hold_every_value_exactly() -> None:
    values = {p: c[0] for p, c in values_at(np.array([now_us()])).items()}
    for signal in SIGNALS:
        if signal.protocol == "modbus":
            shown = decoded(signal, registers_of(signal, float(values[signal.path])))
            assert shown == pytest.approx(values[signal.path], rel=1e-6, abs=1e-9), signal.key
    messages = payloads_of(values, now_us())
    assert len(messages) == 3
    machine = json.loads(messages["demo/machines/imm-04"])
    assert machine["barrel"][1] == values[BY_KEY["imm-04.barrel_2_temperature"].path]
    assert machine["cycle"]["shots"] == values[BY_KEY["imm-04.shots"].path]


async def test_the_plant_folder_is_written_and_later_only_its_ports_change(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "demo"
    write_demo_plant(folder, Ports(1502, 4840, 1883))
    tables = [read_table(path) for path in sorted((folder / "tags").glob("*.csv"))]
    assert not any(table.rejected for table in tables)
    read = {tag.path: tag for table in tables for tag in table.tags}
    assert read == {signal.path: signal.tag for signal in SIGNALS}
    meter = folder / "devices" / "meter-main.toml"
    meter.write_text(meter.read_text().replace("timeout_ms = 1000", "timeout_ms = 700  # mine"))
    edited = folder / "tags" / "chiller.csv"
    edited.write_bytes(edited.read_bytes().replace(b"Chiller", b"Cooler"))
    kept = edited.read_bytes()
    write_demo_plant(folder, Ports(2502, 5840, 2883))
    assert "port = 2502" in meter.read_text() and "700  # mine" in meter.read_text()
    assert "opc.tcp://127.0.0.1:5840" in (folder / "devices" / "moulding.toml").read_text()
    assert "port = 2883" in (folder / "devices" / "sensors.toml").read_text()
    assert edited.read_bytes() == kept
