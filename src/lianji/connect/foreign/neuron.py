"""EMQX Neuron: the .xlsx (or CSV) of a southbound device's tags.

Format: "Batch Data Tag Configuration" of Neuron's manual, columns group, name, address, attribute,
type, description, decimal, precision; newer ones have bias, an interval or a unit too. Modbus
addresses: ``SLAVE!ADDRESS[.BIT][#ENDIAN][.LEN[H][L][D][E]]`` ("Modbus TCP" there): ``#LL`` is
1,2,3,4 and the default, ``#LB`` 2,1,4,3, ``#BL`` 3,4,1,2, ``#BB`` 4,3,2,1; ``#B`` turns the two
bytes of 16 bits. A string's length counts bytes; without a letter it is read high byte first,
as Neuron's source does (``neu_datatag_parse_addr_option``). OPC UA addresses are ``IX!NODEID``.

``decimal`` multiplies what is read, ``bias`` is added then.
"""

from __future__ import annotations

import re

from lianji.connect.foreign.taking import (
    Into,
    Unusable,
    described,
    number,
    plain_number,
    refuse,
    take,
    with_order,
    with_unit,
)
from lianji.dictionary.sheet import Sheet
from lianji.dictionary.tag_table import Imported

NEEDED = {"name", "address", "attribute", "type"}
_TYPES = {
    "int16": "int16",
    "uint16": "uint16",
    "word": "uint16",
    "int32": "int32",
    "uint32": "uint32",
    "dword": "uint32",
    "int64": "int64",
    "uint64": "uint64",
    "lword": "uint64",
    "float": "float32",
    "double": "float64",
}
_ORDERS = {
    "": "ABCD",
    "L": "ABCD",
    "B": "DCBA",
    "LL": "ABCD",
    "LB": "BADC",
    "BL": "CDAB",
    "BB": "DCBA",
}
_MODBUS = re.compile(
    r"(?P<unit>\d{1,3})!(?P<area>[0134])(?P<place>\d{4,5})"
    r"(?:\.(?P<bit>\d{1,3})(?P<bytes>[HLDE])?)?(?:#(?P<order>[LB]{1,2}))?"
    r"(?:\.(?P<length>\d{1,3})(?P<after>[HLDE])?)?",
    re.IGNORECASE,
)
_NODE = re.compile(r"(\d{1,5})!(.+)")


def read(sheet: Sheet, into: Into) -> Imported:
    names = [name.strip().casefold() for name in sheet.header]
    imported = Imported()
    for record in sheet.rows:
        if record.problem is not None:
            refuse(imported, record.line, "", Unusable(record.problem.en, record.problem.zh))
            continue
        row = dict(zip(names, (cell.strip() for cell in record.cells), strict=False))
        if not any(row.values()):
            continue
        path = into.path(into.device_name, row.get("group", ""), row.get("name", ""))
        try:
            cells = _cells(row, into)
        except Unusable as error:
            refuse(imported, record.line, path, error)
        else:
            take(imported, record.line, {"path": path, "device": into.device_name, **cells})
    return imported


def _cells(row: dict[str, str], into: Into) -> dict[str, str]:
    if not row.get("name"):
        raise Unusable("the tag has no name", "标签名称为空")
    attributes = re.findall(r"[a-z]+", row.get("attribute", "").casefold())
    if "static" in attributes:
        raise Unusable("a static tag is read from no device", "静态点位不从设备读取")
    if "read" not in attributes and "subscribe" not in attributes:
        raise Unusable("it cannot be read, only written", "该点位不可读取")
    cells = _place(row.get("address", ""), row.get("type", ""), into.order)
    described(cells, row.get("description", ""))
    with_unit(cells, row.get("unit", ""))
    factor = number(row.get("decimal", ""), "decimal") or 1.0
    bias = number(row.get("bias", ""), "bias") or 0.0
    if (factor, bias) != (1.0, 0.0):
        cells["scale"], cells["offset"] = plain_number(factor), plain_number(bias)
    interval = number(row.get("interval", ""), "interval")
    if interval:
        cells["interval_ms"] = plain_number(interval)
    return cells


def _place(address: str, data_type: str, order: str | None) -> dict[str, str]:
    kind = data_type.casefold()
    found = _MODBUS.fullmatch(address)
    if found is None:
        return _node(address, kind)
    place = f"{found['unit']}!{found['area']}{int(found['place']):05d}"
    if kind in ("bit", "bool"):
        bit = f".{int(found['bit'])}" if found["bit"] else ""
        if not bit and found["area"] in "34":
            bit = ".0"
        return {"address": place + bit, "type": "bool", "kind": "step"}
    if kind == "string":
        return _string(place, found)
    known = _TYPES.get(kind)
    if known is None:
        raise Unusable(f"the type '{data_type}' is not known", f"数据类型“{data_type}”不支持")
    said = (found["order"] or "").upper()
    return {"address": place, "type": with_order(known, _ORDERS[said] if said else order or "ABCD")}


def _string(place: str, found: re.Match[str]) -> dict[str, str]:
    length = found["length"] or found["bit"]
    way = (found["after"] or found["bytes"] or "H").upper()
    if not length:
        raise Unusable("a string tells its length, such as 1!400001.10H", "字符串需注明长度")
    if way in "DE":
        raise Unusable(
            "a string of one byte a register is not read", "不支持每寄存器一个字节的字符串"
        )
    order = "@BA" if way == "L" else ""
    return {"address": place, "type": f"string[{int(length)}]{order}", "kind": "step"}


def _node(address: str, kind: str) -> dict[str, str]:
    found = _NODE.fullmatch(address)
    if found is None:
        raise Unusable(
            f"'{address}' is no Modbus and no OPC UA address",
            f"“{address}”既不是 Modbus 地址，也不是 OPC UA 地址",
        )
    space, node = found.groups()
    guid = re.fullmatch(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", node)
    how = "i" if node.isdecimal() else "g" if guid else "s"
    stepped = {"kind": "step"} if kind in ("bit", "bool", "string") else {}
    return {"address": f"ns={space};{how}={node}", **stepped}
