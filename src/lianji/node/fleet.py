"""The devices of a running plant: started, stopped and exchanged while the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import structlog

from lianji.base.errors import LianjiError
from lianji.connect.devices import driver_for
from lianji.connect.engine import Device
from lianji.connect.failures import as_lianji_error
from lianji.connect.outbox import Sink
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_ids import TagIds
from lianji.node.configuration import Configuration
from lianji.node.folder import PlantFolder
from lianji.node.rates import Rate

_log = structlog.get_logger(__name__)


class Fleet:
    """Devices by name, each with its task. Used from the event loop alone."""

    def __init__(self, folder: PlantFolder, names: TagIds, sink: Sink) -> None:
        self._folder = folder
        self._names = names
        self._sink = sink
        self._devices: dict[str, Device] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._order: list[str] = []
        self.rates: dict[str, tuple[Rate, Rate]] = {}
        """Requests and samples a second, by device."""

    @property
    def devices(self) -> list[Device]:
        """In the order of their names."""
        return [self._devices[name] for name in self._order]

    def find(self, name: str) -> Device | None:
        return self._devices.get(name)

    def build(self, configuration: Configuration) -> None:
        """All devices of a plant that begins. Raises what a driver raises for its own config."""
        self._folder.learned.mkdir(exist_ok=True)
        tags = configuration.by_device()
        for name in configuration.devices:
            self._take(name, self._built(name, configuration, tags[name]))
        self._order = list(configuration.devices)

    def start(self) -> None:
        for device in self.devices:
            self._start(device)

    async def stop(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()

    async def become(
        self, configuration: Configuration, removed: Iterable[str], touched: Iterable[str]
    ) -> dict[str, LianjiError]:
        """Stop what is removed or changed, start what is added or changed.

        Returns the devices that could not be built, and why; these are not there afterwards.
        """
        failed: dict[str, LianjiError] = {}
        tags, built = configuration.by_device(), []
        for name in touched:
            try:
                device = await asyncio.to_thread(self._built, name, configuration, tags[name])
                built.append(device)
            except Exception as error:
                failed[name] = as_lianji_error(error)
        await asyncio.gather(*(self._end(name) for name in (*removed, *touched)))
        for name in (*removed, *failed):
            self._devices.pop(name, None)
            self.rates.pop(name, None)
        for device in built:
            self._take(device.name, device)
            self._start(device)
        self._order = [name for name in configuration.devices if name in self._devices]
        return failed

    def _built(self, name: str, configuration: Configuration, tags: Sequence[Tag]) -> Device:
        config = configuration.devices[name].in_plant(self._folder.data)
        ids = self._names.ids_of([tag.path for tag in tags])
        return Device(name, driver_for(config), tags, ids, self._sink, self._folder.learned)

    def _take(self, name: str, device: Device) -> None:
        self._devices[name] = device
        self.rates[name] = (Rate(), Rate())

    def _start(self, device: Device) -> None:
        self._tasks[device.name] = asyncio.create_task(device.run(), name=device.name)

    async def _end(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is None:
            return
        task.cancel()
        ended = await asyncio.gather(task, return_exceptions=True)
        if isinstance(ended[0], Exception):
            _log.warning("a device ended badly", device=name, error=repr(ended[0]))
