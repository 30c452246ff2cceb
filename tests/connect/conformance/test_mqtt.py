"""The kit, passed by the MQTT driver before mosquitto."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connect.conformance import Check, checks_for, name_of
from tests.connect.conformance.mqtt_world import MqttServer, mqtt_world


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MqttServer]:
    server = MqttServer(tmp_path_factory.mktemp("mosquitto"))
    server.start()
    yield server
    server.kill()


@pytest.mark.parametrize("check", checks_for("mqtt"), ids=name_of)
async def test_mqtt_conforms(check: Check, server: MqttServer) -> None:
    async with mqtt_world(server, check.between) as world:
        await check.run(world)
