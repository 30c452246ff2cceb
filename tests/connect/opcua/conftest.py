"""One server for all tests that leave it as they found it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from lianji.connect.drivers.opcua.driver import OpcUaDriver
from tests.connect.opcua.watching import driver_of
from tests.peers.opcua import OpcUaServer, opcua_server


@pytest.fixture(scope="session")
def server() -> Iterator[OpcUaServer]:
    with opcua_server(variables=300) as running:
        yield running


@pytest.fixture
async def driver(server: OpcUaServer) -> AsyncIterator[OpcUaDriver]:
    opened = driver_of(server)
    await opened.open()
    yield opened
    await opened.close()
