"""A running plant: the rooms, built and wired in one place, and how all of it is.

devices -> spool -> historian; the page, the API and the pushes are handed the plant itself.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import time
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lianji.act.alarms.room import AlarmRoom, Plan
from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import Language, LianjiError, Text
from lianji.connect.engine import Device
from lianji.dictionary.batch import Batch
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_ids import TagIds
from lianji.history.historian import Historian
from lianji.node.alarm_keeper import AlarmKeeper
from lianji.node.alarm_tables import AlarmFiles
from lianji.node.alarms import alarm_plan, open_alarms, ways_out
from lianji.node.audit_keeper import AuditKeeper
from lianji.node.calculated import Calculated
from lianji.node.configuration import Configuration, load_configuration
from lianji.node.configuring.running import Configuring
from lianji.node.connecting.connecting import Connecting
from lianji.node.connecting.template_use import TemplateUse
from lianji.node.dashboards import Dashboards
from lianji.node.datasets import PlantDataSets
from lianji.node.demo.within import DemoWithin
from lianji.node.deploying import Deploying
from lianji.node.device_words import device_status
from lianji.node.experiments import PlantExperiments
from lianji.node.fleet import Fleet
from lianji.node.folder import PlantFolder
from lianji.node.jobs import PlantJobs
from lianji.node.line_out import LineOut
from lianji.node.logging import configure_logging
from lianji.node.memory import keep_memory_small
from lianji.node.models import PlantModels
from lianji.node.rates import Rate
from lianji.node.readable import unread
from lianji.node.site_file import write_titles
from lianji.node.state_place import open_state, state_elsewhere
from lianji.spool.spool import Spool
from lianji.trace.stages import Stages
from lianji.web import status as web

if TYPE_CHECKING:
    from lianji.base.state import State
    from lianji.node.hub import HubDoor
    from lianji.node.plants import Plants
    from lianji.node.reconciling.reconciler import Reconciler
    from lianji.node.relaying import Relaying
    from lianji.relay.messages.store import Messages

SAMPLE_RATES_S = 1.0


class Plant:
    """The rooms of one plant. Opening takes the folder's lock; ``close`` gives it back."""

    def __init__(self, folder: PlantFolder) -> None:
        """Open everything that lies on disk. Raises NotFound, InputError, StorageError."""
        configure_logging()
        keep_memory_small()
        self.folder = folder
        self.started_s = monotonic_s()
        self.hub: HubDoor | None = None
        self.configuration: Configuration = load_configuration(folder)
        settings = self.configuration.settings
        folder.data.mkdir(parents=True, exist_ok=True)
        self.names = TagIds.open(folder.tag_ids)
        self.spool = Spool(folder.spool, settings.kept_spool, self.names.path_of)
        self.stages = Stages()
        self._historian = Historian(
            folder.history,
            settings.site.name,
            self.spool,
            self.names,
            lambda path: self.configuration.is_linear(path),
            settings.history,
            self.stages,
            Calculated(lambda: self.configuration.calculated),
            site_in if settings.hub else None,
        )
        self.fleet = Fleet(folder, self.names, self.spool)
        self.fleet.build(self.configuration)
        self.configuring = Configuring(folder, self.fleet, self.configuration, self._become)
        self.connecting = Connecting(folder, self.configuring, lambda: self.configuration)
        self.templates = TemplateUse(folder, self.configuring)
        self.dashboards = Dashboards(folder.dashboards, self.tags)
        self.demo = DemoWithin(folder.data, self.configuring, lambda: self.devices)
        self.datasets = PlantDataSets(folder)
        place = self.spool.epoch if settings.history.shared else ""
        self.jobs = PlantJobs(folder, lambda: self.state, settings.jobs, place)
        self.models = PlantModels(folder)
        self.experiments = PlantExperiments(folder)
        self.deploying = Deploying(self)
        self._open_alarms()
        self._line_out = LineOut(self)
        self._audit = AuditKeeper(folder.data, settings.state)
        self._samples = Rate()
        self._pushed = 0
        self._cpu = Rate()

    @property
    def devices(self) -> list[Device]:
        return self.fleet.devices

    def _become(self, configuration: Configuration) -> None:
        """Take a changed configuration; whoever asks from now on gets its meaning."""
        self.configuration = configuration
        self._alarm_files.look(at_once=True)
        self.alarms.become(self._alarm_plan())

    def _open_alarms(self) -> None:
        """The alarm room and its ways out."""
        self._alarm_files = AlarmFiles(self.folder)
        here = None if state_elsewhere(self.folder.root) else self.folder.data
        keeper = AlarmKeeper(here, lambda: self.state)
        self.alarms: AlarmRoom = open_alarms(self._alarm_plan(), self.history, keeper)
        self._ways_out = ways_out(self.alarms, self.configuration.settings)

    @property
    def relaying(self) -> Relaying | None:
        """The way to the hub that this plant has joined, if it has."""
        return self._line_out.relaying

    def report(self) -> dict[str, Any]:
        """How the plant is, for its hub."""
        from lianji.node.reporting import report_of

        return report_of(self.status(), self.spool.gaps, self.deploying.report())

    @property
    def plants(self) -> Plants | None:
        """A hub's view of its plants."""
        return self.hub.plants if self.hub is not None else None

    def _alarm_plan(self) -> Plan:
        tables, tags = self._alarm_files.tables, self.configuration.tags
        return alarm_plan(tables, tags, self.names.paths, self.heard)

    def _look_at_files(self) -> None:
        if self._alarm_files.look():
            self.alarms.become(self._alarm_plan())
        if "state" in self.__dict__:
            self._audit.look(self.state)

    async def run(self) -> None:
        """Read the devices until cancelled; then everything that was read is with the spool."""
        self._historian.start()
        self.alarms.start()
        for way_out in self._ways_out:
            way_out.start()
        self._line_out.start()
        self.fleet.start()
        demo = asyncio.create_task(self.demo.resume(), name="demo")
        configuring = asyncio.create_task(self.configuring.run(), name="configuring")
        jobs = asyncio.create_task(self.jobs.run(), name="jobs")
        models = asyncio.create_task(self.deploying.run(), name="models")
        try:
            while True:
                self._note_rates()
                await asyncio.to_thread(self._look_at_files)
                await asyncio.to_thread(self._line_out.look)
                await asyncio.sleep(SAMPLE_RATES_S)
        finally:
            for task in (models, configuring, demo, jobs):
                task.cancel()
            await asyncio.gather(models, configuring, demo, jobs, return_exceptions=True)
            await self.fleet.stop()
            await self.demo.close()

    def close(self) -> None:
        """Answer what was handed over, flush, and let go of the folder."""
        for way_out in self._ways_out:
            way_out.close()
        self.alarms.close()
        self._line_out.close()
        self._historian.close()
        self.spool.close()
        if "state" in self.__dict__:
            self.state.close()

    @cached_property
    def state(self) -> State:
        """The state database, opened when somebody needs it."""
        return open_state(self.folder.root, at_once=False)

    # -- what the web is handed -------------------------------------------------------------

    @property
    def history(self) -> Historian:
        return self._historian

    @property
    def reconciling(self) -> Reconciler | None:
        """The comparisons of a hub whose door is open."""
        return self.hub.reconciler if self.hub else None

    @property
    def messages(self) -> Messages | None:
        """What this hub told its edges."""
        return self.hub.messages if self.hub is not None else None

    def title(self, language: Language) -> str:
        site = self.configuration.settings.site
        titles = (
            (site.title_zh, site.title_en) if language == "zh" else (site.title_en, site.title_zh)
        )
        return titles[0] or titles[1] or site.name

    def name_site(self, title_en: str, title_zh: str) -> None:
        write_titles(self.folder, title_en, title_zh)
        site = self.configuration.settings.site
        site.title_en = title_en or site.title_en
        site.title_zh = title_zh or site.title_zh

    def tags(self) -> Sequence[Tag]:
        """The tags of the tables, and those that only pushes and imports have brought."""
        known = self.configuration.tags
        return [*known.values(), *(Tag(path=p) for p in self.names.paths if p not in known)]

    def tags_stamp(self) -> tuple[object, int]:
        return self.configuration, len(self.names.paths)

    def unread(self, tags: Sequence[Tag]) -> Mapping[str, Text]:
        return unread(self.configuration, tags)

    def heard(self, path: str) -> bool:
        return self.names.find(path) is not None or path in self.configuration.calculated

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
        """Store samples; returns the sequence once they are on disk. See ``web.ports``."""
        ids = self.names.known(paths)
        if ids is None:
            ids = await asyncio.to_thread(self.names.ids_of, paths)
        batch = Batch.of(ids[path_index], times_us, values, quality, texts, origin=origin)
        self._pushed += len(batch)
        return await self.spool.append(batch)

    # -- how it is --------------------------------------------------------------------------

    def _note_rates(self) -> None:
        samples = 0
        for device in self.devices:
            status = device.status()
            requests, taken = self.fleet.rates[device.name]
            requests.note(status.requests)
            taken.note(status.samples)
            samples += status.samples
        self._samples.note(samples + self._pushed)
        self._cpu.note(time.process_time())

    @staticmethod
    def versions() -> dict[str, str]:
        """Of Lianji and of what it stands on."""
        return _versions()

    def status(self) -> web.PlantStatus:
        devices = [
            device_status(
                device.status(), *(rate.a_second for rate in self.fleet.rates[device.name])
            )
            for device in self.devices
        ]
        return web.PlantStatus(
            now_us=now_us(),
            uptime_s=monotonic_s() - self.started_s,
            versions=_versions(),
            rates=web.Rates(
                requests_per_s=sum(device.requests_per_s for device in devices),
                samples_per_s=self._samples.a_second,
                cpu_share=self._cpu.a_second,
                memory_bytes=_resident_bytes(),
            ),
            devices=devices,
            problems=[web.Fault.of(problem) for problem in self._problems()],
            spool=self._spool_status(),
            history=self._history_status(),
            disk=self._disk_status(),
            stages=[web.StageStatus(**_fields(figures)) for figures in self.stages.figures()],
        )

    def _problems(self) -> list[LianjiError]:
        watching = self.alarms.error
        tables = self._alarm_files.tables.problems
        told = [*self.configuration.problems, *self.configuring.problems(), *tables]
        told += [*self._line_out.problems(), *self.deploying.problems()]
        told += self.reconciling.problems() if self.reconciling else []
        told += self.plants.problems() if self.plants is not None else []
        told += self.hub.problems() if self.hub is not None else ()
        others = (watching, self._audit.problem, self.demo.problem, self.jobs.problem)
        return told + [one for one in others if one]

    def _spool_status(self) -> web.SpoolStatus:
        spool = self.spool.status()
        return web.SpoolStatus(
            bytes=spool.bytes,
            records=spool.durable,
            oldest_us=spool.oldest_us,
            policy=spool.full,
            readers=spool.lag,
            hours_left=spool.hours_left,
            gaps=spool.gaps,
            bytes_max=spool.bytes_max,
            quarantined=spool.quarantined,
        )

    def diagnostics(self) -> bytes:
        from lianji.node.diagnostics import bundle  # an HTTP client among others

        return bundle(self.folder, self.status().model_dump(mode="json"))

    def _disk_status(self) -> web.DiskStatus:
        usage = shutil.disk_usage(self.folder.root)
        return web.DiskStatus(free_bytes=usage.free, total_bytes=usage.total)

    def _history_status(self) -> web.HistoryStatus:
        history = self._historian.status()
        return web.HistoryStatus(
            rows=history.rows,
            files=history.files,
            bytes=history.bytes,
            unflushed=history.unflushed,
            waiting=history.waiting,
            last_flush_us=history.last_flush_us,
            unreadable=len(self._historian.unreadable),
            error=web.Fault.model_validate(history.error) if history.error else None,
        )


def site_in(path: str) -> str:
    """The site of a path at a hub."""
    return path.partition("/")[0]


@cache
def _versions() -> dict[str, str]:
    """Of Lianji and of what it stands on."""
    return {
        "lianji": version("lianji"),
        "python": platform.python_version(),
        "arrow": version("pyarrow"),
        "system": f"{platform.system()} {platform.release()}",
    }


def _fields(figures: Any) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in figures.__slots__}


def _resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
