"""Every signal of the demo plant: its tag, and where on which wire it is to be found.

One declaration serves the physics (names, rounding), the servers (registers, nodes, topics) and
the tag tables of the plant folder, so that the three cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lianji.dictionary.tag import Kind, Tag
from lianji.node.demo.moulding import MACHINES

SITE = "demo"
OPCUA_NAMESPACE = 2
MQTT_MACHINE = "imm-04"

_MACHINE_STATES = {
    0: "关机 off",
    1: "待机 standby",
    2: "合模 closing",
    3: "注射 injecting",
    4: "保压 holding",
    5: "冷却 cooling",
    6: "开模 opening",
    7: "报警 alarm",
    8: "换模 mould change",
}
_COMPRESSOR_STATES = {0: "停机 stopped", 1: "卸载 unloaded", 2: "加载 loaded"}
_ON_OFF = {0: "停止 off", 1: "运行 on"}


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of signal. ``register`` is its Modbus type and ``scale`` the step of an integer."""

    name: str
    unit: str
    decimals: int
    low: float | None
    high: float | None
    en: str
    zh: str
    register: str = "float32"
    scale: float = 1.0
    kind: Kind = Kind.LINEAR
    enumeration: dict[int, str] | None = None
    node: str = ""
    json_path: str = ""
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal: ``key`` is its name in the physics, ``machine.signal``."""

    key: str
    path: str
    shape: Shape
    en: str
    zh: str
    protocol: str
    device: str
    address: str
    type: str = ""
    unit_id: int = 0
    register: int = 0

    @property
    def decimals(self) -> int:
        return self.shape.decimals

    @property
    def is_text(self) -> bool:
        return self.shape.is_text

    @property
    def tag(self) -> Tag:
        shape = self.shape
        return Tag(
            path=self.path,
            device=self.device,
            address=self.address,
            type=self.type,
            unit=shape.unit,
            kind=shape.kind,
            low=shape.low,
            high=shape.high,
            scale=shape.scale if self.protocol == "modbus" else 1.0,
            description_en=self.en,
            description_zh=self.zh,
            enumeration=shape.enumeration,
        )


_STEP = Kind.STEP
_BARRELS = tuple(
    Shape(
        f"barrel_{zone}_temperature", "Cel", 1, 0, 350,
        f"barrel temperature, zone {zone}", f"料筒{zone}区温度",
        node=f"Barrel{zone}", json_path=f"barrel[{zone - 1}]",
    )
    for zone in (1, 2, 3, 4)
)  # fmt: skip
MACHINE_SHAPES = (
    Shape("state", "", 0, 0, 8, "cycle state", "循环状态", kind=_STEP,
          enumeration=_MACHINE_STATES, node="State", json_path="state"),
    Shape("cycle_time", "s", 2, 0, 300, "cycle time", "循环周期", kind=_STEP,
          node="CycleTime", json_path="cycle.time"),
    Shape("shots", "{shots}", 0, 0, None, "shot count", "模次计数", kind=_STEP,
          node="Shots", json_path="cycle.shots"),
    Shape("rejects", "{parts}", 0, 0, None, "rejected parts", "不良品计数", kind=_STEP,
          node="Rejects", json_path="cycle.rejects"),
    Shape("product", "", 0, None, None, "product", "当前产品", kind=_STEP,
          node="Product", json_path="product", is_text=True),
    *_BARRELS,
    Shape("mould_temperature", "Cel", 1, 0, 150, "mould temperature", "模具温度",
          node="MouldTemp", json_path="mould"),
    Shape("clamp_force", "kN", 0, 0, 3500, "clamp force", "锁模力", node="ClampForce"),
    Shape("injection_pressure", "bar", 1, 0, 1600, "injection pressure", "注射压力",
          node="InjectionPressure"),
    Shape("melt_cushion", "mm", 2, 0, 20, "melt cushion", "熔胶残量", kind=_STEP,
          node="MeltCushion"),
    Shape("power", "kW", 2, 0, 80, "electric power", "电功率", node="Power", json_path="power"),
)  # fmt: skip
_MQTT_LACKS = ("barrel_3_temperature", "barrel_4_temperature")
COMPRESSOR_SHAPES = (
    Shape("state", "", 0, 0, 2, "load state", "加卸载状态", "uint16", kind=_STEP,
          enumeration=_COMPRESSOR_STATES),
    Shape("pressure", "bar", 2, 0, 10, "discharge pressure", "排气压力", "uint16", 0.01),
    Shape("power", "kW", 1, 0, 60, "electric power", "电功率", "uint16", 0.1),
    Shape("oil_temperature", "Cel", 1, -20, 120, "oil temperature", "油温", "int16", 0.1),
    Shape("running_hours", "h", 1, 0, None, "running hours", "运行小时", "uint32", 0.1, _STEP),
    Shape("loaded_hours", "h", 1, 0, None, "hours under load", "加载小时", "uint32", 0.1, _STEP),
)  # fmt: skip
CHILLER_SHAPES = (
    Shape("state", "", 0, 0, 1, "state", "运行状态", "uint16", kind=_STEP, enumeration=_ON_OFF),
    Shape("supply_temperature", "Cel", 1, -10, 60, "supply water temperature", "供水温度",
          "int16", 0.1),
    Shape("return_temperature", "Cel", 1, -10, 60, "return water temperature", "回水温度",
          "int16", 0.1),
    Shape("flow", "m3/h", 2, 0, 40, "water flow", "冷水流量"),
    Shape("power", "kW", 2, 0, 40, "electric power", "电功率"),
)  # fmt: skip
DRYER_SHAPES = (
    Shape("state", "", 0, 0, 1, "state", "运行状态", "uint16", kind=_STEP, enumeration=_ON_OFF),
    Shape("temperature", "Cel", 1, -20, 180, "drying temperature", "干燥温度", "int16", 0.1),
    Shape("dew_point", "Cel", 1, -80, 30, "dew point of the drying air", "干燥风露点",
          "int16", 0.1),
    Shape("power", "kW", 2, 0, 15, "electric power", "电功率", "uint16", 0.01),
)  # fmt: skip
METER_SHAPES = (
    Shape("active_power", "kW", 2, 0, 400, "active power", "有功功率"),
    Shape("energy", "kW.h", 2, 0, None, "active energy", "有功电能", "uint32@CDAB", 0.01),
    Shape("reactive_energy", "kV.A{reactive}.h", 2, 0, None, "reactive energy", "无功电能",
          "uint32@CDAB", 0.01),
    Shape("power_factor", "1", 3, -1, 1, "power factor", "功率因数", "int16", 0.001),
    Shape("voltage_l1", "V", 1, 0, 300, "voltage L1-N", "A相电压", "uint16", 0.1),
    Shape("voltage_l2", "V", 1, 0, 300, "voltage L2-N", "B相电压", "uint16", 0.1),
    Shape("voltage_l3", "V", 1, 0, 300, "voltage L3-N", "C相电压", "uint16", 0.1),
    Shape("current_l1", "A", 1, 0, 800, "current L1", "A相电流", "float32@CDAB"),
    Shape("current_l2", "A", 1, 0, 800, "current L2", "B相电流", "float32@CDAB"),
    Shape("current_l3", "A", 1, 0, 800, "current L3", "C相电流", "float32@CDAB"),
)  # fmt: skip
CLIMATE_SHAPES = (
    Shape("hall_temperature", "Cel", 1, -20, 60, "hall temperature", "车间温度",
          json_path="temperature"),
    Shape("hall_humidity", "%", 1, 0, 100, "hall relative humidity", "车间相对湿度",
          json_path="humidity"),
    Shape("outdoor_temperature", "Cel", 1, -30, 60, "outdoor temperature", "室外温度",
          json_path="temperature"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """One Modbus unit: the machine behind it, and the device file that reads it."""

    machine: str
    area: str
    device: str
    unit_id: int
    shapes: tuple[Shape, ...]
    en: str
    zh: str


MODBUS_UNITS = (
    Unit("compressor-1", "utilities/air", "compressors", 1, COMPRESSOR_SHAPES,
         "Air compressor 1", "1号空压机"),
    Unit("compressor-2", "utilities/air", "compressors", 2, COMPRESSOR_SHAPES,
         "Air compressor 2", "2号空压机"),
    Unit("chiller", "utilities/cooling", "chiller", 3, CHILLER_SHAPES, "Chiller", "冷水机"),
    Unit("dryer", "moulding/material", "dryer", 4, DRYER_SHAPES, "Material dryer", "原料干燥机"),
    Unit("meter-main", "energy/mains", "meter-main", 11, METER_SHAPES, "Main meter", "总进线电表"),
    Unit("meter-moulding", "energy/feeders", "meter-moulding", 12, METER_SHAPES,
         "Moulding feeder", "注塑馈线电表"),
    Unit("meter-utilities", "energy/feeders", "meter-utilities", 13, METER_SHAPES,
         "Utilities feeder", "公用馈线电表"),
)  # fmt: skip
_METER_LACKS = ("voltage_l1", "voltage_l2", "voltage_l3")


def width_of(register: str) -> int:
    """How many registers a type fills."""
    return 2 if "32" in register else 1


def _modbus_signals(unit: Unit) -> Iterator[Signal]:
    shapes = [
        shape
        for shape in unit.shapes
        if unit.machine == "meter-main" or shape.name not in _METER_LACKS
    ]
    shared = sum(other.device == unit.device for other in MODBUS_UNITS) > 1
    register = 0
    for shape in shapes:
        place = f"{40001 + register}"
        yield Signal(
            f"{unit.machine}.{shape.name}",
            f"{SITE}/{unit.area}/{unit.machine}/{shape.name}",
            shape,
            f"{unit.en}: {shape.en}",
            f"{unit.zh}{shape.zh}",
            "modbus",
            unit.device,
            f"{unit.unit_id}!{place}" if shared else place,
            shape.register,
            unit.unit_id,
            register,
        )
        register += width_of(shape.register)


def _machine_signals(number: int, name: str, rating: dict[str, float]) -> Iterator[Signal]:
    by_mqtt = name == MQTT_MACHINE
    for declared in MACHINE_SHAPES:
        shape = declared
        if by_mqtt and (not shape.json_path or shape.name in _MQTT_LACKS):
            continue
        if shape.name in rating:
            shape = replace(shape, high=rating[shape.name])
        node = f"ns={OPCUA_NAMESPACE};s={name.replace('-', '').upper()}.{shape.node}"
        yield Signal(
            f"{name}.{shape.name}",
            f"{SITE}/moulding/line-1/{name}/{shape.name}",
            shape,
            f"Moulding machine {number}: {shape.en}",
            f"{number}号注塑机{shape.zh}",
            "mqtt" if by_mqtt else "opcua",
            "sensors" if by_mqtt else "moulding",
            f"{SITE}/machines/{name}#{shape.json_path}" if by_mqtt else node,
            "string" if by_mqtt and shape.is_text else "",
        )


def _climate_signals() -> Iterator[Signal]:
    for shape in CLIMATE_SHAPES:
        place = shape.name.partition("_")[0]
        yield Signal(
            f"climate.{shape.name}",
            f"{SITE}/moulding/hall/climate/{shape.name}",
            shape,
            shape.en.capitalize(),
            shape.zh,
            "mqtt",
            "sensors",
            f"{SITE}/climate/{place}#{shape.json_path}",
        )


def _all() -> Iterator[Signal]:
    for number, machine in enumerate(MACHINES, start=1):
        rating = {
            "clamp_force": machine.clamp_kn * 1.25,
            "injection_pressure": machine.injection_bar * 1.3,
        }
        yield from _machine_signals(number, machine.name, rating)
    for unit in MODBUS_UNITS:
        yield from _modbus_signals(unit)
    yield from _climate_signals()


SIGNALS: tuple[Signal, ...] = tuple(_all())
PATHS: tuple[str, ...] = tuple(signal.path for signal in SIGNALS)
