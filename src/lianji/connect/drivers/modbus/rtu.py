"""Modbus RTU over a serial line, by pymodbus, behind the interface of the TCP client.

A serial line carries one question at a time and its answers name no transaction. So after a
time-out the same unit is left alone for half a time-out more: a late answer must not be taken for
the answer to the next question. A frame with a wrong checksum is dropped by pymodbus and ends as a
time-out.
"""

from __future__ import annotations

import asyncio
import logging
import os
import struct
from pathlib import Path

import numpy as np
from pymodbus.client import AsyncModbusSerialClient
from pymodbus.exceptions import ConnectionException, ModbusException
from pymodbus.pdu import ExceptionResponse, ModbusPDU

from lianji.connect.drivers.modbus import faults
from lianji.connect.drivers.modbus.faults import Question


class SerialClient:
    """One serial port, opened by ``connect``."""

    def __init__(self, port: str, client: AsyncModbusSerialClient, timeout_s: float) -> None:
        self.where = port
        self._client = client
        self._timeout_s = timeout_s
        self._turn = asyncio.Lock()
        self._quiet_until: dict[int, float] = {}

    @classmethod
    async def connect(
        cls, port: str, *, baudrate: int, parity: str, stopbits: int, timeout_s: float
    ) -> SerialClient:
        """Raises LinkDown, with the reason, if the port cannot be opened."""
        # every failure is raised to us: pymodbus need not write it to stderr as well
        logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
        client = AsyncModbusSerialClient(
            port,
            baudrate=baudrate,
            parity=parity,
            stopbits=stopbits,
            timeout=timeout_s,
            retries=0,
            reconnect_delay=0,
        )
        if not await client.connect():
            client.close()
            raise faults.link_down(port, "modbus-serial-port", *_why_not(port))
        return cls(port, client, timeout_s)

    @property
    def is_open(self) -> bool:
        return self._client.connected

    async def read(self, unit: int, function: int, start: int, count: int) -> bytes:
        """The data bytes of ``count`` registers or bits from ``start``.

        Raises LinkDown, DeviceTimeout, Desync or Refused.
        """
        question = Question(unit, function, start, count)
        async with self._turn:
            loop = asyncio.get_running_loop()
            if unit in self._quiet_until:
                await asyncio.sleep(self._quiet_until[unit] - loop.time())
                del self._quiet_until[unit]
            try:
                answer = await self._ask(question)
            except ConnectionException as error:
                en, zh = "the serial port is gone", "串口已断开"
                raise faults.link_down(self.where, "modbus-link-lost", en, zh) from error
            except (ModbusException, asyncio.CancelledError) as error:
                self._quiet_until[unit] = loop.time() + self._timeout_s / 2
                if isinstance(error, asyncio.CancelledError):
                    raise
                raise faults.timed_out(self.where, question, self._timeout_s) from error
        return self._data(question, answer)

    def close(self) -> None:
        self._client.close()

    async def _ask(self, question: Question) -> ModbusPDU:
        unit, function, start, span = question
        ask = {
            1: self._client.read_coils,
            2: self._client.read_discrete_inputs,
            3: self._client.read_holding_registers,
            4: self._client.read_input_registers,
        }[function]
        return await ask(start, count=span, device_id=unit)

    def _data(self, question: Question, answer: ModbusPDU) -> bytes:
        if isinstance(answer, ExceptionResponse):
            raise faults.refused(self.where, question, answer.exception_code)
        if answer.function_code != question.function:
            raise faults.desync(
                self.where,
                f"function {answer.function_code} instead of {question.function}",
                f"功能码为 {answer.function_code}，应为 {question.function}",
            )
        if question.function <= 2:
            data = np.packbits(np.array(answer.bits, bool), bitorder="little").tobytes()
            octets = (question.span + 7) // 8
        else:
            data = struct.pack(f">{len(answer.registers)}H", *answer.registers)
            octets = question.span * 2
        if len(data) != octets:
            raise faults.desync(self.where, "wrong number of bytes", "字节数不符")
        return data


def _why_not(port: str) -> tuple[str, str]:
    if not Path(port).exists():
        return "there is no such serial port", "没有此串口"
    if not os.access(port, os.R_OK | os.W_OK):
        return (
            "no permission for this serial port (add the user to the group dialout)",
            "没有此串口的访问权限（请将用户加入 dialout 组）",
        )
    return "the serial port is in use or cannot be set up so", "串口被占用或不支持此设置"
