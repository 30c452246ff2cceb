"""The form of one alarm: made of its model, as a machine's is of its driver's."""

from __future__ import annotations

from lianji.act.alarms.definition import AlarmDefinition
from lianji.base.errors import Text
from lianji.connect.forms import Field, fields_of

FIRST = ("tag", "kind", "limit", "state", "expression", "priority", "message_en", "message_zh")
"""Most alarms need these."""
WORDS: dict[str, tuple[Text, Text]] = {
    "name": (
        Text("Name", "名称"),
        Text(
            "The journal keeps it. Empty: the kind. A tag and a name are one alarm.",
            "写入报警日志；为空时用类型代替。标签加名称唯一确定一个报警。",
        ),
    ),
    "tag": (
        Text("Tag", "标签"),
        Text(
            "A path, or a pattern such as plant/*/temperature: an alarm for each that matches.",
            "标签路径，或通配，如 plant/*/temperature：每个匹配的标签一个报警。",
        ),
    ),
    "kind": (
        Text("Kind", "类型"),
        Text(
            "HH, H, L, LL: limits. rate: of change. stale: no new value. bad: quality. state: "
            "equals. expression: is true.",
            "HH、H、L、LL 为限值；rate 变化率；stale 无新值；bad 质量差；state 等于某状态；"
            "expression 表达式成立。",
        ),
    ),
    "limit": (
        Text("Limit", "限值"),
        Text(
            "In the tag's unit; of a rate in its unit a minute; of stale in seconds.",
            "单位同标签；变化率为每分钟的变化；stale 以秒计。",
        ),
    ),
    "state": (
        Text("State", "状态值"),
        Text(
            "Only for the kind state: the number, text or meaning that is an alarm.",
            "仅用于 state 类型：视为报警的数值、文本或含义。",
        ),
    ),
    "expression": (
        Text("Expression", "表达式"),
        Text(
            'Only for the kind expression, such as "plant/a/flow" < 2; "./flow" is beside the tag.',
            '仅用于 expression 类型，如 "plant/a/flow" < 2；"./flow" 为同级信号。',
        ),
    ),
    "window_s": (
        Text("Window, s", "时间窗（秒）"),
        Text("Of a rate: over how long it is measured.", "变化率的计算时长。"),
    ),
    "deadband": (
        Text("Deadband", "死区"),
        Text(
            "How far the value must come back behind the limit before the alarm ends.",
            "数值回到限值以内多少后报警才结束。",
        ),
    ),
    "on_delay_s": (
        Text("Delay, s", "报警延时（秒）"),
        Text("So long it must be true without a break.", "条件须连续成立这么久才报警。"),
    ),
    "off_delay_s": (
        Text("Delay of its end, s", "恢复延时（秒）"),
        Text("So long it must be untrue without a break.", "条件须连续不成立这么久才恢复。"),
    ),
    "priority": (
        Text("Priority", "优先级"),
        Text(
            "1 critical, 2 high, 3 medium, 4 low, 5 only written down.",
            "1 紧急、2 高、3 中、4 低、5 仅记录。",
        ),
    ),
    "group": (
        Text("Group", "分组"),
        Text(
            "A flood of one group becomes one line. Empty: the area of the path.",
            "同组报警泛滥时合并为一行；为空时取路径中的区域。",
        ),
    ),
    "message_en": (
        Text("Message, English", "报警文本（英文）"),
        Text("Empty: made of the tag's description and the limit.", "为空时由标签描述和限值生成。"),
    ),
    "message_zh": (
        Text("Message, Chinese", "报警文本（中文）"),
        Text("The same in Chinese.", "中文报警文本。"),
    ),
    "action_en": (
        Text("What to do, English", "处理方法（英文）"),
        Text("Shown with the alarm.", "随报警显示。"),
    ),
    "action_zh": (
        Text("What to do, Chinese", "处理方法（中文）"),
        Text("The same in Chinese.", "中文处理方法。"),
    ),
    "suppress_when": (
        Text("Suppressed while", "抑制条件"),
        Text(
            'An expression, such as "./state" == 0 for a machine that is off.',
            '表达式，如 "./state" == 0 表示停机时抑制。',
        ),
    ),
}


def form_fields() -> list[Field]:
    return fields_of(AlarmDefinition, WORDS, FIRST)
