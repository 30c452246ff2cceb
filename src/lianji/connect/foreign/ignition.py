"""Ignition: the JSON that its tag browser exports, with folders, UDT definitions and instances.

Format: "Exporting and Importing Tags" of Ignition 8's manual: nested objects with name, tagType
(Folder, AtomicTag, UdtType, UdtInstance, Provider) and tags; a UDT's definition lies in ``_types_``
and an instance names it by ``typeId``. Parameters stand in braces in ``{"bindType": "parameter",
"binding": "..."}``, with sums such as ``{Base+2}``.

An OPC item path ``[Device]HRF1024`` is a Modbus address ("Modbus Addressing" there): HR and IR are
int16, US uint16, I int32, UI uint32, F float32, D float64, I_64, UI_64, S with ``:length`` a
string; C and DI are bits; ``2.HR1`` is unit 2. It counts from 1, and the low word comes first
unless the device says "Reverse Word Order", so numbers are CDAB if the person who imports does not
say otherwise. Every other item path stays the node id that it is, to be read from the OPC UA server
that the tag names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from lianji.base.errors import InputError, Text
from lianji.connect.foreign.ignition_types import Types, bound, children, parameters_of
from lianji.connect.foreign.placed_json import LINE, loads
from lianji.connect.foreign.taking import (
    ROWS_MAX,
    Into,
    Unusable,
    described,
    linear,
    plain_number,
    refuse,
    take,
    too_long,
    with_order,
    with_unit,
)
from lianji.dictionary.tag import tidied_path
from lianji.dictionary.tag_table import Imported

_ITEM = re.compile(r"(?:ns\w*=[^;]+;s=)?\[(?P<device>[^\]]+)\](?P<rest>.+)")
_MODBUS = re.compile(
    r"(?:(?P<unit>\d{1,3})\.)?(?P<area>HR|IR|C|DI)(?P<form>US|UI_64|UI|I_64|I|F|D|S|BCD_32|BCD)?"
    r"(?P<place>\d{1,5})(?:\.(?P<bit>\d{1,2}))?(?::(?P<length>\d{1,3}))?"
)
_AREAS = {"HR": "4", "IR": "3", "C": "0", "DI": "1"}
_FORMS = {
    None: "int16",
    "US": "uint16",
    "I": "int32",
    "UI": "uint32",
    "F": "float32",
    "D": "float64",
    "I_64": "int64",
    "UI_64": "uint64",
}
DEPTH_MAX = 40
_STEPPED = {"boolean", "string", "document", "datetime"}


def read(text: str, into: Into) -> Imported:
    """The export's tags. Raises InputError ``tag-table-format`` for what is no export."""
    try:
        found = loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(
            "tag-table-format",
            Text(f"The file is not JSON: {error}.", f"文件不是有效的 JSON：{error}。"),
            Text("Export the tags from Ignition again.", "请从 Ignition 重新导出。"),
        ) from error
    roots = found if isinstance(found, list) else [found]
    if not any(isinstance(one, Mapping) and ("tags" in one or "tagType" in one) for one in roots):
        raise InputError(
            "tag-table-format",
            Text("The file is JSON, but no tag export.", "文件是 JSON，但不是标签导出文件。"),
            Text("Export the tags from Ignition as JSON.", "请从 Ignition 以 JSON 导出标签。"),
        )
    imported = Imported()
    walk = _Walk(into, Types(roots), imported)
    for one in roots:
        walk.node(one, (), {}, is_root=True)
    return imported


class _Walk:
    """Goes through folders and instances and takes what it finds."""

    def __init__(self, into: Into, types: Types, imported: Imported) -> None:
        self._into = into
        self._types = types
        self._imported = imported
        self._visited = 0

    def node(
        self,
        node: Any,
        above: tuple[str, ...],
        given: Mapping[str, str],
        is_root: bool = False,
        depth: int = 0,
    ) -> None:
        if not isinstance(node, Mapping) or depth > DEPTH_MAX:
            return
        self._visited += 1
        if self._visited > ROWS_MAX:  # ten types of ten types of ten types ...
            raise too_long()
        kind = str(node.get("tagType", "Folder" if "tags" in node else "AtomicTag"))
        name = str(node.get("name", ""))
        if kind == "UdtType" or name == "_types_":
            return
        here = above if kind == "Provider" or (is_root and not name) else (*above, name)
        if kind in ("Folder", "Provider"):
            for child in children(node):
                self.node(child, here, given, depth=depth + 1)
        elif kind == "UdtInstance":
            self._instance(node, here or ("unnamed",), given, depth)
        else:
            self._tag(node, here or ("unnamed",), given)

    def _instance(
        self, node: Mapping[str, Any], here: tuple[str, ...], given: Mapping[str, str], depth: int
    ) -> None:
        type_id = str(bound(node.get("typeId", ""), given))
        members = self._types.members(type_id)
        if members is None:
            error = Unusable(
                f"its type '{type_id}' is not in the file: export the folder _types_ with it",
                f"文件中没有其类型“{type_id}”：请连同 _types_ 文件夹一起导出",
            )
            self._refuse(node, here, error)
            return
        values = {
            **self._types.parameters(type_id),
            **parameters_of(node, given),
            "InstanceName": here[-1],
            "PathToParentFolder": "/".join(here[:-1]),
        }
        own = {str(one.get("name")): one for one in children(node)}
        for member in members:
            name = str(member.get("name"))
            self.node({**member, **own.pop(name, {})}, here, values, depth=depth + 1)
        for added in own.values():
            self.node(added, here, values, depth=depth + 1)

    def _tag(
        self, node: Mapping[str, Any], here: tuple[str, ...], given: Mapping[str, str]
    ) -> None:
        try:
            cells = self._cells(node, {**given, "TagName": here[-1]})
        except Unusable as error:
            self._refuse(node, here, error)
        else:
            take(self._imported, _line(node), {"path": self._into.path(*here), **cells})

    def _refuse(self, node: Mapping[str, Any], here: tuple[str, ...], error: Unusable) -> None:
        refuse(self._imported, _line(node), self._into.path(*here), error)

    def _cells(self, node: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
        def text(key: str) -> str:
            value = bound(node.get(key, ""), given)
            return "" if value is None else str(value)

        source = text("valueSource") or ("opc" if node.get("opcItemPath") else "memory")
        if source != "opc":
            raise Unusable(
                f"it is no OPC tag ({source}): it is read from no device",
                f"它不是 OPC 标签（{source}），不从设备读取",
            )
        if node.get("enabled") is False:
            raise Unusable("it is disabled", "该标签已停用")
        cells = self._place(text("opcItemPath"), text("opcServer"))
        if text("dataType").casefold() in _STEPPED:
            cells["kind"] = "step"
        described(cells, text("documentation") or text("tooltip"))
        with_unit(cells, text("engUnit"))
        _scaling(cells, node, given)
        return cells

    def _place(self, item: str, server: str) -> dict[str, str]:
        found = _ITEM.fullmatch(item.strip())
        modbus = _MODBUS.fullmatch(found["rest"]) if found else None
        if found is None or modbus is None:
            if not re.match(r"(?:ns\w*=[^;]+;)?[isgb]=", item):
                raise Unusable(
                    f"the OPC item path '{item}' is no node id", f"OPC 路径“{item}”不是节点标识"
                )
            name = self._into.device or tidied_path(server or "opcua").replace("/", "-")
            return {"device": name, "address": item}
        device = tidied_path(found["device"]).replace("/", "-")
        return {"device": self._into.device or device, **_register(modbus, self._into.order)}


def _register(found: re.Match[str], order: str | None) -> dict[str, str]:
    unit = f"{found['unit']}!" if found["unit"] else ""
    place = f"{unit}{_AREAS[found['area']]}{int(found['place']):05d}"
    form = found["form"]
    if found["area"] in ("C", "DI") and form is None:
        return {"address": place, "type": "bool", "kind": "step"}
    if found["bit"]:
        return {"address": f"{place}.{int(found['bit'])}", "type": "bool", "kind": "step"}
    if form == "S":
        if not found["length"]:
            raise Unusable("a string tells its length, such as HRS1024:20", "字符串需注明长度")
        return {"address": place, "type": f"string[{int(found['length'])}]", "kind": "step"}
    if form not in _FORMS:
        raise Unusable("numbers in BCD are not read", "不支持 BCD 编码")
    return {"address": place, "type": with_order(_FORMS[form], order or "CDAB")}


def _scaling(cells: dict[str, str], node: Mapping[str, Any], given: Mapping[str, str]) -> None:
    def value(key: str) -> float | None:
        said = bound(node.get(key), given)
        try:
            return None if said in (None, "") else float(str(said))
        except ValueError:
            raise Unusable(f"{key} '{said}' is not a number", f"{key}“{said}”不是数字") from None

    mode = str(node.get("scaleMode", "Off"))
    if mode not in ("Off", "Linear", "None", ""):
        raise Unusable(f"the scaling '{mode}' is not linear", f"换算方式“{mode}”不是线性")
    if mode == "Linear":
        ends = (value("rawLow"), value("rawHigh"), value("scaledLow"), value("scaledHigh"))
        raw_low, raw_high, low, high = (
            default if end is None else end
            for end, default in zip(ends, (0.0, 10.0, 0.0, 10.0), strict=True)
        )
        scale, offset = linear(raw_low, raw_high, low, high)
        if (scale, offset) != (1.0, 0.0):
            cells["scale"], cells["offset"] = repr(scale), plain_number(offset)
    low_end, high_end = value("engLow"), value("engHigh")
    if low_end is not None and high_end is not None and low_end < high_end:
        cells["low"], cells["high"] = plain_number(low_end), plain_number(high_end)


def _line(node: Mapping[str, Any]) -> int:
    return int(node.get(LINE, 0))
