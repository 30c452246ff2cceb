"""Finding machines: within bounds, in the own network, and only what listens."""

from __future__ import annotations

import asyncio

import pytest

from lianji.base.errors import InputError
from lianji.connect.finding import addresses, find_open


def test_ranges_become_addresses() -> None:
    assert addresses("192.168.1.10") == ["192.168.1.10"]
    assert addresses("10.0.0.8-11") == ["10.0.0.8", "10.0.0.9", "10.0.0.10", "10.0.0.11"]
    assert len(addresses("192.168.1.0/24")) == 254


@pytest.mark.parametrize(
    "text",
    ["", "plc", "192.168.0.0/16", "10.0.0.9-3", "10.0.0.250-300", "8.8.8.8", "192.168.1.1;ls"],
)
def test_other_texts_and_networks_are_refused(text: str) -> None:
    with pytest.raises(InputError) as refused:
        addresses(text)
    assert refused.value.code == "scan-range-invalid"


async def test_only_what_listens_is_found() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        found = await find_open(["127.0.0.1", "127.0.0.2"], [port])
    assert [(one.host, one.port) for one in found] == [("127.0.0.1", port)]
