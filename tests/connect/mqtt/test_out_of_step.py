"""A stream that is out of step: the next packet's length is read where none stands."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lianji.base.errors import LinkDown
from tests.connect.conformance.mqtt_world import frame_size
from tests.connect.mqtt.conftest import config, publisher, running, tags
from tests.peers import free_port
from tests.peers.fault_proxy import Fate, fault_proxy
from tests.peers.mqtt import mosquitto

_ENDLESS = b"\x30\xff\xff\xff\x7f"
"""The head of a PUBLISH of 256 MB (MQTT 3.1.1, section 2.2.3)."""


async def test_a_packet_that_never_ends_is_a_lost_link_though_bytes_keep_coming(
    tmp_path: Path,
) -> None:
    with mosquitto(tmp_path, free_port()) as broker:
        async with (
            fault_proxy(broker.port, frame_size) as proxy,
            running(config(proxy.port, keepalive_s=2), tags("p")) as run,
            publisher(broker.port) as client,
        ):
            proxy.spoil_next(lambda frame: Fate(_ENDLESS + frame), lambda frame: True)
            async with asyncio.timeout(20):
                while not run.task.done():
                    await client.publish("p", b"1")
                    await asyncio.wait([run.task], timeout=0.1)
            with pytest.raises(LinkDown, match="has not ended within 6 s"):
                run.task.result()
            assert run.seen == []
