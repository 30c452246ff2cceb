"""The kit, passed by the Modbus driver before libmodbus and modbus-serial."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connect.conformance import Check, checks_for, name_of
from tests.connect.conformance.modbus_world import ModbusServer, modbus_world

IN_FLIGHT = {"libmodbus": 4, "modbus-serial": 1}


@pytest.fixture(scope="module", params=IN_FLIGHT)
def server(request: pytest.FixtureRequest) -> Iterator[ModbusServer]:
    server = ModbusServer(request.param)
    server.start()
    yield server
    server.kill()


@pytest.mark.parametrize("check", checks_for("modbus"), ids=name_of)
async def test_modbus_conforms(check: Check, server: ModbusServer) -> None:
    async with modbus_world(server, check.between, IN_FLIGHT[server.software]) as world:
        await check.run(world)
