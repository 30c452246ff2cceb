"""One machine and the climate sensors as JSON over MQTT, from a broker of the demo's own (amqtt).

A fresh computer has no broker, so the demo brings one; a plant brings its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from amqtt.broker import Broker
from amqtt.errors import BrokerError

from lianji.node.demo.loopback import HOST, free_port, port_taken
from lianji.node.demo.signals import SIGNALS

_SIGNALS = tuple(signal for signal in SIGNALS if signal.protocol == "mqtt")
_ANONYMOUS = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


def payloads_of(values: Mapping[str, Any], time_us: int) -> dict[str, bytes]:
    """The message of each topic at one moment: nested JSON with ``ts`` in milliseconds."""
    documents: dict[str, dict[str, Any]] = {}
    for signal in _SIGNALS:
        topic, _, place = signal.address.partition("#")
        document = documents.setdefault(topic, {"ts": time_us // 1000})
        value = values[signal.path]
        shown: str | int | float = str(value) if signal.is_text else float(value)
        if isinstance(shown, float) and signal.decimals == 0:
            shown = int(shown)
        _put(document, place, shown)
    return {
        topic: json.dumps(body, ensure_ascii=False).encode() for topic, body in documents.items()
    }


def _put(document: dict[str, Any], place: str, value: str | int | float) -> None:
    """Lay a value at ``cycle.time`` or at the next element of ``barrel[0]``."""
    if place.endswith("]"):
        document.setdefault(place.partition("[")[0], []).append(value)
        return
    *folders, name = place.split(".")
    for folder in folders:
        document = document.setdefault(folder, {})
    document[name] = value


class MqttFloor:
    """The broker, and what is published on it once a second."""

    def __init__(self) -> None:
        self._broker: Broker | None = None

    async def start(self, port: int) -> int:
        """Listen on loopback; returns the port. Raises LinkDown if it is taken."""
        chosen = port or free_port()
        listener = {"type": "tcp", "bind": f"{HOST}:{chosen}"}
        broker = Broker({"listeners": {"default": listener}, "plugins": _ANONYMOUS})
        try:
            await broker.start()
        except BrokerError as error:
            raise port_taken("MQTT", chosen) from error
        self._broker = broker
        return chosen

    async def stop(self) -> None:
        if self._broker is not None:
            await self._broker.shutdown()

    async def show(self, values: Mapping[str, Any], time_us: int) -> None:
        """Publish the values (by tag path), retained, so that whoever comes has them at once."""
        if self._broker is None:
            return
        for topic, payload in payloads_of(values, time_us).items():
            await self._broker.retain_message(None, topic, payload, 0)
            await self._broker.internal_message_broadcast(topic, payload, 0)
