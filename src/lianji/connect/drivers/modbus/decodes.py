"""The word-order helper: everything that a few registers could mean, the likely first.

Makers rarely say in which order they send the two or four registers of a number. A person who
sees every reading side by side, and what the machine's own display shows, knows at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lianji.connect.driver import Block
from lianji.connect.drivers.modbus.address import REGISTERS, Space, parse_point
from lianji.connect.drivers.modbus.codec import decode

ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
_SHORT_ORDERS = ("ABCD", "BADC")
"""One register has no order of words."""
_FLOAT_LIKELY = (1e-4, 1e7)
_WHOLE_LIKELY = 1e7
_NEAR = 0.02
_SCALES = (1.0, 0.1, 0.01, 0.001, 10.0, 100.0)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the registers. ``likely`` is 0 (hardly) to 1."""

    type: str
    value: float | None
    likely: float
    scale: float = 1.0
    """With it the value is what the machine shows; 1 where nobody said what it shows."""


def readings(raw: bytes, expected: float | None = None) -> list[Reading]:
    """Every type that fits in ``raw`` (2 to 8 bytes, as on the wire) in every order.

    ``expected``: what the machine's own display shows. Raises ValueError for other lengths.
    """
    if len(raw) not in (2, 4, 6, 8):
        raise ValueError("two to eight bytes are wanted, two for each register")
    found = []
    for kind, (_, registers) in REGISTERS.items():
        if registers * 2 > len(raw):
            continue
        for order in _SHORT_ORDERS if registers == 1 else ORDERS:
            name = kind if order == "ABCD" else f"{kind}@{order}"
            value = _value(raw[: registers * 2], name, registers)
            found.append(_judged(name, value, registers, expected))
    return sorted(found, key=lambda one: -one.likely)


def _value(raw: bytes, type_name: str, registers: int) -> float | None:
    point = parse_point("hr:0", type_name, order="ABCD")
    block = Block(Space(1, 3), 0, registers, (point,), np.zeros(1, np.int32))
    value = float(decode(block, raw, 0).values[0])
    return value if math.isfinite(value) else None


def _judged(type_name: str, value: float | None, registers: int, expected: float | None) -> Reading:
    if value is None:
        return Reading(type_name, None, 0.0)
    likely = _likely(type_name, value, registers)
    if expected is None:
        return Reading(type_name, value, likely)
    for scale in _SCALES:
        off = abs(value * scale - expected)
        if off <= _NEAR * abs(expected) or (expected == 0 and off < 1e-3):
            closeness = 1 - min(1.0, off / (_NEAR * abs(expected) or 1.0)) / 10
            simple = 0.0 if scale == 1.0 else 0.05
            return Reading(type_name, value, 0.9 * closeness + likely / 10 - simple, scale)
    return Reading(type_name, value, likely / 4)


def _likely(type_name: str, value: float, registers: int) -> float:
    size = abs(value)
    is_float = type_name.startswith("float")
    if size == 0:
        return 0.3
    if is_float:
        low, high = _FLOAT_LIKELY
        if not low <= size <= high:
            return 0.02
        return 0.75 + 0.2 * _round(value, registers)
    if size > _WHOLE_LIKELY:
        return 0.05
    # a wide number that hardly fills one register is more often a narrow one
    narrow = 0.55 if registers == 1 else 0.5 if size > 65_535 else 0.4
    return narrow - 0.02 * math.log10(size + 1) - (0.02 if value < 0 else 0.0)


def _round(value: float, registers: int) -> float:
    """1 for 23.5, which a person would write, 0 for 23.518273."""
    text = str(np.float32(value)) if registers == 2 else repr(value)
    digits = len(text.split("e")[0].replace("-", "").replace(".", "").strip("0"))
    return max(0.0, 1 - max(0, digits - 3) / 5)
