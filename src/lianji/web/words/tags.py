"""The words of the page of tags, and what each column of a tag table means."""

from __future__ import annotations

from lianji.base.errors import Text

COLUMN_NOTES: dict[str, Text] = {
    "path": Text(
        "Required. Its name: parts joined by '/', the site's first, at most 256 characters.",
        "必填。标签路径：各段用“/”连接，第一段为站点，最长 256 个字符。",
    ),
    "device": Text(
        "The device that it is read from (devices/<name>.toml); empty: pushed or imported.",
        "从哪台设备读取（devices/<名称>.toml）；留空表示推送或导入。",
    ),
    "address": Text(
        "Where the device has it: 40001 or 5!40001.3 (Modbus), ns=2;s=Name (OPC UA), a topic.",
        "在设备中的位置：40001 或 5!40001.3（Modbus）、ns=2;s=Name（OPC UA）、MQTT 主题。",
    ),
    "type": Text(
        "What the bytes mean: int16, uint32, float32@CDAB, string[16], bool.",
        "字节的含义：int16、uint32、float32@CDAB、string[16]、bool。",
    ),
    "unit": Text(
        "A UCUM code such as kW, Cel, bar, m3/h; empty: dimensionless.",
        "UCUM 单位代码，例如 kW、Cel、bar、m3/h；留空表示无量纲。",
    ),
    "kind": Text(
        "linear moves in a slope between samples, step holds its value, as a state does.",
        "linear（线性）表示样本之间连续变化；step（阶跃）表示保持原值，如状态。",
    ),
    "low": Text("The lower end of the range, for people.", "量程下限，仅供参考。"),
    "high": Text("The upper end of the range.", "量程上限。"),
    "scale": Text("The value is raw x scale + offset.", "数值 = 原始值 × 比例 + 偏移。"),
    "offset": Text("See scale.", "见 scale（比例）。"),
    "interval_ms": Text(
        "How often it is read, in milliseconds; empty: as the device says.",
        "采集周期（毫秒）；留空表示按设备设置。",
    ),
    "deadband": Text(
        "Changes up to this are not kept; in the tag's own unit.", "死区：不超过此值的变化不记录。"
    ),
    "description_en": Text("What it is, in English.", "英文描述。"),
    "description_zh": Text("What it is, in Chinese.", "中文描述。"),
    "enumeration": Text(
        "What the numbers of a state mean: 0=stopped;1=running.",
        "状态数值的含义：0=停机;1=运行。",
    ),
    "expression": Text(
        "How a calculated tag is worked out: 'a/b/power' + 'a/c/power'; no device then.",
        "计算标签的表达式：'a/b/power' + 'a/c/power'；此时不填设备。",
    ),
}
