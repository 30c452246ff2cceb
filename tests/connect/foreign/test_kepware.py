"""A device's tags as Kepware writes them."""

from __future__ import annotations

import math

from lianji.connect.drivers.modbus.address import parse_point
from lianji.connect.foreign.incoming import Incoming, Into, incoming

HEAD = (
    "Tag Name,Address,Data Type,Respect Data Type,Client Access,Scan Rate,Scaling,Raw Low,"
    "Raw High,Scaled Low,Scaled High,Scaled Data Type,Clamp Low,Clamp High,Eng Units,Description,"
    "Negate Value\n"
)
INTO = Into(below="shop/hall1", file="press 7.csv")


def read(*rows: str, into: Into = INTO) -> Incoming:
    return incoming((HEAD + "\n".join(rows) + "\n").encode(), into)


def one(row: str) -> object:
    found = read(row)
    assert found.imported.rejected == []
    return found.imported.tags[0]


def reason(row: str) -> str:
    [rejected] = read(row).imported.rejected
    assert rejected.line == 2 and rejected.reason.zh
    return rejected.reason.en


def test_a_whole_row_comes_in_as_it_is() -> None:
    found = read(
        '"Oil.Temp","40001",Short,1,R/W,500,Linear,0,4095,-50,150,Float,1,1,"°C","Oil, hot",0'
    )
    assert (found.format, found.encoding) == ("kepware", "utf-8")
    [tag] = found.imported.tags
    assert tag.path == "shop/hall1/press 7/Oil/Temp"
    assert (tag.device, tag.address, tag.type, tag.unit) == ("press 7", "400001", "int16", "Cel")
    assert (tag.low, tag.high, tag.interval_ms) == (-50, 150, 500)
    assert tag.description_en == "Oil, hot"
    assert math.isclose(4095 * tag.scale + tag.offset, 150)
    assert math.isclose(0 * tag.scale + tag.offset, -50)


def test_addresses_of_every_length_are_the_same_register() -> None:
    for address in ("41", "401", "4001", "40001", "400001", "H400001"):
        [tag] = read(f'a,"{address}",Word,1,RO,100,,,,,,,,,"","",').imported.tags
        assert parse_point(tag.address, tag.type).start == 0, address
    [tag] = read('a,"H4000A",Word,1,RO,100,,,,,,,,,"","",').imported.tags
    assert parse_point(tag.address, tag.type).start == 9


def test_types_bits_and_strings_become_ours() -> None:
    rows = [
        ("40010", "Float", "400010", "float32@CDAB"),
        ("40010", "Double", "400010", "float64@CDAB"),
        ("30010", "DWord", "300010", "uint32@CDAB"),
        ("30010", "Long", "300010", "int32@CDAB"),
        ("30010", "Word", "300010", "uint16"),
        ("40010.3", "Boolean", "400010.3", "bool"),
        ("000005", "Boolean", "000005", "bool"),
        ("10005", "Default", "100005", "bool"),
        ("400010.20H", "String", "400010", "string[20]"),
        ("400010.20L", "String", "400010", "string[20]@BA"),
    ]
    for address, kind, ours, our_type in rows:
        [tag] = read(f'a,"{address}",{kind},1,RO,100,,,,,,,,,"","",').imported.tags
        assert (tag.address, tag.type) == (ours, our_type)


def test_the_byte_order_is_that_of_the_device_where_somebody_knows_it() -> None:
    row = 'a,"40010",Float,1,RO,100,,,,,,,,,"","",'
    [tag] = read(row, into=Into(order="ABCD", device="p")).imported.tags
    assert (tag.type, tag.path) == ("float32", "p/a")


def test_a_negated_scaling_turns_its_sign() -> None:
    [tag] = read('a,"40001",Short,1,RO,100,Linear,0,100,0,50,Float,0,0,"","",1').imported.tags
    assert (100 * tag.scale + tag.offset, tag.low, tag.high) == (-50, -50, 0)


def test_the_default_scan_rate_says_nothing() -> None:
    [tag] = read('a,"40001",Short,1,RO,100,,,,,,,,,"rpm","转速",').imported.tags
    assert (tag.interval_ms, tag.unit, tag.description_zh) == (0, "/min", "转速")


def test_an_opc_ua_node_stays_what_it_is() -> None:
    [tag] = read('a,"ns=2;s=Line.Temp",Float,1,RO,100,,,,,,,,,"","",').imported.tags
    assert (tag.address, tag.type) == ("ns=2;s=Line.Temp", "")


def test_what_cannot_be_taken_says_why() -> None:
    assert "no Modbus address" in reason('a,"DB1,REAL0",Float,1,RO,100,,,,,,,,,"","",')
    assert "array" in reason('a,"40001 [10]",Word,1,RO,100,,,,,,,,,"","",')
    assert "only be written" in reason('a,"40001",Word,1,WO,100,,,,,,,,,"","",')
    assert "'BCD' is not known" in reason('a,"40001",BCD,1,RO,100,,,,,,,,,"","",')
    assert "not linear" in reason('a,"40001",Word,1,RO,100,Square Root,0,1,0,1,,,,"","",')
    assert "empty range" in reason('a,"40001",Word,1,RO,100,Linear,5,5,0,1,,,,"","",')
    assert "lacks a number" in reason('a,"40001",Word,1,RO,100,Linear,5,,0,1,,,,"","",')
    assert "Raw Low" in reason('a,"40001",Word,1,RO,100,Linear,x,5,0,1,,,,"","",').title()
    assert "no name" in reason('"","40001",Word,1,RO,100,,,,,,,,,"","",')
    assert "last register" in reason('a,"465536",DWord,1,RO,100,,,,,,,,,"","",')
    assert "outside" in reason('a,"400000",Word,1,RO,100,,,,,,,,,"","",')


def test_good_rows_land_beside_bad_ones_and_a_path_comes_once() -> None:
    found = read(
        'a,"40001",Word,1,RO,100,,,,,,,,,"","",',
        'b,"?",Word,1,RO,100,,,,,,,,,"","",',
        'a,"40002",Word,1,RO,100,,,,,,,,,"","",',
    )
    assert [tag.address for tag in found.imported.tags] == ["400001"]
    assert [row.line for row in found.imported.rejected] == [3, 4]
    assert "already in line 2" in found.imported.rejected[1].reason.en


def test_a_semicolon_table_of_a_german_or_chinese_windows_is_read() -> None:
    text = HEAD.replace(",", ";") + '"a";"40001";Word;1;RO;100;;;;;;;;;"kW";"功率";\n'
    found = incoming(text.encode("gbk"), INTO)
    assert (found.format, found.encoding) == ("kepware", "gb18030")
    assert found.imported.tags[0].description_zh == "功率"
