"""A running plant whose configuration changes: what the store wrote becomes what the plant does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

import structlog

from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import InputError, LianjiError, Text
from lianji.connect.driver import DeviceConfig
from lianji.connect.statistics import DeviceStatus, State
from lianji.node.configuration import Configuration
from lianji.node.configuring.devices_changed import Devices, changed_devices
from lianji.node.configuring.places import Change, Stamps
from lianji.node.configuring.store import ConfigurationStore
from lianji.node.configuring.trial import Trials
from lianji.node.configuring.versions import Version
from lianji.node.fleet import Fleet
from lianji.node.folder import PlantFolder

LOOK_S = 2.0
"""How often files are looked at for edits by hand."""
QUIET_S = 1.0
"""A file that was written this short ago may be half saved."""
TRIAL_LOOK_S = 0.25
RECENT_S = 60.0
"""A device counts as giving values if it gave a good one this short ago."""
BECOME_S = 30.0
ANSWER_S = 1.0

T = TypeVar("T")
_log = structlog.get_logger(__name__)


class Configuring:
    """The store of a plant that runs. What the web is handed: see ``web.ports.ConfigurationView``.

    All but ``run`` block and belong into a worker thread.
    """

    def __init__(
        self,
        folder: PlantFolder,
        fleet: Fleet,
        configuration: Configuration,
        become: Callable[[Configuration], None],
    ) -> None:
        """``become`` gives the rest of the plant its new configuration; called in the loop."""
        self._folder = folder
        self._fleet = fleet
        self._configuration = configuration
        self._first = configuration.settings
        self._become = become
        self._trials = Trials()
        self._going: Sequence[str] = ()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._seen: Stamps = {}
        self._settled: Stamps | None = None
        self._broken: LianjiError | None = None
        settings = configuration.settings.configuration
        self._store = ConfigurationStore(folder, self._taken, settings.versions_max, starting=True)

    # -- what the web asks -------------------------------------------------------------------

    def current(self) -> Version:
        return self._store.current()

    def files(self) -> Mapping[str, bytes]:
        return self._store.files()

    def check(self, change: Change) -> list[LianjiError]:
        return self._store.check(change)

    def apply(
        self,
        change: Change,
        author: str,
        note: str,
        base: str | None = None,
        force: bool = False,
    ) -> Version:
        return self._store.apply(change, author, note, base, force)

    def versions(self) -> Sequence[Version]:
        return self._store.versions()

    def version(self, identity: str) -> Version:
        return self._store.version(identity)

    def difference(self, version: str) -> str:
        return self._store.difference(version)

    def difference_of(self, change: Change) -> str:
        return self._store.difference_of(change)

    def undo(self, author: str, version: str | None = None, force: bool = False) -> Version:
        return self._store.undo(author, version, force)

    def restore(self, version: str, author: str, force: bool = False) -> Version:
        return self._store.restore(version, author, force)

    def on_trial(self) -> set[str]:
        """The versions that may still be taken back by themselves."""
        return self._trials.versions()

    @property
    def is_running(self) -> bool:
        """Whether what is applied now is also what the devices do."""
        return self._loop is not None

    def undecided(self, version: str) -> bool:
        """Whether a version may still go: it is on trial, or is just being taken back.

        While the plant is starting or ending nobody knows, so it may.
        """
        return self._in_loop(
            lambda: version in self._trials.versions() or version in self._going, True
        )

    def on_trial_with(self, version: str) -> list[str]:
        """The devices that decide whether a version stays."""
        watched = self._trials.watched
        return self._in_loop(
            lambda: [name for name, one in watched.items() if version in one.versions], []
        )

    def try_again(self, version: str, devices: Sequence[str]) -> None:
        """Begin a trial anew that a restart cut short, with the devices that it had."""

        def begin() -> None:
            configs = self._configuration.devices
            for name in devices:
                if name in configs and configs[name].enabled:
                    self._trials.begin(name, version, (), self._deadline_s(configs[name]))

        self._in_loop(begin, None)

    def _in_loop(self, ask: Callable[[], T], otherwise: T) -> T:
        """Ask where verdicts are made: there a verdict and what follows from it are one."""
        loop, answer = self._loop, Future[T]()
        if loop is None:
            return otherwise
        try:
            loop.call_soon_threadsafe(lambda: answer.set_result(ask()))
            return answer.result(ANSWER_S)
        except (TimeoutError, RuntimeError):
            return otherwise

    def reload(self) -> bool:
        """Take what was edited by hand now; whether the plant changed.

        Raises the first problem of files that are not sound.
        """
        changed = self._store.look()
        if self._store.refused:
            raise self._store.refused[0]
        return changed

    def keep(self, version: str) -> None:
        """End the trial of a version: it stays, whatever its devices do."""
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._trials.keep, version)

    def problems(self) -> list[LianjiError]:
        """What is to be told beside the configuration's own problems. Quick."""
        told = list(self._store.refused)
        if self._broken is not None:
            told.append(self._broken)
        settings = self._configuration.settings
        later = [
            part
            for part in ("web", "spool", "history", "configuration")
            if getattr(settings, part) != getattr(self._first, part)
        ]
        if settings.site.name != self._first.site.name:
            later.insert(0, "site.name")
        if later:
            told.append(_at_next_start(later))
        return told

    # -- the plant becomes a version -----------------------------------------------------------

    def _taken(self, version: Version, configuration: Configuration, watched: bool) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            self._configuration = configuration
            return
        devices = changed_devices(self._configuration, configuration)
        work = self._becomes(version, configuration, devices, watched)
        asyncio.run_coroutine_threadsafe(work, loop).result(BECOME_S)

    async def _becomes(
        self, version: Version, configuration: Configuration, devices: Devices, watched: bool
    ) -> None:
        spoke = self._spoke(devices)
        self._configuration = configuration
        self._become(configuration)
        failed = await self._fleet.become(configuration, devices.removed, devices.touched)
        for name in (*devices.removed, *devices.touched):
            self._trials.forget(name)
        if version.how != "rollback":
            self._broken = None
        if watched:
            self._watch(version, configuration, spoke, failed)
        _log.info(
            "the configuration changed",
            version=version.id,
            added=devices.added,
            changed=devices.changed,
            removed=devices.removed,
        )

    def _spoke(self, devices: Devices) -> dict[str, tuple[str, ...]]:
        """The changed devices that gave good values until now, and those still on trial, with
        the versions that they were on trial for."""
        found = {}
        for name in devices.changed:
            device = self._fleet.find(name)
            if name in self._trials.watched or (device and _is_well(device.status())):
                found[name] = self._trials.of(name)
        return found

    def _watch(
        self,
        version: Version,
        configuration: Configuration,
        spoke: Mapping[str, Sequence[str]],
        failed: Mapping[str, LianjiError],
    ) -> None:
        for name, earlier in spoke.items():
            config = configuration.devices[name]
            if not config.enabled or not configuration.tags_of(name):
                continue  # it was told to be silent
            self._trials.begin(name, version.id, earlier, self._deadline_s(config))
        for name, cause in failed.items():
            self._trials.failed(name, version.id, cause)

    def _deadline_s(self, config: DeviceConfig) -> float:
        trial_s = self._first.configuration.trial_s
        return monotonic_s() + max(trial_s, 2 * config.interval_ms / 1000)

    # -- in the background -------------------------------------------------------------------

    async def run(self) -> None:
        """Notice edits by hand and end trials, until cancelled."""
        self._loop = asyncio.get_running_loop()
        looked_s = monotonic_s()
        try:
            while True:
                await asyncio.sleep(TRIAL_LOOK_S)
                await self._judge()
                if monotonic_s() - looked_s >= LOOK_S:
                    await self._look()
                    looked_s = monotonic_s()
        finally:
            self._loop = None

    async def _judge(self) -> None:
        if not self._trials.watched:
            return
        statuses: dict[str, DeviceStatus] = {
            name: device.status()
            for name in self._trials.watched
            if (device := self._fleet.find(name)) is not None
        }
        verdict = self._trials.judged(statuses, monotonic_s())
        if verdict is not None:
            await self._take_back(*verdict)

    async def _take_back(self, versions: Sequence[str], cause: LianjiError) -> None:
        _log.warning("a change is taken back", versions=versions, why=str(cause))
        self._going = versions
        try:
            for version in versions:
                await asyncio.to_thread(self._store.roll_back, version, cause)
            self._broken = cause
        except (LianjiError, OSError) as error:
            _log.error("a change could not be taken back", why=str(error))
            self._broken = _not_taken_back(error)
        finally:
            self._going = ()

    async def _look(self) -> None:
        seen = await asyncio.to_thread(self._store.stamps)
        quiet = seen == self._seen
        changed = seen != self._settled
        self._seen = seen
        if changed and quiet and _is_old(seen):
            await self._safely(self._store.look)
            self._settled = seen

    async def _safely(self, work: Callable[..., Any], *arguments: Any) -> None:
        try:
            await asyncio.to_thread(work, *arguments)
        except (LianjiError, OSError) as error:
            _log.error("the configuration could not be changed", why=str(error))


def _is_well(status: DeviceStatus) -> bool:
    """It gave good values until now; one that sends only changes may have been quiet for long."""
    last = status.last_good_us
    if last is None:
        return False
    running = status.state is State.RUNNING and status.last_error is None
    return now_us() - last < RECENT_S * 1e6 or (running and status.requests == 0)


def _not_taken_back(error: Exception) -> LianjiError:
    why = error.cause if isinstance(error, LianjiError) else Text(str(error), str(error))
    return InputError(
        "change-not-rolled-back",
        Text(
            f"A change broke collection and could not be taken back: {why.en}",
            f"某次修改导致采集中断，且无法自动撤销：{why.zh}",
        ),
        Text("Look at the versions and restore one that worked.", "请查看版本并恢复到正常的版本。"),
    )


def _is_old(seen: Stamps) -> bool:
    newest_ns = max((time_ns for _, _, time_ns in seen.values()), default=0)
    return now_us() * 1000 - newest_ns > QUIET_S * 1e9


def _at_next_start(parts: Sequence[str]) -> InputError:
    listed = ", ".join(f"[{part}]" for part in parts)
    return InputError(
        "settings-at-next-start",
        Text(
            f"What lianji.toml says in {listed} takes effect at the next start.",
            f"lianji.toml 中 {listed} 的修改在下次启动时生效。",
        ),
        Text("Restart Lianji when it suits.", "请在方便时重启联机。"),
    )
