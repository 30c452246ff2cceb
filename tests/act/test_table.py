"""Alarm tables as people save them, and what a wrong row says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianji.act.alarms.alarm import expand
from lianji.act.alarms.definition import AlarmDefinition, AlarmKind, Priority
from lianji.act.alarms.table import read_alarm_table, write_alarm_table
from lianji.base.errors import InputError
from lianji.dictionary.tag import Tag


def rows(text: str, encoding: str = "utf-8") -> list[AlarmDefinition]:
    table = read_alarm_table(text.encode(encoding))
    assert table.rejected == []
    return table.definitions


def reason(line: str, header: str = "tag,kind,limit,priority,state,expression") -> str:
    table = read_alarm_table(f"{header}\n{line}\np/a/t,H,1\n".encode())
    assert len(table.definitions) == 1, "the good row is in use"
    [rejected] = table.rejected
    assert rejected.line == 2
    assert any("\u4e00" <= one <= "\u9fff" for one in rejected.reason.zh)
    return rejected.reason.en


def test_a_table_of_excel_in_chinese() -> None:
    [first, second] = rows(
        "\ufeff标签;类型;限值;死区;优先级;报警文本;处理方法;分组\r\n"
        "p/锅炉/*/温度;高高;90,5;2,5;紧急;{machine} 过热;立即停炉;锅炉房\r\n"
        "p/锅炉/*/温度;数据停滞;60;;仅记录;;;\r\n"
    )
    assert (first.kind, first.limit, first.deadband) == (AlarmKind.HIGH_HIGH, 90.5, 2.5)
    assert (first.priority, first.group) == (Priority.CRITICAL, "锅炉房")
    assert (second.kind, second.priority) == (AlarmKind.STALE, Priority.JOURNAL)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("p/a/t,H", "needs a limit"),
        ("p/a/t,H,ninety", "limit 'ninety' is not a number"),
        ("p/a/t,H,inf", "limit 'inf' is not a finite number"),
        ("p/a/t,hot,90", "kind 'hot' is none of HH, H"),
        ("p//t,H,90", "is not a tag path"),
        (",H,90", "needs a tag"),
        ("p/a/t,H,90,7", "priority '7' is not 1, 2, 3, 4 or journal"),
        ("p/a/t,state,,,", "needs the state"),
        ("p/a/t,H,90,,running", "state is only for alarms of kind state"),
        ("p/a/t,expression,,,,", "needs an expression"),
        ('p/a/t,expression,,,,"a b > 1"', "expression, character"),
        ("p/a/t,stale,0", "1 second to a year"),
        ("p/a/t,rate,0", "a rate of 0"),
        (',expression,,,,"""p/a/t"" > 1"', "without a tag needs a name"),
        ('p/a/t,H,90,"1', "quotation mark"),
    ],
)
def test_a_wrong_row_says_why_and_keeps_no_other_from_working(line: str, said: str) -> None:
    assert said in reason(line)


def test_two_rows_of_one_tag_and_name_are_told_apart_or_refused() -> None:
    table = read_alarm_table(b"name,tag,kind,limit\n,p/t,H,1\n,p/t,H,2\nhot,p/t,H,3\n")
    assert [one.limit for one in table.definitions] == [1, 3]
    assert "line 2 has the same tag and name" in table.rejected[0].reason.en


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"tag,kind,limitt\n", "alarm-table-columns"),
        (b"tag,kind,kind\n", "alarm-table-columns"),
        (b"tag,limit\n", "alarm-table-columns"),
        ("标签,类型\n温度,高".encode("gb18030"), "alarm-table-encoding"),
        (b"PK\x03\x04....", "alarm-table-format"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_as_a_whole(content: bytes, code: str) -> None:
    with pytest.raises(InputError) as refused:
        read_alarm_table(content)
    assert refused.value.code == code


words = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=12)


@settings(deadline=None)
@given(
    st.builds(
        dict,
        kind=st.sampled_from(["HH", "H", "L", "LL"]),
        limit=st.floats(-1e6, 1e6),
        deadband=st.floats(0, 1e3),
        priority=st.sampled_from(Priority),
        message_en=words,
        message_zh=words,
        action_zh=words,
        group=words,
    )
)
def test_what_is_written_reads_as_the_same(
    tmp_path_factory: pytest.TempPathFactory, fields: dict[str, object]
) -> None:
    definition = AlarmDefinition.model_validate({"tag": "p/a/*", **fields})
    path = tmp_path_factory.mktemp("alarms") / "a.csv"
    write_alarm_table([definition], path)
    assert read_alarm_table(path).definitions == [definition]


def test_a_text_that_excel_would_run_is_guarded(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_alarm_table([AlarmDefinition(tag="p/t", kind=AlarmKind.BAD, message_en="=1+1")], path)
    assert b",'=1+1," in path.read_bytes()
    assert read_alarm_table(path).definitions[0].message_en == "=1+1"


# -- from rows to alarms -----------------------------------------------------------------------

PATHS = [f"p/boiler/b{n}/temperature" for n in range(300)]


def test_one_row_serves_300_machines_and_an_exact_row_goes_before_it() -> None:
    definitions = rows(
        "tag,kind,limit,message_en\n"
        "p/boiler/*/temperature,H,90,{machine} is hot\n"
        "p/boiler/b7/temperature,H,120,\n"
    )
    found = expand(definitions, PATHS, {})
    assert len(found.alarms) == 300 and found.without == {}
    seven = next(alarm for alarm in found.alarms if "/b7/" in alarm.tag)
    assert seven.definition.limit == 120
    assert found.alarms[0].message.en == found.alarms[0].message.zh == "b0 is hot"
    assert found.alarms[0].group == "boiler"


def test_a_row_that_means_no_tag_says_so() -> None:
    found = expand(rows("tag,kind,limit\np/x/*,H,1\np/x/y,H,1\n"), PATHS, {})
    assert found.alarms == []
    assert {row: text.en for row, text in found.without.items()} == {
        0: "no tag matches 'p/x/*' (yet)",
        1: "there is no tag 'p/x/y' (yet)",
    }


@pytest.mark.parametrize(
    ("row", "en", "zh"),
    [
        ("H,90,", "melt temperature: high (above 90 °C)", "熔体温度：偏高（高于 90 °C）"),
        ("LL,5,", "melt temperature: much too low (below 5 °C)",
         "熔体温度：过低（低于 5 °C，低低限）"),
        ("rate,-2,", "melt temperature: falls too fast (over 2 °C a minute)",
         "熔体温度：下降过快（每分钟超过 2 °C）"),
        ("stale,60,", "melt temperature: no new value for 60 s", "熔体温度：60 秒没有新值"),
        ("bad,,", "melt temperature: bad quality", "熔体温度：数据质量差"),
    ],
)  # fmt: skip
def test_without_words_of_its_own_an_alarm_says_what_the_tag_is(row: str, en: str, zh: str) -> None:
    tag = Tag(
        path="p/a/t", unit="Cel", description_en="melt temperature", description_zh="熔体温度"
    )
    [alarm] = expand(rows(f"tag,kind,limit,name\np/a/t,{row}\n"), ["p/a/t"], {"p/a/t": tag}).alarms
    assert (alarm.message.en, alarm.message.zh) == (en, zh)
