"""Tags as Ignition exports them: folders, UDTs, item paths."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lianji.base.errors import InputError
from lianji.connect.drivers.modbus.address import parse_point
from lianji.connect.foreign.incoming import Incoming, Into, incoming

INTO = Into(below="shop", file="tags.json")


def read(*tags: dict[str, Any], into: Into = INTO) -> Incoming:
    export = {"name": "", "tagType": "Provider", "tags": list(tags)}
    return incoming(json.dumps(export, indent=2).encode(), into)


def opc(name: str, path: Any, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "tagType": "AtomicTag",
        "valueSource": "opc",
        "dataType": "Float4",
        "opcServer": "Ignition OPC UA Server",
        "opcItemPath": path,
        **more,
    }


def folder(name: str, *tags: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "tagType": "Folder", "tags": list(tags)}


def test_folders_are_levels_and_scaling_comes_along() -> None:
    tag = opc(
        "temp", "ns=1;s=[Press 7]HR17", engUnit="°C", documentation="melt", scaleMode="Linear",
        rawLow=0, rawHigh=100, scaledLow=0, scaledHigh=50, engLow=0.0, engHigh=400.0,
    )  # fmt: skip
    found = read(folder("hall", folder("line", tag)))
    assert (found.format, found.encoding) == ("ignition", "json")
    [made] = found.imported.tags
    assert made.path == "shop/hall/line/temp"
    assert (made.device, made.address, made.type) == ("Press 7", "400017", "int16")
    assert (made.unit, made.scale, made.low, made.high) == ("Cel", 0.5, 0, 400)
    assert made.description_en == "melt"


def test_modbus_designators_become_our_addresses() -> None:
    rows = [
        ("[D]HR1", "400001", "int16"),
        ("[D]HRUS1024", "401024", "uint16"),
        ("[D]HRF1024", "401024", "float32@CDAB"),
        ("[D]HRI3", "400003", "int32@CDAB"),
        ("[D]HRUI_643", "400003", "uint64@CDAB"),
        ("[D]IRD9", "300009", "float64@CDAB"),
        ("[D]2.HR1", "2!400001", "int16"),
        ("[D]HR1.4", "400001.4", "bool"),
        ("[D]C5", "000005", "bool"),
        ("[D]DI6", "100006", "bool"),
        ("[D]HRS10:20", "400010", "string[20]"),
    ]
    for path, address, kind in rows:
        found = read(opc("a", path))
        assert found.imported.rejected == [], path
        [tag] = found.imported.tags
        assert (tag.address, tag.type, tag.device) == (address, kind, "D"), path
        parse_point(tag.address, tag.type)


def test_every_other_item_path_stays_a_node_of_its_server() -> None:
    found = read(
        opc("a", "ns=1;s=[PLC]DB1.Speed"), opc("b", "nsu=urn:kep;s=Ch.Dev.Tag", opcServer="Kep")
    )
    assert [(tag.device, tag.address) for tag in found.imported.tags] == [
        ("Ignition OPC UA Server", "ns=1;s=[PLC]DB1.Speed"),
        ("Kep", "nsu=urn:kep;s=Ch.Dev.Tag"),
    ]


MOTOR = {
    "name": "Motor",
    "tagType": "UdtType",
    "parameters": {
        "Device": {"dataType": "String", "value": "none"},
        "Base": {"dataType": "Integer", "value": 100},
    },
    "tags": [
        opc("speed", {"bindType": "parameter", "binding": "[{Device}]HRF{Base}"}),
        opc("current", {"bindType": "parameter", "binding": "[{Device}]HRF{Base+2}"}),
    ],
}


def test_an_instance_puts_its_parameters_into_its_type() -> None:
    instance = {
        "name": "m1",
        "tagType": "UdtInstance",
        "typeId": "drives/Motor",
        "parameters": {"Device": {"dataType": "String", "value": "plc1"}, "Base": 7.0},
        "tags": [{"name": "current", "tagType": "AtomicTag", "engUnit": "A"}],
    }
    found = read(folder("_types_", folder("drives", MOTOR)), folder("hall", instance))
    assert found.imported.rejected == []
    assert [(tag.path, tag.device, tag.address, tag.unit) for tag in found.imported.tags] == [
        ("shop/hall/m1/speed", "plc1", "400007", ""),
        ("shop/hall/m1/current", "plc1", "400009", "A"),
    ]


def test_a_type_within_a_type_and_a_type_made_from_another() -> None:
    pump = {
        "name": "Pump",
        "tagType": "UdtType",
        "parameters": {"Plc": {"value": "p"}},
        "tags": [
            {
                "name": "drive",
                "tagType": "UdtInstance",
                "typeId": "Motor",
                "parameters": {"Device": {"bindType": "parameter", "binding": "{Plc}"}},
            }
        ],
    }
    special = {"name": "Special", "tagType": "UdtType", "typeId": "Pump",
               "tags": [opc("flow", "[x]HR1")]}  # fmt: skip
    one = {"name": "p9", "tagType": "UdtInstance", "typeId": "Special",
           "parameters": {"Plc": {"value": "plc9"}}}  # fmt: skip
    found = read(folder("_types_", MOTOR, pump, special), one)
    assert found.imported.rejected == []
    assert {(tag.path, tag.device) for tag in found.imported.tags} == {
        ("shop/p9/drive/speed", "plc9"),
        ("shop/p9/drive/current", "plc9"),
        ("shop/p9/flow", "x"),
    }


def test_what_cannot_be_taken_says_why_with_its_line() -> None:
    tags = [
        opc("ok", "[d]HR1"),
        {"name": "sum", "tagType": "AtomicTag", "valueSource": "expr", "expression": "1"},
        opc("off", "[d]HR1", enabled=False),
        opc("bcd", "[d]HRBCD1"),
        opc("bad", "HR1"),
        {"name": "m", "tagType": "UdtInstance", "typeId": "Nowhere"},
    ]
    found = read(*tags)
    lines = json.dumps({"name": "", "tagType": "Provider", "tags": tags}, indent=2).split("\n")

    def line_of(name: str) -> int:
        return lines.index(f'      "name": "{name}",') + 1

    assert [tag.path for tag in found.imported.tags] == ["shop/ok"]
    assert [row.line for row in found.imported.rejected] == [
        line_of(name) - 1 for name in ("sum", "off", "bcd", "bad", "m")
    ]
    said = [row.reason.en for row in found.imported.rejected]
    for words, text in zip(("expr", "disabled", "BCD", "no node id", "_types_"), said, strict=True):
        assert words in text


@pytest.mark.parametrize("content", [b"{", b'{"a": 1}', b"[1, 2]", b'{"tags": [' * 60_000])
def test_json_that_is_no_export_is_refused(content: bytes) -> None:
    with pytest.raises(InputError) as caught:
        incoming(content, INTO)
    assert caught.value.code == "tag-table-format"


def test_our_own_table_is_ours() -> None:
    found = incoming(b"path,unit\na/b,kW\n", INTO)
    assert (found.format, [tag.path for tag in found.imported.tags]) == ("lianji", ["a/b"])


def test_types_that_hold_themselves_do_not_grow_without_end() -> None:
    inner = [{"name": f"i{n}", "tagType": "UdtInstance", "typeId": "Loop"} for n in range(3)]
    loop = {"name": "Loop", "tagType": "UdtType", "tags": [opc("a", "[d]HR1"), *inner]}
    with pytest.raises(InputError) as caught:
        read(folder("_types_", loop), {"name": "x", "tagType": "UdtInstance", "typeId": "Loop"})
    assert caught.value.code == "tag-table-size"
