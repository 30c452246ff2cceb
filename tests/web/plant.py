"""A small plant in memory on the other side of ``PlantView``: no devices, no spool, no disk."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianji.act.alarms.alarm import Row
from lianji.act.alarms.definition import AlarmDefinition
from lianji.act.alarms.room import AlarmRoom, Plan
from lianji.act.alarms.store import AlarmStore
from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import Conflict, InputError, Language, LianjiError, LinkDown, Text
from lianji.base.state import State, url_of
from lianji.connect.drivers.modbus.driver import ModbusConfig, ModbusDriver
from lianji.connect.points import parse_tags
from lianji.dictionary.batch import Batch
from lianji.dictionary.expression import parse
from lianji.dictionary.quality import Quality
from lianji.dictionary.tag import Kind, Tag
from lianji.dictionary.tag_table import read_table
from lianji.history.annotations import Annotations
from lianji.history.history import History
from lianji.history.settings import HistorySettings
from lianji.history.tiers import TierFiles
from lianji.history.view.view import View
from lianji.node.dashboards import Dashboards
from lianji.node.datasets import PlantDataSets
from lianji.node.experiments import PlantExperiments
from lianji.node.folder import PlantFolder
from lianji.node.jobs import PlantJobs
from lianji.node.models import PlantModels
from lianji.web.ports_datasets import DataSetsView
from lianji.web.ports_deploying import DeployingView
from lianji.web.ports_experiments import ExperimentsView
from lianji.web.ports_hub import MessagesView
from lianji.web.ports_jobs import JobsView
from lianji.web.ports_models import ModelsView
from lianji.web.status import (
    DeviceState,
    DeviceStatus,
    DiskStatus,
    Fault,
    HistoryStatus,
    PlantStatus,
    Rates,
    SpoolStatus,
    StageStatus,
    Words,
)
from tests.web.models import Models

MELT = "shop/hall1/moulding/imm1/melt_temperature"
FORCE = "shop/hall1/moulding/imm1/clamp_force"
STATE = "shop/hall1/moulding/imm1/state"
POWER = "shop/hall1/energy/meter1/active_power"
PROGRAM = "shop/hall1/moulding/imm1/program"
DOUBLE = "shop/hall1/moulding/imm1/double_force"
"""Calculated, and in no table of tags."""


@dataclass(frozen=True)
class MemoryVersion:
    id: str


class MemoryFiles:
    """The files of the plant, held in memory; tables that are changed become the plant's tags."""

    def __init__(self, plant: MemoryPlant) -> None:
        self._plant = plant
        self.content: dict[str, bytes] = {}
        self.notes: list[str] = []
        self.refusal: LianjiError | None = None

    def files(self) -> dict[str, bytes]:
        return dict(self.content)

    def check(self, change: Mapping[str, bytes | None]) -> list[LianjiError]:
        return [self.refusal] if self.refusal else []

    def apply(
        self,
        change: Mapping[str, bytes | None],
        author: str,
        note: str,
        base: str | None = None,
        force: bool = False,
    ) -> MemoryVersion:
        if base is not None and base != self.current().id:
            raise Conflict(
                "configuration-changed",
                Text("Somebody was quicker.", "他人已先行修改。"),
                Text("Look again.", "请重新查看。"),
            )
        for name, content in change.items():
            if content is None:
                del self.content[name]
            else:
                self.content[name] = content
        tables = (read_table(content) for content in self.content.values())
        self._plant.set_tags([tag for table in tables for tag in table.tags])
        self.notes.append(note)
        return self.current()

    def current(self) -> MemoryVersion:
        return MemoryVersion(str(len(self.notes)))


class MemoryPlant:
    """Five tags of one small factory, and whatever a test appends. The history is the real one,
    over batches that no disk has seen."""

    demo = None
    reconciling = None
    """It is no hub."""

    def __init__(self, notes: Annotations | None = None, folder: Path | None = None) -> None:
        self.plants: Any = None
        self.dashboards = Dashboards(folder or Path("/nonexistent"), self.tags)
        self.messages: MessagesView | None = None
        nowhere = PlantFolder(folder or Path("/nonexistent"))
        self.datasets: DataSetsView = PlantDataSets(nowhere)
        self.jobs: JobsView = PlantJobs(nowhere, lambda: State("sqlite://"), None)
        self.models: ModelsView = PlantModels(nowhere)
        self.experiments: ExperimentsView = PlantExperiments(nowhere)
        self.deploying: DeployingView = Models(folder or Path("/nonexistent"), self.tags)
        self.paths: list[str] = []
        self.alarm_rows: list[Row] = []
        self._batches: list[Batch] = []
        self.history = History(
            "shop",
            self,
            self._moment,
            lambda path: path in (MELT, POWER),
            HistorySettings(),
            {DOUBLE: parse(f"'{FORCE}' * 2")},
            notes,
        )
        self.titles = ("Demo shop", "示范车间")
        self.configuring = MemoryFiles(self)
        self.failure: LianjiError | None = None
        self.appended = 0
        self._tags = [
            Tag(
                path=MELT,
                device="imm1",
                unit="Cel",
                description_en="melt temperature",
                description_zh="熔体温度",
            ),
            Tag(path=FORCE, device="imm1", unit="kN", description_zh="锁模力"),
            Tag(
                path=STATE,
                device="imm1",
                kind=Kind.STEP,
                enumeration={0: "stopped", 1: "running", 2: "alarm"},
            ),
            Tag(path=POWER, device="meter1", unit="kW", description_en="active power"),
            Tag(path=PROGRAM, device="imm1", kind=Kind.STEP, description_en="program loaded"),
        ]

    @cached_property
    def alarms(self) -> AlarmRoom:
        """A real room with a state database of its own; ``look`` makes it look."""
        self._folder = tempfile.TemporaryDirectory()
        state = State(url_of(Path(self._folder.name)))
        tags = {tag.path: tag for tag in self._tags}
        plan = Plan(self.alarm_rows, lambda: [*tags], self.heard, tags)
        return AlarmRoom(plan, self.history, AlarmStore(state))

    def define(self, **fields: Any) -> None:
        """One more row of the alarm tables; before anything asks for the alarms."""
        definition = AlarmDefinition.model_validate(fields)
        self.alarm_rows.append(Row(definition, "alarms.csv", len(self.alarm_rows) + 2))

    def more_tags(self, *paths: str) -> None:
        """In the tables, before they have spoken."""
        self._tags += [Tag(path=path) for path in paths]

    def look(self) -> None:
        self.alarms.step(now_us(), monotonic_s())

    def title(self, language: Language) -> str:
        return self.titles[1] if language == "zh" else self.titles[0]

    def name_site(self, title_en: str, title_zh: str) -> None:
        self.titles = (title_en or self.titles[0], title_zh or self.titles[1])

    def tags(self) -> list[Tag]:
        return self._tags

    def set_tags(self, tags: list[Tag]) -> None:
        self._tags = tags

    def tags_stamp(self) -> tuple[object, int]:
        return self._tags, len(self._tags)

    def find(self, path: str) -> int | None:
        return self.paths.index(path) if path in self.paths else None

    def unread(self, tags: Sequence[Tag]) -> dict[str, Text]:
        """As a Modbus driver would say it of the tags that have an address."""
        driver = ModbusDriver(ModbusConfig(protocol="modbus", host="127.0.0.1"))
        addressed = [tag for tag in tags if tag.address]
        return {one.path: one.reason for one in parse_tags(driver, addressed).rejected.values()}

    def heard(self, path: str) -> bool:
        return path in self.paths or path == DOUBLE

    def _moment(self) -> View:
        return View(TierFiles(()), tuple(self._batches), self.find)

    def add(
        self,
        path: str,
        times_us: int | list[int],
        values: float | list[float] | None,
        quality: int | list[int] = 0,
        text: str | None = None,
    ) -> None:
        """Samples of one tag: one, or columns of them. NaN or None where there is no number."""
        times = np.atleast_1d(np.asarray(times_us, np.int64))
        numbers = np.atleast_1d(np.asarray(values, np.float64))
        self._put([path], np.zeros(len(times), np.int32), times, numbers, quality, text)

    def _put(
        self,
        paths: Sequence[str],
        path_index: NDArray[np.int32],
        times_us: NDArray[np.int64],
        values: NDArray[np.float64],
        quality: Any,
        texts: Any,
    ) -> None:
        self.paths += [path for path in paths if path not in self.paths]
        ids = np.array([self.paths.index(path) for path in paths], np.int32)[path_index]
        if isinstance(texts, str):
            texts = [texts]
        self._batches.append(Batch.of(ids, times_us, values, quality, texts))

    async def append(
        self,
        paths: Sequence[str],
        path_index: NDArray[np.int32],
        times_us: NDArray[np.int64],
        values: NDArray[np.float64],
        quality: NDArray[np.uint16] | None,
        texts: Any,
        origin: str,
    ) -> int:
        if self.failure is not None:
            raise self.failure
        self._put(paths, path_index, times_us, values, quality, texts)
        self.appended += len(values)
        return self.appended

    def diagnostics(self) -> bytes:
        return b"PK"

    def status(self) -> PlantStatus:
        return PlantStatus(
            now_us=now_us(),
            uptime_s=93_784.0,
            versions={"lianji": "0.1.0", "python": "3.11.2"},
            rates=Rates(
                requests_per_s=14.2, samples_per_s=1240.0, cpu_share=0.06, memory_bytes=98 << 20
            ),
            devices=DEVICES,
            spool=SpoolStatus(
                bytes=38 << 20,
                bytes_max=2 << 30,
                records=12_904,
                oldest_us=now_us() - 3_600_000_000,
                policy="drop-oldest",
                readers={"history": 3},
                hours_left=412.0,
            ),
            history=HistoryStatus(
                rows=41_203_400,
                files=62,
                bytes=71 << 20,
                unflushed=18_220,
                last_flush_us=now_us() - 9_000_000,
            ),
            disk=DiskStatus(free_bytes=41 << 30, total_bytes=64 << 30),
            stages=[
                StageStatus(
                    stage=stage,
                    wait_p50_us=wait,
                    wait_p99_us=wait * 7,
                    served_p50_us=served,
                    served_p99_us=served * 4,
                    count=12_904,
                )
                for stage, wait, served in (
                    ("read", 120, 4_300),
                    ("decode", 2, 41),
                    ("spool", 9_800, 6_100),
                    ("flush", 2_400_000, 88_000),
                    ("commit", 900, 31_000),
                )
            ],
        )


_NO_ANSWER = LinkDown(
    "link-refused",
    Text("192.168.1.40:502 refused the connection.", "192.168.1.40:502 拒绝了连接。"),
    Text(
        "Check that the meter is on and that its Modbus TCP port is enabled.",
        "请检查电表是否通电，以及 Modbus TCP 端口是否已启用。",
    ),
)
_HOLE = InputError(
    "tags-refused",
    Text("The device refuses 2 of 48 registers (40031, 40032).", "设备拒绝 48 个寄存器中的 2 个。"),
    Text("Check these addresses in tags/imm1.csv.", "请检查 tags/imm1.csv 中的这些地址。"),
)
DEVICES = [
    DeviceStatus(
        name="imm1",
        protocol="modbus",
        state=DeviceState.DEGRADED,
        state_text=Words(en="2 tags refused", zh="2 个标签被拒绝"),
        tags=48,
        requests_per_s=4.0,
        samples_per_s=180.0,
        cycle_ms=12.4,
        last_good_us=now_us(),
        error=Fault.of(_HOLE),
    ),
    DeviceStatus(
        name="chiller",
        protocol="opcua",
        state=DeviceState.RUNNING,
        state_text=Words(en="running", zh="运行"),
        tags=120,
        requests_per_s=0.2,
        samples_per_s=960.0,
        cycle_ms=3.1,
        last_good_us=now_us(),
    ),
    DeviceStatus(
        name="meter1",
        protocol="modbus",
        state=DeviceState.FAULT,
        state_text=Words(en="no connection", zh="无连接"),
        tags=16,
        last_good_us=now_us() - 7_200_000_000,
        error=Fault.of(_NO_ANSWER),
    ),
    DeviceStatus(
        name="gateway",
        protocol="mqtt",
        state=DeviceState.CONNECTING,
        state_text=Words(en="connecting", zh="连接中"),
        tags=30,
    ),
    DeviceStatus(
        name="old-press",
        protocol="modbus-rtu",
        state=DeviceState.DISABLED,
        state_text=Words(en="disabled", zh="已停用"),
        tags=8,
    ),
]


def fill(plant: MemoryPlant, minutes: int = 120, step_s: int = 10) -> int:
    """A past of so many minutes, with a fault and a doubtful stretch; returns its end."""
    end = now_us()
    rows = minutes * 60 // step_s
    random = np.random.default_rng(7)
    row = np.arange(rows)
    part = row / rows
    times = (end - (rows - row) * step_s * 1_000_000).tolist()

    def within(low: float, high: float) -> NDArray[np.bool_]:
        return (low < part) & (part < high)

    plant.add(MELT, times, (228 + 3 * np.sin(row / 9) + random.normal(0, 0.3, rows)).tolist())
    plant.add(FORCE, times, (800 + 300.0 * (row % 12 > 6)).tolist())
    plant.add(STATE, times, np.where(within(0.3, 0.4), 0.0, 1.0 + within(0.7, 0.73)).tolist())
    power = 41 + 6 * np.sin(row / 31) + random.normal(0, 0.8, rows)
    quality = np.zeros(rows, np.uint16)
    quality[within(0.55, 0.62)] = Quality.BAD_COMMUNICATION_ERROR
    quality[within(0.85, 0.9)] = Quality.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED
    plant.add(POWER, times, np.where(within(0.55, 0.62), np.nan, power).tolist(), quality.tolist())
    plant.add(PROGRAM, end - 60_000_000, None, 0, "P-118 cap 32 mm")
    return end
