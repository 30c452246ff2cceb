"""Read Device Identification: MODBUS Application Protocol V1.1b3, section 6.21 (43/14)."""

from __future__ import annotations

from lianji.connect.drivers.modbus import faults

OBJECTS = (
    "VendorName",
    "ProductCode",
    "MajorMinorRevision",
    "VendorUrl",
    "ProductName",
    "ModelName",
    "UserApplicationName",
)


def parse_objects(where: str, answer: bytes) -> tuple[list[tuple[int, str]], int]:
    """The objects (number, text) in one answer, and where to go on (0: there is no more).

    ``answer`` begins with the MEI type. Raises Desync if it is not well formed.
    """
    if len(answer) < 6 or answer[0] != 14:
        raise faults.desync(where, "not a device identification", "不是设备标识应答")
    more, following, count = answer[3], answer[4], answer[5]
    objects: list[tuple[int, str]] = []
    at = 6
    for _ in range(count):
        if at + 2 > len(answer) or at + 2 + answer[at + 1] > len(answer):
            raise faults.desync(where, "a device identification cut short", "设备标识应答不完整")
        number, length = answer[at], answer[at + 1]
        if number < len(OBJECTS):
            text = answer[at + 2 : at + 2 + length].decode("utf-8", errors="replace")
            objects.append((number, text))
        at += 2 + length
    return objects, following if more == 0xFF else 0
