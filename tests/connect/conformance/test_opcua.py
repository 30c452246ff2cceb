"""The kit, passed by the OPC UA driver before node-opcua, polled and subscribed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connect.conformance import Check, checks_for, name_of
from tests.connect.conformance.opcua_world import opcua_world
from tests.peers.opcua import OpcUaServer, opcua_server


@pytest.fixture(scope="module")
def server() -> Iterator[OpcUaServer]:
    with opcua_server() as running:
        yield running


@pytest.mark.parametrize("check", checks_for("opcua-polled"), ids=name_of)
async def test_opcua_conforms_where_tags_are_polled(check: Check, server: OpcUaServer) -> None:
    async with opcua_world(server, check.between, polled=True) as world:
        await check.run(world)


@pytest.mark.parametrize("check", checks_for("opcua-subscribed"), ids=name_of)
async def test_opcua_conforms_where_tags_are_subscribed(check: Check, server: OpcUaServer) -> None:
    async with opcua_world(server, check.between, polled=False) as world:
        await check.run(world)
