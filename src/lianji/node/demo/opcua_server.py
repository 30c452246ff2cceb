"""Three injection-moulding machines on OPC UA, served by asyncua, with the source's own time.

Import and start take two seconds of CPU: the standard's own 6,000 nodes have to be made. That
happens in a thread, with the collector off, while Modbus and MQTT already answer.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lianji.base.clock import from_us
from lianji.node.demo.faults import STAGED_SENSOR, sensor_has_failed
from lianji.node.demo.loopback import HOST, port_taken
from lianji.node.demo.signals import OPCUA_NAMESPACE, SIGNALS, Signal

_NAMESPACE_URI = "urn:lianji:demo:moulding"
_SIGNALS = tuple(signal for signal in SIGNALS if signal.protocol == "opcua")
_WHOLE = frozenset({"state", "shots", "rejects"})


def _ua() -> Any:
    """asyncua's names, imported when first needed; its type hints hide what it exports."""
    import asyncua

    return asyncua.ua


class OpcUaFloor:
    """The server and its variables; ``broken`` says when the thermocouple has failed."""

    def __init__(self, broken: Callable[[int], bool] = sensor_has_failed) -> None:
        self._broken = broken
        self._server: Any = None
        self._nodes: list[tuple[Signal, Any, Any]] = []
        self._last: dict[str, object] = {}

    async def start(self, port: int, values: Mapping[str, Any], time_us: int) -> int:
        """Listen on loopback with first values in every variable; returns the port (not 0).

        Raises LinkDown if the port is taken.
        """
        server = await _bare_server()
        server.set_endpoint(f"opc.tcp://{HOST}:{port}/")
        server.set_server_name("Lianji demo plant")
        server.set_security_policy([_ua().SecurityPolicyType.NoSecurity])
        await self._add_variables(server)
        self._server = server
        await self.show(values, time_us)
        try:
            await server.start()
        except OSError as error:
            self._server = None
            raise port_taken("OPC UA", port) from error
        return port

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop()

    async def show(self, values: Mapping[str, Any], time_us: int) -> None:
        """Write what has changed (values by tag path), with its source time and status."""
        ua = _ua()

        if self._server is None:
            return
        moment = from_us(time_us)
        failed = self._broken(time_us)
        for signal, node, kind in self._nodes:
            broken = failed and signal.key == STAGED_SENSOR
            value = None if broken else _native(signal, values[signal.path])
            if signal.key in self._last and self._last[signal.key] == value:
                continue
            self._last[signal.key] = value
            data = ua.DataValue(
                ua.Variant() if broken else ua.Variant(value, kind),
                ua.StatusCode(ua.StatusCodes.BadSensorFailure if broken else ua.StatusCodes.Good),
                SourceTimestamp=moment,
                ServerTimestamp=moment,
            )
            await self._server.write_attribute_value(node, data)

    async def _add_variables(self, server: Any) -> None:
        ua = _ua()

        index = await server.register_namespace(_NAMESPACE_URI)
        if index != OPCUA_NAMESPACE:
            raise RuntimeError(f"namespace {index} instead of {OPCUA_NAMESPACE}")
        folders: dict[str, Any] = {}
        for signal in _SIGNALS:
            machine, _, name = signal.address.partition(";s=")[2].partition(".")
            if machine not in folders:
                place = ua.NodeId(machine, index)
                folders[machine] = await server.nodes.objects.add_object(place, machine)
            kind = _kind(signal)
            place = ua.NodeId(f"{machine}.{name}", index)
            first = ua.Variant("" if signal.is_text else 0, kind)
            node = await folders[machine].add_variable(place, name, first)
            described = ua.Variant(ua.LocalizedText(signal.zh, "zh"))
            await node.write_attribute(ua.AttributeIds.Description, ua.DataValue(described))
            self._nodes.append((signal, place, kind))


def _kind(signal: Signal) -> Any:
    ua = _ua()

    if signal.is_text:
        return ua.VariantType.String
    return ua.VariantType.Int64 if signal.shape.name in _WHOLE else ua.VariantType.Double


def _native(signal: Signal, value: Any) -> str | int | float:
    if signal.is_text:
        return str(value)
    return int(value) if signal.shape.name in _WHOLE else float(value)


async def _bare_server() -> Any:
    """A server with the standard's nodes, made without holding up the event loop."""
    gc.disable()
    try:
        await asyncio.to_thread(__import__, "asyncua")
        from asyncua.server.internal_server import InternalServer
        from asyncua.server.server import Server
        from asyncua.server.standard_address_space import standard_address_space

        class Unhurried(InternalServer):
            async def load_standard_address_space(self, shelf_file: Path | None = None) -> None:
                fill = standard_address_space.fill_address_space
                await asyncio.to_thread(fill, self.node_mgt_service)

        server = Server(iserver=Unhurried())
        await server.init()
    finally:
        gc.freeze()
        gc.enable()
    return server
