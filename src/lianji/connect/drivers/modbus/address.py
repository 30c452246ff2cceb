"""Where a tag lies in a Modbus device, from what people write in tables.

Two spellings are understood. ``40001`` and ``400001`` count from 1 and name the area by their
first digit, as maker's manuals do; ``hr:0`` counts from 0, as the wire does. ``5!40001`` asks unit
5 behind the same address, ``40010.3`` is bit 3 (0 is the lowest) of a register.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from lianji.connect.driver import Point

Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]
Kind = Literal[
    "bool",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float32",
    "float64",
    "string",
]

ORDERS: dict[str, Order] = {
    "ABCD": "ABCD",
    "CDAB": "CDAB",
    "BADC": "BADC",
    "DCBA": "DCBA",
    "AB": "ABCD",
    "BA": "BADC",
}
REGISTERS: dict[str, tuple[Kind, int]] = {
    "int16": ("int16", 1),
    "uint16": ("uint16", 1),
    "int32": ("int32", 2),
    "uint32": ("uint32", 2),
    "int64": ("int64", 4),
    "uint64": ("uint64", 4),
    "float32": ("float32", 2),
    "float64": ("float64", 4),
}
"""A number's type: its name and how many registers it fills."""

ADDRESSES = 65_536
_FUNCTION = {"0": 1, "1": 2, "3": 4, "4": 3, "co": 1, "di": 2, "ir": 4, "hr": 3}
_ADDRESS = re.compile(
    r"(?:(?P<unit>\d{1,3})!)?"
    r"(?:(?P<name>hr|ir|co|di):(?P<zero>\d{1,5})"
    r"|(?P<area>[0134])(?:x(?P<short>\d{1,5})|(?P<one>\d{4,5})))"
    r"(?:\.(?P<bit>\d{1,2}))?",
    re.IGNORECASE,
)
_TYPE = re.compile(
    r"(?P<kind>[a-z]+\d*)(?:\[(?P<length>\d{1,4})\])?(?:@(?P<order>[A-D]+))?", re.IGNORECASE
)


class Space(NamedTuple):
    """What one request can read from: a unit and one of its four areas, by function code."""

    unit: int
    function: int

    @property
    def holds_bits(self) -> bool:
        return self.function <= 2


@dataclass(frozen=True, slots=True)
class Form:
    """How the bytes of a point become its value: ``raw * scale + offset``.

    ``bit`` is that of a register (None for a coil or a number), ``length`` the characters of a
    string.
    """

    kind: Kind
    order: Order = "ABCD"
    bit: int | None = None
    length: int = 0
    scale: float = 1.0
    offset: float = 0.0


# a device has few of each and a hundred thousand points that share them
_space = lru_cache(1024)(Space)
_form = lru_cache(4096)(Form)


class Place(NamedTuple):
    space: Space
    start: int
    bit: int | None


def parse_address(address: str, unit_id: int = 1) -> Place:
    """Unit, area, 0-based start and bit. Raises ValueError in plain words."""
    found = _ADDRESS.fullmatch(address.strip())
    if not found:
        raise ValueError(
            f"'{address}' is not a Modbus address: write 40001 or 400001 (holding register), "
            "30001 (input register), 10001 (discrete input), 00001 (coil), or hr:0, ir:0, di:0, "
            "co:0 counted from 0; with a unit 5!40001, with a bit 40001.3"
        )
    function = _FUNCTION[(found["name"] or found["area"]).lower()]
    start = int(found["zero"]) if found["name"] else int(found["short"] or found["one"]) - 1
    if not 0 <= start < ADDRESSES:
        raise ValueError(f"'{address}' is outside the 65536 addresses of an area")
    unit = int(found["unit"]) if found["unit"] else unit_id
    if unit > 255:
        raise ValueError(f"unit {unit} of '{address}' is not between 0 and 255")
    bit = int(found["bit"]) if found["bit"] else None
    if bit is not None and (bit > 15 or function <= 2):
        raise ValueError(f"'{address}': only a register has bits, and they are 0 to 15")
    return Place(_space(unit, function), start, bit)


def parse_point(
    address: str,
    type_name: str,
    *,
    unit_id: int = 1,
    order: Order = "ABCD",
    scale: float = 1.0,
    offset: float = 0.0,
) -> Point:
    """A tag's ``address`` and ``type`` as a point whose ``detail`` is a Form.

    ``order`` is that of numbers which name none. Strings begin with the high byte of a register
    unless their type says ``@BA``. Raises ValueError in plain words.
    """
    place = parse_address(address, unit_id)
    kind, span, length, own_order = _parse_type(type_name, place)
    if kind == "string" and (scale != 1.0 or offset != 0.0):
        raise ValueError("a string has neither scale nor offset")
    if place.start + span > ADDRESSES:
        raise ValueError(f"'{address}' as {type_name} reaches beyond the last register, 65536")
    used_order = own_order or ("ABCD" if kind == "string" else order)
    return Point(
        place.space,
        place.start,
        span,
        _form(kind, used_order, place.bit, length, scale, offset),
    )


def _parse_type(type_name: str, place: Place) -> tuple[Kind, int, int, Order | None]:
    """Kind, registers (or bits), characters and byte order, if it says one."""
    is_bit = place.bit is not None or place.space.holds_bits
    if not type_name.strip() and is_bit:
        return "bool", 1, 0, None
    found = _TYPE.fullmatch(type_name.strip())
    name = found["kind"].lower() if found else ""
    if not found or name not in (*REGISTERS, "bool", "string"):
        raise ValueError(
            f"'{type_name}' is not a type: bool, {', '.join(REGISTERS)}, string[n], each with an "
            "order such as float32@CDAB if it needs one"
        )
    order = _parse_order(found["order"], type_name)
    if is_bit or name == "bool":
        if name != "bool" or found["length"]:
            raise ValueError(f"one bit is a bool, not {type_name}")
        if not is_bit:
            raise ValueError("a bool in a register needs its bit, such as 40001.0")
        return "bool", 1, 0, order
    if name == "string":
        length = int(found["length"] or 0)
        if not 1 <= length <= 250:
            raise ValueError("a string tells its characters, 1 to 250, such as string[16]")
        return "string", (length + 1) // 2, length, order
    if found["length"]:
        raise ValueError(f"'{type_name}': only a string has a length")
    kind, span = REGISTERS[name]
    return kind, span, 0, order


def _parse_order(written: str | None, type_name: str) -> Order | None:
    if written is None:
        return None
    order = ORDERS.get(written.upper())
    if order is None:
        raise ValueError(f"'{type_name}': the order is one of {', '.join(ORDERS)}")
    return order
