"""Kepware (KEPServerEX, ThingWorx Kepware Server): the CSV of a device's tags.

Format: "Exporting a Server Tag List" in the server's help, columns Tag Name, Address, Data Type,
Respect Data Type, Client Access, Scan Rate, Scaling, Raw Low, Raw High, Scaled Low, Scaled High,
Scaled Data Type, Clamp Low, Clamp High, Eng Units, Description, Negate Value. Modbus addresses:
"Modbus Addressing" of the Modbus TCP/IP driver's help (support.ptc.com): ``41``, ``40001`` and
``400001`` are the same register, ``H4000A`` counts in hexadecimal, ``40001.3`` is a bit,
``400001.20H`` is a string of 20 bytes, high byte first (``L``: low byte first).

The CSV does not say what stands in the device's properties. There "First Word Low" is on by
default, so 32- and 64-bit numbers are CDAB unless the person who imports says otherwise. 100 ms is
Kepware's default scan rate, used by clients that are not OPC only: it is taken as "not said".
"""

from __future__ import annotations

import re

from lianji.connect.foreign.taking import (
    Into,
    Unusable,
    described,
    linear,
    number,
    plain_number,
    refuse,
    take,
    with_order,
    with_unit,
)
from lianji.dictionary.sheet import Sheet
from lianji.dictionary.tag_table import Imported

NEEDED = {"tag name", "address", "data type"}
_TYPES = {
    "short": "int16",
    "word": "uint16",
    "long": "int32",
    "dword": "uint32",
    "llong": "int64",
    "qword": "uint64",
    "float": "float32",
    "double": "float64",
}
_ADDRESS = re.compile(
    r"(?P<hex>H)?(?P<area>[0134])(?P<place>[0-9A-F]{1,5})"
    r"(?:\.(?P<part>\d{1,3})(?P<bytes>[HL])?)?(?P<array>\s*\[.*)?",
    re.IGNORECASE,
)
_DEFAULT_SCAN = "100"
_PLACES = 65_536


def read(sheet: Sheet, into: Into) -> Imported:
    """The table's rows. Columns are found by their names, in any order."""
    names = [name.strip().casefold() for name in sheet.header]
    imported = Imported()
    for record in sheet.rows:
        if record.problem is not None:
            refuse(imported, record.line, "", Unusable(record.problem.en, record.problem.zh))
            continue
        row = dict(zip(names, (cell.strip() for cell in record.cells), strict=False))
        if not any(row.values()):
            continue
        path = into.path(into.device_name, row.get("tag name", "").replace(".", "/"))
        try:
            cells = _cells(row, into)
        except Unusable as error:
            refuse(imported, record.line, path, error)
        else:
            take(imported, record.line, {"path": path, "device": into.device_name, **cells})
    return imported


def _cells(row: dict[str, str], into: Into) -> dict[str, str]:
    if not row.get("tag name"):
        raise Unusable("the tag has no name", "标签名称为空")
    if row.get("client access", "").upper() in ("WO", "W"):
        raise Unusable("it can only be written", "该标签只可写入")
    cells = _place(row.get("address", ""), row.get("data type", ""), into.order or "CDAB")
    described(cells, row.get("description", ""))
    with_unit(cells, row.get("eng units", ""))
    _scaling(cells, row)
    scan = row.get("scan rate", "")
    if scan and scan != _DEFAULT_SCAN:
        cells["interval_ms"] = plain_number(number(scan, "Scan Rate") or 0)
    return cells


def _place(address: str, data_type: str, order: str) -> dict[str, str]:
    if re.match(r"ns\w*=\w", address):
        return {"address": address}
    found = _ADDRESS.fullmatch(address)
    if not found or (not found["hex"] and not found["place"].isdecimal()):
        raise Unusable(
            f"'{address}' is no Modbus address and no OPC UA node id; read it through Kepware's "
            "own OPC UA server",
            f"“{address}”既不是 Modbus 地址，也不是 OPC UA 节点；"
            "可通过 Kepware 自带的 OPC UA 服务器读取",
        )
    if found["array"]:
        raise Unusable(f"'{address}' is an array", f"“{address}”是数组")
    place = int(found["place"], 16 if found["hex"] else 10)
    if not 1 <= place <= _PLACES:
        raise Unusable(
            f"'{address}' is outside the 65536 addresses of an area", f"“{address}”超出地址范围"
        )
    ours = f"{found['area']}{place:05d}"
    kind = data_type.casefold()
    if kind == "string":
        return _string(ours, found["part"], found["bytes"])
    bits = found["area"] in "01"
    if kind in ("boolean", "bool") or (kind in ("default", "") and bits):
        bit = found["part"] if found["part"] or bits else "0"
        return {"address": f"{ours}.{bit}" if bit else ours, "type": "bool", "kind": "step"}
    known = _TYPES.get(kind if kind not in ("default", "") else "word")
    if known is None:
        raise Unusable(f"the data type '{data_type}' is not known", f"数据类型“{data_type}”不支持")
    return {"address": ours, "type": with_order(known, order)}


def _string(ours: str, length: str | None, first: str | None) -> dict[str, str]:
    if not length:
        raise Unusable("a string tells its length, such as 400001.20H", "字符串需注明长度")
    order = "@BA" if (first or "H").upper() == "L" else ""
    return {"address": ours, "type": f"string[{int(length)}]{order}", "kind": "step"}


def _scaling(cells: dict[str, str], row: dict[str, str]) -> None:
    """Linear scaling as scale and offset; "Negate Value" turns the sign after it."""
    mode = row.get("scaling", "").casefold()
    if mode not in ("", "none", "linear"):
        raise Unusable(f"the scaling '{row['scaling']}' is not linear", "换算方式不是线性")
    scale, offset = 1.0, 0.0
    if mode == "linear":
        ends = [number(row.get(name, ""), name) for name in ("raw low", "raw high")]
        low, high = (number(row.get(name, ""), name) for name in ("scaled low", "scaled high"))
        scale, offset = linear(ends[0], ends[1], low, high)
        assert low is not None and high is not None
        sign = -1 if row.get("negate value") == "1" else 1
        low, high = sorted((sign * low, sign * high))
        cells["low"], cells["high"] = plain_number(low), plain_number(high)
    if row.get("negate value") == "1":
        scale, offset = -scale, -offset
    if (scale, offset) != (1.0, 0.0):
        cells["scale"], cells["offset"] = repr(scale), plain_number(offset)
