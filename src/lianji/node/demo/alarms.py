"""The demo plant's alarms: what a maintenance man of such a plant would want to be told."""

from __future__ import annotations

from typing import Any

from lianji.act.alarms.definition import AlarmDefinition

_MACHINES = "demo/moulding/line-1/*"
_ROWS: tuple[dict[str, Any], ...] = (
    {
        "name": "machine in alarm", "tag": f"{_MACHINES}/state", "kind": "state",
        "state": "报警 alarm", "on_delay_s": 5, "priority": 2, "group": "moulding",
        "message_en": "{machine} has stopped with an alarm",
        "message_zh": "{machine} 报警停机",
        "action_en": "Look at the machine's own panel; clear the fault and restart the cycle.",
        "action_zh": "查看机台面板，排除故障后重新启动循环。",
    },
    {
        "name": "no data", "tag": f"{_MACHINES}/power", "kind": "stale", "limit": 120,
        "priority": 3, "group": "moulding",
        "message_en": "{machine} has said nothing for two minutes",
        "message_zh": "{machine} 两分钟没有数据",
        "action_en": "See on the status page what its device says.",
        "action_zh": "在状态页查看该设备的提示。",
    },
    {
        "name": "cold barrel", "tag": f"{_MACHINES}/barrel_1_temperature", "kind": "L",
        "limit": 160, "deadband": 5, "on_delay_s": 120, "priority": 3, "group": "moulding",
        "suppress_when": '"./state" <= 1',
        "message_en": "{machine}: the barrel is too cold to mould",
        "message_zh": "{machine}：料筒温度过低",
        "action_en": "Check heater bands and thermocouple of zone 1.",
        "action_zh": "检查1区加热圈和热电偶。",
    },
    {
        "tag": "demo/utilities/air/compressor-1/pressure", "kind": "L", "limit": 6.2,
        "deadband": 0.2, "on_delay_s": 10, "priority": 1, "group": "compressed air",
        "message_en": "Compressed air is low: machines will stop below 5.5 bar",
        "message_zh": "压缩空气压力低：低于 5.5 bar 机台将停机",
        "action_en": "Start the second compressor; look for a blown hose.",
        "action_zh": "启动备用空压机；检查管路泄漏。",
    },
    {
        "tag": "demo/utilities/air/*/oil_temperature", "kind": "H", "limit": 95, "deadband": 3,
        "on_delay_s": 30, "priority": 2, "group": "compressed air",
        "action_en": "Clean the cooler; check the oil level.",
        "action_zh": "清洁冷却器，检查油位。",
    },
    {
        "tag": "demo/utilities/cooling/chiller/supply_temperature", "kind": "H", "limit": 16,
        "deadband": 1, "on_delay_s": 60, "priority": 2, "group": "cooling",
        "action_en": "See whether the chiller runs and its condenser is clean.",
        "action_zh": "检查冷水机是否运行、冷凝器是否脏堵。",
    },
    {
        "name": "dropped out", "tag": "demo/energy/feeders/meter-utilities/active_power",
        "kind": "bad", "on_delay_s": 3, "priority": 4, "group": "energy",
        "message_en": "The meter of the utilities feeder does not answer",
        "message_zh": "公用馈线电表无应答",
        "action_en": "It comes back by itself; if not, check the bus wiring of unit 13.",
        "action_zh": "通常会自行恢复；否则检查13号站的总线接线。",
    },
    {
        "tag": "demo/energy/mains/meter-main/active_power", "kind": "H", "limit": 320,
        "deadband": 10, "on_delay_s": 60, "priority": 3, "group": "energy",
        "message_en": "The plant draws more than the contracted demand",
        "message_zh": "用电功率超过合同需量",
        "action_en": "Do not start another dryer or compressor now.",
        "action_zh": "暂勿启动其他干燥机或空压机。",
    },
    {
        "name": "power factor", "kind": "expression", "priority": 4, "group": "energy",
        "expression": '"demo/energy/feeders/meter-moulding/power_factor" < 0.9 and '
        '"demo/energy/feeders/meter-moulding/active_power" > 20',
        "on_delay_s": 20,
        "message_en": "The moulding feeder's power factor is below 0.9 under load: it costs extra",
        "message_zh": "注塑馈线带载功率因数低于 0.9，将产生力调电费",
        "action_en": "Check the capacitor bank.",
        "action_zh": "检查电容补偿柜。",
    },
    {
        "name": "mould change", "tag": f"{_MACHINES}/state", "kind": "state",
        "state": "换模 mould change", "priority": "journal", "group": "moulding",
        "message_en": "{machine}: mould change", "message_zh": "{machine}：换模",
    },
)  # fmt: skip

ALARMS = [AlarmDefinition.model_validate(row) for row in _ROWS]
