"""A running plant: the rooms, built and wired in one place, and how all of it is.

devices -> spool -> historian; the page, the API and the pushes are handed the plant itself.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import Language
from lianji.connect.devices import driver_for
from lianji.connect.engine import Device
from lianji.dictionary.batch import Batch
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_ids import TagIds
from lianji.history.historian import Historian
from lianji.node.configuration import Configuration, load_configuration
from lianji.node.device_words import device_status
from lianji.node.folder import PlantFolder
from lianji.node.logging import configure_logging
from lianji.node.memory import keep_memory_small
from lianji.node.rates import Rate
from lianji.node.site_file import write_titles
from lianji.node.state_copy import open_state
from lianji.spool.spool import Spool
from lianji.trace.stages import Stages
from lianji.web import status as web

if TYPE_CHECKING:
    from lianji.base.state import State

SAMPLE_RATES_S = 1.0


class Plant:
    """The rooms of one plant. Opening takes the folder's lock; ``close`` gives it back."""

    def __init__(self, folder: PlantFolder) -> None:
        """Open everything that lies on disk. Raises NotFound, InputError, StorageError."""
        configure_logging()
        keep_memory_small()
        self.folder = folder
        self.started_s = monotonic_s()
        self.configuration: Configuration = load_configuration(folder)
        settings = self.configuration.settings
        folder.data.mkdir(parents=True, exist_ok=True)
        self.names = TagIds.open(folder.tag_ids)
        self.spool = Spool(folder.spool, settings.spool, self.names.path_of)
        self.stages = Stages()
        self._historian = Historian(
            folder.history,
            settings.site.name,
            self.spool,
            self.names,
            self.configuration.is_linear,
            settings.history,
            self.stages,
            self.configuration.calculated,
        )
        self.devices = self._built_devices()
        self._rates: dict[str, tuple[Rate, Rate]] = {d.name: (Rate(), Rate()) for d in self.devices}
        self._samples = Rate()
        self._pushed = 0
        self._cpu = Rate()

    def _built_devices(self) -> list[Device]:
        self.folder.learned.mkdir(exist_ok=True)
        tags = self.configuration.by_device()
        self.names.ids_of([tag.path for of_one in tags.values() for tag in of_one])
        return [
            Device(
                name,
                driver_for(config.in_plant(self.folder.data)),
                tags[name],
                self.names.ids_of([tag.path for tag in tags[name]]),
                self.spool,
                self.folder.learned,
            )
            for name, config in self.configuration.devices.items()
        ]

    async def run(self) -> None:
        """Read the devices until cancelled; then everything that was read is with the spool."""
        self._historian.start()
        tasks = [asyncio.create_task(device.run(), name=device.name) for device in self.devices]
        try:
            while True:
                self._note_rates()
                await asyncio.sleep(SAMPLE_RATES_S)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        """Answer what was handed over, flush, and let go of the folder."""
        self._historian.close()
        self.spool.close()
        if "state" in self.__dict__:
            self.state.close()

    @cached_property
    def state(self) -> State:
        """The state database, opened when somebody needs it: SQLAlchemy costs 12 MB."""
        return open_state(self.folder.root)

    # -- what the web is handed -------------------------------------------------------------

    @property
    def history(self) -> Historian:
        return self._historian

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
            requests, taken = self._rates[device.name]
            requests.note(status.requests)
            taken.note(status.samples)
            samples += status.samples
        self._samples.note(samples + self._pushed)
        self._cpu.note(time.process_time())

    def status(self) -> web.PlantStatus:
        devices = [
            device_status(device.status(), *(rate.a_second for rate in self._rates[device.name]))
            for device in self.devices
        ]
        return web.PlantStatus(
            now_us=now_us(),
            uptime_s=monotonic_s() - self.started_s,
            versions={"lianji": version("lianji")},
            rates=web.Rates(
                requests_per_s=sum(device.requests_per_s for device in devices),
                samples_per_s=self._samples.a_second,
                cpu_share=self._cpu.a_second,
                memory_bytes=_resident_bytes(),
            ),
            devices=devices,
            problems=[web.Fault.of(problem) for problem in self.configuration.problems],
            spool=self._spool_status(),
            history=self._history_status(),
            stages=[web.StageStatus(**_fields(figures)) for figures in self.stages.figures()],
        )

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

    def _history_status(self) -> web.HistoryStatus:
        history = self._historian.status()
        return web.HistoryStatus(
            rows=history.rows,
            files=history.files,
            bytes=history.bytes,
            unflushed=history.unflushed,
            last_flush_us=history.last_flush_us,
            unreadable=len(self._historian.unreadable),
            error=web.Fault.model_validate(history.error) if history.error else None,
        )


def _fields(figures: Any) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in figures.__slots__}


def _resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
