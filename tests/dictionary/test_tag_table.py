"""Tag tables: what Excel writes is read, a bad row costs itself alone, nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianji.base.errors import InputError
from lianji.dictionary.tag import Kind, Tag
from lianji.dictionary.tag_table import Imported, read_table, write_table

FULL = Tag(
    path="site/hall/press1/temperature",
    device="press1",
    address="hr40001",
    type="float32",
    unit="Cel",
    kind=Kind.STEP,
    low=-40.0,
    high=250.5,
    scale=0.1,
    offset=-3.0,
    interval_ms=500,
    deadband=0.05,
    description_en="oil, hot; \"main\" 'tank'\nsecond line",
    description_zh="油温；主油箱",
    enumeration={-1: "unknown", 0: "stopped; cold", 1: "run=ning\\"},
)


def read(text: str, encoding: str = "utf-8") -> Imported:
    return read_table(text.encode(encoding))


def refusal(content: bytes | str) -> InputError:
    with pytest.raises(InputError) as caught:
        read_table(content.encode() if isinstance(content, str) else content)
    assert caught.value.cause.en
    assert caught.value.cause.zh
    return caught.value


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    tags = [FULL, Tag(path="a/b"), Tag(path="厂/线", description_en="=1+1", address="-5")]
    write_table(tags, tmp_path / "tags.csv")
    assert read_table(tmp_path / "tags.csv") == Imported(tags, [])


def test_the_file_is_one_that_excel_opens(tmp_path: Path) -> None:
    write_table([Tag(path="a/b", description_zh="温度")], tmp_path / "tags.csv")
    content = (tmp_path / "tags.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbfpath,device,")
    assert content.count(b"\r\n") == content.count(b"\n") == 2


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd|'/c calc'!A0", "'=cmd"),
        ("+ plus", "'+ plus"),
        ("-lead", "'-lead"),
        ("@SUM(A1)", "'@SUM"),
        ("'=quoted", "''=quoted"),
        ("''", ",'',"),
        ("'tis", ",'tis"),
        ("-5", ",-5,"),
        ("+1.5e3", ",+1.5e3,"),
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_is_guarded_and_read_back(
    tmp_path: Path, text: str, cell: str
) -> None:
    tag = Tag(path="a/b", address=text, description_en=text)
    write_table([tag], tmp_path / "tags.csv")
    assert cell in (tmp_path / "tags.csv").read_text(encoding="utf-8")
    assert read_table(tmp_path / "tags.csv").tags == [tag]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_usual_delimiter_encoding_and_line_end_is_read(
    delimiter: str, encoding: str, end: str
) -> None:
    rows = [["unit", "path", "低"], ["Cel", "厂/线", "1"], ["kW", "a/b", "2.5"]]
    rows[0][2] = "下限"
    content = end.join(delimiter.join(row) for row in rows).encode(encoding)
    assert read_table(content).tags == [
        Tag(path="厂/线", unit="Cel", low=1.0),
        Tag(path="a/b", unit="kW", low=2.5),
    ]


def test_chinese_headers_and_kinds_are_understood() -> None:
    found = read("路径,设备,地址,单位,方式,描述,枚举\n厂/泵,plc1,40001,kW,阶跃,泵,0=停;1=开\n")
    assert found.tags == [
        Tag(
            path="厂/泵",
            device="plc1",
            address="40001",
            unit="kW",
            kind=Kind.STEP,
            description_zh="泵",
            enumeration={0: "停", 1: "开"},
        )
    ]


def test_the_first_line_of_excel_may_name_the_delimiter() -> None:
    assert read("sep=;\npath;deadband\na/b;0,5\n").tags == [Tag(path="a/b", deadband=0.5)]


def test_a_comma_in_a_semicolon_header_does_not_mislead() -> None:
    found = read('path;unit;"description"\na/b;bar;pressure, abs, main\n')
    assert found.tags[0].description_en == "pressure, abs, main"


def test_a_gbk_file_is_refused_and_named() -> None:
    error = refusal("路径,单位\n厂/线,kW\n".encode("gbk"))
    assert error.code == "tag-table-encoding"
    assert "GBK" in error.cause.en
    assert "GBK" in error.cause.zh
    assert "CSV UTF-8" in error.remedy.zh


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("path,unit\na,b\n".encode("utf-16"), "tag-table-encoding"),
        (b"path\n\xff\xff\xff\n", "tag-table-encoding"),
        (b"PK\x03\x04rest of a workbook", "tag-table-format"),
        (b"", "tag-table-columns"),
        (b"\n\n", "tag-table-columns"),
        ("unit,device\nkW,plc\n", "tag-table-columns"),
        ("path,unitt\na/b,kW\n", "tag-table-columns"),
        ("path,unit,单位\na/b,kW,kW\n", "tag-table-columns"),
        ('"path\na,b\n', "tag-table-columns"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_whole(content: bytes, code: str) -> None:
    assert refusal(content).code == code


def test_an_unknown_column_is_answered_with_the_nearest() -> None:
    error = refusal("path,adress,colour\na/b,1,red\n")
    assert "adress (did you mean address?)" in error.cause.en
    assert "colour" in error.cause.en


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_table(tmp_path / "none.csv")
    assert caught.value.code == "tag-table-missing"


@pytest.mark.parametrize(
    ("row", "en", "zh"),
    [
        ("a/b,kwh,,,,", "write 'kW.h'", "请写作“kW.h”"),
        ("a/b,,x,,,", "low 'x' is not a number", "low “x”不是数字"),
        ("a/b,,5,1,,", "the range is empty", "量程为空"),
        ("a/b,,,,1.5,", "interval_ms '1.5' is not a whole number", "不是整数"),
        ("a/b,,,,-1,", "interval_ms '-1' is below 0", "小于 0"),
        ("a/b,,,,99999999999,", "is above 86400000", "大于 86400000"),
        ("a/b,,,,,wobbly", "neither step nor linear", "既不是 step"),
        ("/a,,,,,", "is not a tag path", "不是有效的标签路径"),
        (",kW,,,,", "path is empty", "为空"),
        ("a/b,kwh,x,,,", "kW.h'; low 'x'", "；low"),
        ("a/b,,,,,,extra", "a column without a name", "没有列名"),
        ('a"b,,,,,', "is not valid CSV|is not a tag path|closed", ""),
    ],
)
def test_a_bad_row_is_rejected_with_its_line_and_reason(row: str, en: str, zh: str) -> None:
    header = "path,unit,low,high,interval_ms,kind"
    found = read(f"{header}\ngood/1,kW,,,,\n\n{row}\ngood/2,,,,,\n")
    assert [tag.path for tag in found.tags] == ["good/1", "good/2"]
    assert [rejected.line for rejected in found.rejected] == [4]
    assert any(part in found.rejected[0].reason.en for part in en.split("|"))
    assert zh in found.rejected[0].reason.zh
    assert found.rejected[0].path == row.split(",")[0] or '"' in row


def test_the_second_of_two_equal_paths_is_rejected_and_names_the_first() -> None:
    found = read("path,unit\na/b,kW\na/c,kW\na/b,MW\n")
    assert found.tags == [Tag(path="a/b", unit="kW"), Tag(path="a/c", unit="kW")]
    assert [(row.line, row.path) for row in found.rejected] == [(4, "a/b")]
    assert "line 2" in found.rejected[0].reason.en
    assert "第 2 行" in found.rejected[0].reason.zh


def test_a_stray_quote_costs_its_own_line_only() -> None:
    found = read('path,description_en\na/1,ok\na/2,"open\na/3,ok\na/4,"two\nlines"\na/5,ok\n')
    assert [tag.path for tag in found.tags] == ["a/1", "a/3", "a/4", "a/5"]
    assert found.tags[2].description_en == "two\nlines"
    assert [row.line for row in found.rejected] == [3]


@pytest.mark.parametrize("cell", ["0", "0=a;0=b", "x=1", "=a"])
def test_a_wrong_enumeration_is_rejected(cell: str) -> None:
    found = read(f"path,enumeration\na/b,{cell}\n")
    assert found.tags == []
    assert "enumeration" in found.rejected[0].reason.en


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e999"])
@pytest.mark.parametrize("column", ["low", "high", "scale", "offset", "deadband"])
def test_a_number_that_is_not_finite_is_rejected(column: str, number: str) -> None:
    found = read(f"path,{column}\na/b,{number}\n")
    assert found.tags == []
    assert len(found.rejected) == 1


@pytest.mark.parametrize(
    "expression",
    [
        "'a/b' + 'a/c'",
        '"a/b" / 2',
        "-'a/b'",
        "+'a/b'",
        "'-a/b' * 2",
        "'=a' + '@b'",
        "'厂/线,1;2' if isgood('厂/线') else 0",
    ],
)
def test_an_expression_is_written_guarded_and_read_back(tmp_path: Path, expression: str) -> None:
    tags = [Tag(path="a/sum", expression=expression), Tag(path="a/b")]
    write_table(tags, tmp_path / "tags.csv")
    assert read_table(tmp_path / "tags.csv") == Imported(tags, [])


@pytest.mark.parametrize(
    ("cells", "en", "zh"),
    [
        (",,,os.system('x')", "character 1: there is no 'os'", "第 1 个字符：表达式中没有“os”"),
        (",,,a/b' + 'a/c'", "write double quotes", "双引号"),
        (",,,1 + 1", "names no tag", "没有引用任何标签"),
        ("plc,,,'a/b'", "read from no device", "不从设备读取"),
        (",40001,,'a/b'", "read from no device", "不从设备读取"),
        (",,2,'a/b'", "into the expression", "写入表达式"),
    ],
)
def test_a_wrong_expression_costs_its_row(cells: str, en: str, zh: str) -> None:
    found = read(f"path,device,address,scale,公式\na/sum,{cells}\na/ok,,,,'a/b'\n")
    assert [tag.expression for tag in found.tags] == ["'a/b'"]
    [rejected] = found.rejected
    assert (rejected.line, rejected.path) == (2, "a/sum")
    assert en in rejected.reason.en and zh in rejected.reason.zh


def test_a_table_knows_the_line_of_each_good_row() -> None:
    found = read('path,description_en\na/1,"two\nlines"\na//2,\n\na/3,\n')
    assert found.lines == {"a/1": 2, "a/3": 6}
