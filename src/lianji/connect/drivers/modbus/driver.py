"""The Modbus driver: reads any device that speaks Modbus/TCP or Modbus RTU. It never writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Any, ClassVar, Literal, Protocol, cast

from pydantic import Field, model_validator

from lianji.base.errors import Refused
from lianji.connect.driver import Block, Columns, DeviceConfig, Driver, Found, Limits, Point
from lianji.connect.drivers.modbus import codec, faults
from lianji.connect.drivers.modbus.address import Order, Space, parse_point
from lianji.connect.drivers.modbus.client import TcpClient
from lianji.connect.drivers.modbus.identification import OBJECTS, parse_objects
from lianji.dictionary.tag import Tag

BITS_MAX = 2000
"""Most coils or discrete inputs in one answer (MODBUS Application Protocol V1.1b3, 6.1)."""


class ModbusConfig(DeviceConfig):
    """A device at ``host``, or on the serial line ``serial``; one of the two."""

    protocol: Literal["modbus"] = "modbus"
    """``modbus``, over TCP or a serial line."""
    host: str = ""
    """Name or address of a device or gateway that speaks Modbus/TCP."""
    port: int = Field(502, ge=1, le=65_535)
    """Its TCP port."""
    serial: str = ""
    """The port of a serial line, such as /dev/ttyUSB0."""
    baudrate: int = Field(9600, ge=300, le=4_000_000)
    """Bits a second of the serial line."""
    parity: Literal["N", "E", "O"] = "N"
    """None, even or odd."""
    stopbits: Literal[1, 2] = 1
    """Stop bits of the serial line."""
    unit_id: int = Field(1, ge=0, le=255)
    """The unit of addresses that name none (``5!40001`` names 5)."""
    word_order: Order = "ABCD"
    """The byte order of numbers whose type names none (``float32@CDAB`` names CDAB)."""
    in_flight: int = Field(1, ge=1, le=16)
    """Requests on the way at the same time; a serial line always has one."""
    max_registers: int = Field(125, ge=4, le=125)
    """Most registers in one request."""
    max_gap: int = Field(16, ge=0, le=124)
    """Most unused registers that are read along to save a request."""

    @model_validator(mode="after")
    def _one_way_in(self) -> ModbusConfig:
        if bool(self.host) == bool(self.serial):
            raise ValueError("write either host or serial: one of the two, not both")
        return self


class Link(Protocol):
    """A way to ask: TCP or serial line."""

    def read(self, unit: int, function: int, start: int, count: int) -> Awaitable[bytes]: ...

    def close(self) -> None: ...


class ModbusDriver(Driver[ModbusConfig]):
    name: ClassVar[str] = "modbus"
    Config: ClassVar[type[DeviceConfig]] = ModbusConfig

    def __init__(self, config: ModbusConfig) -> None:
        super().__init__(config)
        self.limits = Limits(
            max_span=config.max_registers,
            max_gap=config.max_gap,
            in_flight=1 if config.serial else config.in_flight,
        )
        self._link: Link | None = None

    def limits_of(self, space: Any) -> Limits:
        """The limits within one area: an answer holds sixteen times as many bits as registers."""
        if not space.holds_bits:
            return self.limits
        span = self.limits.max_span * 16
        return Limits(min(BITS_MAX, span), self.limits.max_gap * 16, self.limits.in_flight)

    def parse(self, tag: Tag) -> Point:
        point = parse_point(
            tag.address,
            tag.type,
            unit_id=self.config.unit_id,
            order=self.config.word_order,
            scale=tag.scale,
            offset=tag.offset,
        )
        if point.span > self.limits.max_span:
            raise ValueError(
                f"{tag.type} fills {point.span} registers, but this device gives at most "
                f"{self.limits.max_span} at once (max_registers)"
            )
        return point

    async def open(self) -> None:
        self._drop()
        config = self.config
        timeout_s = config.timeout_ms / 1000
        if config.host:
            self._link = await TcpClient.connect(config.host, config.port, timeout_s)
            return
        # pymodbus costs start-up time and memory that a plant without serial lines need not pay
        from lianji.connect.drivers.modbus.rtu import SerialClient

        self._link = await SerialClient.connect(
            config.serial,
            baudrate=config.baudrate,
            parity=config.parity,
            stopbits=config.stopbits,
            timeout_s=timeout_s,
        )

    async def close(self) -> None:
        self._drop()

    async def read(self, block: Block) -> bytes:
        space = cast(Space, block.space)
        link = self._open_link()
        return await link.read(space.unit, space.function, block.start, block.span)

    def decode(self, block: Block, raw: bytes, time_us: int) -> Columns:
        return codec.decode(block, raw, time_us)

    async def browse(self, start: str = "") -> AsyncIterator[Found]:
        """Who the device says it is (function 43/14); nothing if it does not say.

        ``start`` is a unit id, by default the device's own. Modbus has no list of addresses, so
        this is all that there is to find.
        """
        link = self._open_link()
        if not isinstance(link, TcpClient):
            return
        unit = int(start or self.config.unit_id)
        wanted = 0
        try:
            while True:
                objects, following = parse_objects(link.where, await link.identify(unit, wanted))
                for number, text in objects:
                    yield Found("", OBJECTS[number], "string", value=text)
                if following <= wanted:
                    return
                wanted = following
        except Refused:
            return

    def _open_link(self) -> Link:
        if self._link is None:
            where = self.config.host or self.config.serial
            en, zh = "it is not open", "尚未打开"
            raise faults.link_down(where, "modbus-closed", en, zh)
        return self._link

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()


DRIVER = ModbusDriver
