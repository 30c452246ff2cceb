"""Compressors, chiller, dryer and meters on Modbus TCP, served by pymodbus.

pymodbus shares no code with our own client, so the two check each other. A meter that drops out
simply does not answer, as a real one behind a gateway does.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from lianji.base.clock import now_us
from lianji.node.demo.faults import SILENT_METER, meter_is_silent
from lianji.node.demo.loopback import HOST, port_taken
from lianji.node.demo.signals import MODBUS_UNITS, SIGNALS, Signal, width_of

_UNIT_BYTE = 6
"""Place of the unit id in a frame (MODBUS Messaging on TCP/IP V1.0b, 3.1.3)."""
_FORMATS = {"uint16": ">H", "int16": ">h", "uint32": ">I", "float32": ">f"}
_BY_UNIT: dict[int, list[Signal]] = {
    unit.unit_id: [signal for signal in SIGNALS if signal.unit_id == unit.unit_id]
    for unit in MODBUS_UNITS
}
_SILENT_UNIT = next(unit.unit_id for unit in MODBUS_UNITS if unit.machine == SILENT_METER)


def registers_of(signal: Signal, value: float) -> list[int]:
    """The value as registers, in the type, scale and word order that the tag table says."""
    kind, _, order = signal.type.partition("@")
    raw: float = value
    if kind != "float32":
        raw = round(value / signal.shape.scale)
    packed = struct.pack(_FORMATS[kind], raw)
    words = [int.from_bytes(packed[at : at + 2], "big") for at in range(0, len(packed), 2)]
    return words[::-1] if order == "CDAB" else words


class ModbusFloor:
    """The server and the registers that it shows; ``silent`` says when the meter drops out."""

    def __init__(self, silent: Callable[[int], bool] = meter_is_silent) -> None:
        self._silent = silent
        self._registers = {
            unit: [0] * sum(width_of(signal.type) for signal in signals)
            for unit, signals in _BY_UNIT.items()
        }
        self._server: ModbusTcpServer | None = None

    def show(self, values: Mapping[str, Any]) -> None:
        """Take over the values (by tag path) of one moment."""
        for unit, signals in _BY_UNIT.items():
            self._registers[unit] = [
                word
                for signal in signals
                for word in registers_of(signal, float(values[signal.path]))
            ]

    async def start(self, port: int) -> int:
        """Listen on loopback; returns the port. Raises LinkDown if it is taken."""
        devices = [self._device(unit) for unit in self._registers]
        self._server = ModbusTcpServer(
            devices, address=(HOST, port), trace_packet=self._unless_silent
        )
        if not await self._server.listen():
            raise port_taken("Modbus", port)
        listener: Any = self._server.transport
        return int(listener.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus

    def _device(self, unit: int) -> SimDevice:
        count = len(self._registers[unit])

        async def refresh(
            _function: int,
            _start: int,
            _address: int,
            _count: int,
            registers: list[int],
            _written: list[int] | list[bool] | None,
        ) -> ExcCodes | None:
            registers[:count] = self._registers[unit]
            return None

        data = SimData(0, count=count, values=0, datatype=DataType.REGISTERS, readonly=True)
        return SimDevice(unit, data, action=refresh)

    def _unless_silent(self, sending: bool, frame: bytes) -> bytes:
        silent = sending and frame[_UNIT_BYTE] == _SILENT_UNIT and self._silent(now_us())
        return b"" if silent else frame
