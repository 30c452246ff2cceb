"""The demo plant's folder: what a person would have written to read these machines.

Nothing here is special to the demo; it is the configuration of a real plant, to be read, copied
and edited. Written again, the folder keeps what was edited and learns only where the machines
listen now.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomlkit

from lianji.act.alarms.table import alarm_table_bytes, write_alarm_table
from lianji.base.durable import make_folder, write_atomically
from lianji.dictionary.tag_table import table_bytes, write_table
from lianji.node.demo.alarms import ALARMS
from lianji.node.demo.loopback import HOST
from lianji.node.demo.process import Ports
from lianji.node.demo.signals import MODBUS_UNITS, SIGNALS, SITE

_SITE = {
    "name": SITE,
    "title_en": "Demo plant: injection moulding",
    "title_zh": "演示工厂：注塑车间",
    "time_zone": "Asia/Shanghai",
}
_DESCRIPTIONS = {
    "compressors": "Two screw compressors on one header (units 1 and 2) / 两台螺杆空压机",
    "chiller": "Chiller / 冷水机",
    "dryer": "Material dryer / 原料干燥机",
    "meter-main": "Power meter, mains / 总进线电表",
    "meter-moulding": "Power meter, moulding feeder / 注塑馈线电表",
    "meter-utilities": "Power meter, utilities feeder; it drops out now and then / "
    "公用馈线电表（偶尔掉线）",
    "moulding": "Injection-moulding machines 1 to 3 / 1至3号注塑机",
    "sensors": "Moulding machine 4 and the climate sensors / 4号注塑机与环境传感器",
}


def device_settings(ports: Ports) -> dict[str, dict[str, Any]]:
    """What each ``devices/<name>.toml`` says, by name."""
    devices: dict[str, dict[str, Any]] = {
        unit.device: {
            "protocol": "modbus",
            "host": HOST,
            "port": ports.modbus,
            "unit_id": unit.unit_id,
            "interval_ms": 1000,
            "timeout_ms": 1000,
        }
        for unit in reversed(MODBUS_UNITS)
    }
    devices["moulding"] = {
        "protocol": "opcua",
        "url": f"opc.tcp://{HOST}:{ports.opcua}",
        "interval_ms": 1000,
    }
    devices["sensors"] = {
        "protocol": "mqtt",
        "host": HOST,
        "port": ports.mqtt,
        "time_path": "ts",
        "interval_ms": 1000,
    }
    return {name: {"description": _DESCRIPTIONS[name], **devices[name]} for name in sorted(devices)}


def write_demo_plant(folder: Path, ports: Ports) -> None:
    """Make ``folder`` the demo plant's, or point an existing one to ``ports``.

    Writes lianji.toml, devices/*.toml, tags/*.csv and alarms/*.csv; on a second call only the
    addresses of the devices change. Raises OSError where the folder cannot be written.
    """
    for place in (folder, folder / "devices", folder / "tags", folder / "alarms"):
        make_folder(place)
    site = folder / "lianji.toml"
    if not site.exists():
        _write(site, {"site": _SITE})
    _open_to_this_machine(site)
    alarms = folder / "alarms" / "plant.csv"
    if not alarms.exists():
        write_alarm_table(ALARMS, alarms)
    for name, settings in device_settings(ports).items():
        _point(folder / "devices" / f"{name}.toml", settings)
        table = folder / "tags" / f"{name}.csv"
        if not table.exists():
            write_table([s.tag for s in SIGNALS if s.device == name], table)


def demo_files(ports: Ports) -> dict[str, bytes]:
    """The same machines with their tags and alarms, as the files of a change to a plant."""
    files = {"alarms/demo.csv": alarm_table_bytes(ALARMS)}
    for name, settings in device_settings(ports).items():
        files[f"devices/{name}.toml"] = tomlkit.dumps(settings).encode()
        files[f"tags/{name}.csv"] = table_bytes([s.tag for s in SIGNALS if s.device == name])
    return files


def _open_to_this_machine(site: Path) -> None:
    """The demo asks for no log-in, unless its file says something about that."""
    document = tomlkit.parse(site.read_text(encoding="utf-8"))
    web = document.setdefault("web", tomlkit.table())
    if "open" not in web and web.get("host", "127.0.0.1") == "127.0.0.1":
        is_open = tomlkit.item(True)
        is_open.comment("no log-in: everybody on this machine is administrator")
        web["open"] = is_open
        write_atomically(site, tomlkit.dumps(document).encode())


def _point(path: Path, settings: dict[str, Any]) -> None:
    """Write a device's file, or only its address if it is there."""
    if not path.exists():
        _write(path, settings)
        return
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    for key in ("host", "port", "url"):
        if key in settings:
            document[key] = settings[key]
    write_atomically(path, tomlkit.dumps(document).encode())


def _write(path: Path, content: dict[str, Any]) -> None:
    write_atomically(path, tomlkit.dumps(content).encode())
