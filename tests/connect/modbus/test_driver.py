"""The driver as a plant uses it: from a configuration and a tag table to columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from lianji.base.errors import LinkDown
from lianji.connect.driver import Block, Columns
from lianji.connect.drivers.modbus import ModbusConfig, ModbusDriver
from lianji.connect.drivers.modbus.address import Space
from lianji.dictionary.tag import Tag
from tests.peers.modbus import libmodbus_rtu_server, libmodbus_server, modbus_serial_server


def driver_of(**config: Any) -> ModbusDriver:
    return ModbusDriver(ModbusConfig(**config))


async def read_tags(driver: ModbusDriver, *tags: Tag) -> Columns:
    points = tuple(driver.parse(tag) for tag in tags)
    start, end = min(point.start for point in points), max(point.end for point in points)
    block = Block(points[0].space, start, end, points, np.arange(len(points), dtype=np.int32))
    return driver.decode(block, await driver.read(block), 1_000_000)


def tag(address: str, type_name: str = "", **more: Any) -> Tag:
    return Tag(path="plant/line/machine/signal", address=address, type=type_name, **more)


async def test_tags_of_all_shapes_are_read_from_libmodbus() -> None:
    with libmodbus_server() as port:
        driver = driver_of(host="127.0.0.1", port=port)
        await driver.open()
        columns = await read_tags(
            driver,
            tag("40012", "uint16", scale=0.5, offset=-1.0),
            tag("hr:5", "uint32"),
            tag("hr:5", "uint32@CDAB"),
            tag("hr:7.2", "bool"),
        )
        assert list(columns.values) == [4.5, 5 << 16 | 6, 6 << 16 | 5, 1.0]
        assert not columns.quality.any()
        coils = await read_tags(driver, tag("00001"), tag("co:1"), tag("co:1999"), tag("co:3"))
        assert list(coils.values) == [1.0, 0.0, 0.0, 1.0]
        await driver.close()
        await driver.close()


async def test_a_float_and_its_neighbours_are_read_from_modbus_serial() -> None:
    with modbus_serial_server() as port:
        driver = driver_of(host="127.0.0.1", port=port)
        await driver.open()
        columns = await read_tags(driver, tag("40101", "float32"), tag("7!hr:102", "int16"))
        assert list(columns.values) == [21.5, 102.0]
        await driver.close()


async def test_changing_values_are_seen() -> None:
    with libmodbus_server(None, "update", 20) as port:
        driver = driver_of(host="127.0.0.1", port=port)
        await driver.open()
        seen = set()
        for _ in range(100_000):
            columns = await read_tags(driver, tag("hr:0", "float32"), tag("hr:20", "float32"))
            assert columns.values[1] - columns.values[0] == 10.0
            seen.add(float(columns.values[0]))
            if len(seen) > 2:
                break
        assert len(seen) > 2
        await driver.close()


async def test_a_device_says_who_it_is() -> None:
    with modbus_serial_server() as port:
        driver = driver_of(host="127.0.0.1", port=port)
        await driver.open()
        found = {one.name: one.value async for one in driver.browse()}
        await driver.close()
    assert found["VendorName"] == "Lianji tests" and found["MajorMinorRevision"] == "1.0"


async def test_a_device_that_does_not_say_who_it_is_offers_nothing() -> None:
    with libmodbus_server() as port:
        driver = driver_of(host="127.0.0.1", port=port)
        await driver.open()
        assert [one async for one in driver.browse()] == []
        await driver.close()


async def test_a_serial_device_is_read_by_the_same_driver(tmp_path: Path) -> None:
    with libmodbus_rtu_server(tmp_path, 3) as line:
        driver = driver_of(serial=line, unit_id=3, in_flight=8)
        assert driver.limits.in_flight == 1
        await driver.open()
        columns = await read_tags(driver, tag("hr:4", "uint16"), tag("hr:6", "uint16"))
        assert list(columns.values) == [4.0, 6.0]
        await driver.close()


async def test_a_lost_server_is_link_down_until_opened_again() -> None:
    with libmodbus_server() as port:
        driver = driver_of(host="127.0.0.1", port=port, timeout_ms=2000)
        await driver.open()
        await read_tags(driver, tag("hr:4", "uint16"))
    with pytest.raises(LinkDown):
        await read_tags(driver, tag("hr:4", "uint16"))
    with pytest.raises(LinkDown):
        await driver.open()
    with pytest.raises(LinkDown, match="not open"):
        await read_tags(driver, tag("hr:4", "uint16"))
    with libmodbus_server(port):
        await driver.open()
        assert list((await read_tags(driver, tag("hr:4", "uint16"))).values) == [4.0]
        await driver.close()


@pytest.mark.parametrize("ways", [{}, {"host": "a", "serial": "/dev/ttyS0"}])
def test_a_device_has_exactly_one_way_in(ways: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="either host or serial"):
        ModbusConfig(**ways)  # type: ignore[arg-type]  # wrong on purpose


def test_limits_follow_the_configuration() -> None:
    driver = driver_of(host="a", max_registers=64, max_gap=0, in_flight=4)
    assert (driver.limits.max_span, driver.limits.max_gap, driver.limits.in_flight) == (64, 0, 4)
    assert driver.limits_of(Space(1, 3)) == driver.limits
    assert driver.limits_of(Space(1, 1)).max_span == 1024


def test_a_tag_wider_than_a_request_is_refused_by_name() -> None:
    driver = driver_of(host="a", max_registers=8)
    with pytest.raises(ValueError, match="fills 9 registers"):
        driver.parse(tag("40001", "string[18]"))


def test_units_of_one_address_are_spaces_of_their_own() -> None:
    driver = driver_of(host="a", unit_id=2)
    assert driver.parse(tag("40001", "int16")).space == Space(2, 3)
    assert driver.parse(tag("5!40001", "int16")).space == Space(5, 3)
