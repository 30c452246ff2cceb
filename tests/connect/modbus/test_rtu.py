"""RTU over a real serial line (pseudo terminals) to a libmodbus server."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from lianji.base.errors import DeviceTimeout, LinkDown, Refused
from lianji.connect.drivers.modbus.rtu import SerialClient
from tests.peers.modbus import libmodbus_rtu_server, serial_line


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with libmodbus_rtu_server(tmp_path_factory.mktemp("line"), 3, "forbid", 50, 59) as port:
        yield port


@asynccontextmanager
async def connected(port: str, timeout_s: float = 2.0) -> AsyncIterator[SerialClient]:
    client = await SerialClient.connect(
        port, baudrate=9600, parity="N", stopbits=1, timeout_s=timeout_s
    )
    try:
        yield client
    finally:
        client.close()


async def test_the_four_areas_are_read_over_a_serial_line(line: str) -> None:
    async with connected(line) as client:
        assert await client.read(3, 1, 0, 10) == bytes([0b01001001, 0b10])
        assert await client.read(3, 2, 0, 3) == bytes([0b010])
        assert await client.read(3, 3, 100, 125) == struct.pack(">125H", *range(100, 225))
        assert await client.read(3, 4, 1, 1) == struct.pack(">H", 65_534)


async def test_a_forbidden_register_is_refused_over_a_serial_line(line: str) -> None:
    async with connected(line) as client:
        with pytest.raises(Refused) as caught:
            await client.read(3, 3, 45, 10)
        assert caught.value.code == "modbus-illegal-address"
        assert await client.read(3, 3, 49, 1) == b"\x00\x31"


async def test_a_unit_that_is_not_there_times_out_and_the_others_still_answer(line: str) -> None:
    async with connected(line, timeout_s=0.2) as client:
        with pytest.raises(DeviceTimeout, match="unit 9"):
            await client.read(9, 3, 0, 1)
        with suppress(DeviceTimeout):  # libmodbus takes what follows for the other unit's answer
            await client.read(3, 3, 7, 1)
        assert await client.read(3, 3, 7, 1) == b"\x00\x07"


async def test_requests_made_at_once_go_over_the_line_one_by_one(line: str) -> None:
    async with connected(line) as client:
        answers = await asyncio.gather(*(client.read(3, 3, n, 1) for n in range(8)))
        assert answers == [bytes([0, n]) for n in range(8)]


async def test_a_late_answer_is_not_taken_for_the_next_ones(tmp_path: Path) -> None:
    """The far end answers the first question only after its time-out."""
    with serial_line(tmp_path) as (near, far):
        async with connected(str(near), timeout_s=0.3) as client:
            with far.open("r+b", buffering=0) as device:
                with pytest.raises(DeviceTimeout):
                    await client.read(3, 3, 0, 1)
                first = await asyncio.to_thread(device.read, 8)
                device.write(with_checksum(b"\x03\x03\x02\xbe\xef"))
                second = asyncio.create_task(client.read(3, 3, 1, 1))
                asked = await asyncio.to_thread(device.read, 8)
                device.write(with_checksum(b"\x03\x03\x02\x00\x01"))
                assert await second == b"\x00\x01"
                assert (first[3], asked[3]) == (0, 1)


async def test_a_port_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LinkDown, match="there is no such serial port"):
        async with connected(str(tmp_path / "ttyUSB7")):
            pass


def with_checksum(frame: bytes) -> bytes:
    """CRC-16/MODBUS (MODBUS over Serial Line V1.02, appendix B)."""
    crc = 0xFFFF
    for octet in frame:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return frame + struct.pack("<H", crc)
