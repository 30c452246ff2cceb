"""The jobs of a plant: its queue for the page and the command line, and the task that runs them.

A plant without the part ``[jobs]`` to which nobody ever gave a job pays nothing for them: the
folder ``data/jobs`` is the sign that there is a queue, and only then is it opened.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError

from lianji.base.clock import now_us
from lianji.base.durable import make_folder
from lianji.base.errors import LianjiError
from lianji.connect.field_errors import in_words
from lianji.learn.jobs import faults
from lianji.learn.jobs.folder import JobFolder
from lianji.learn.jobs.job import QUEUED, TRAINING, JobRow, TenantRow, Wanted
from lianji.learn.jobs.room import Room
from lianji.learn.jobs.settings import JobsSettings
from lianji.node.folder import PlantFolder
from lianji.node.settings import load_settings

if TYPE_CHECKING:
    from lianji.base.state import State
    from lianji.learn.jobs.runner import Runner
    from lianji.learn.jobs.store import JobStore

_log = structlog.get_logger(__name__)
LOOK_S = 1.0
"""So often a plant without jobs looks whether there is one."""
TICK_S = 0.25
IDLE_FOR = 9.0
"""So many times the CPU time of a look there is none: 10,000 waiting jobs take long to look at."""
IDLE_S_MAX = 5.0
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SPEC = ".toml"


class PlantJobs:
    """What the page and the command line ask. All block, but for ``any`` and ``run``."""

    def __init__(
        self,
        folder: PlantFolder,
        state: Callable[[], State],
        settings: JobsSettings | None,
        place: str = "",
    ) -> None:
        """``settings``: None where lianji.toml has no part ``[jobs]``. ``place``: which of several
        processes this is that share the state."""
        self._folder = folder
        self._state = state
        self._place = place
        self._is_set = settings is not None
        self.settings = settings or JobsSettings()
        self.problem: LianjiError | None = None
        """What keeps jobs from being run, now."""
        self._runner: Runner | None = None
        self._ticking = threading.Lock()
        self._ended = False

    @cached_property
    def _store(self) -> JobStore:
        from lianji.learn.jobs.store import JobStore

        return JobStore(self._state())

    @property
    def _jobs(self) -> Path:
        return self._folder.data / "jobs"

    def any(self) -> bool:
        """Whether there is a queue. Quick."""
        return self._is_set or self._jobs.is_dir()

    def submit(self, asked: Mapping[str, Any], owner: str) -> JobRow:
        """Put a job into the queue; ``asked`` are the fields of ``Wanted``. Raises InputError,
        Busy, StorageError."""
        try:
            wanted = Wanted.model_validate(asked)
        except ValidationError as error:
            raise faults.wrong(in_words(error)) from error
        tenants = self.settings.named
        if wanted.tenant not in tenants:
            raise faults.unknown_tenant(wanted.tenant, sorted(tenants))
        if not Room(self.settings.machine, tenants).could_ever(wanted.need()):
            raise faults.too_large(self.settings.machine)
        made = self._store.submit(wanted, owner)
        make_folder(self._jobs.resolve())
        return made

    def submit_training(self, spec: str, asked: Mapping[str, Any], owner: str) -> JobRow:
        """The same for a training specification: the name of one in the plant's folder
        ``training``. Raises NotFound besides."""
        path = self._training / f"{spec}{_SPEC}"
        if not _NAME.fullmatch(spec) or not path.is_file():
            raise faults.no_spec(spec, self.specs())
        return self._submit_file(path, asked, owner)

    def submit_file(self, path: Path, asked: Mapping[str, Any], owner: str) -> JobRow:
        """The same for one that lies anywhere."""
        if not path.is_file():
            raise faults.no_spec(str(path), self.specs())
        return self._submit_file(path, asked, owner)

    def _submit_file(self, path: Path, asked: Mapping[str, Any], owner: str) -> JobRow:
        training = {
            "function": TRAINING,
            "kind": "train",
            "arguments": {"spec": str(path.resolve())},
            "name": path.stem,
        }
        return self.submit({**training, **asked}, owner)

    @property
    def _training(self) -> Path:
        return self._folder.root / "training"

    def specs(self) -> list[str]:
        """The training specifications in the plant's folder, by name."""
        found = (path.stem for path in self._training.glob(f"*{_SPEC}"))
        return sorted(name for name in found if _NAME.fullmatch(name))

    def listed(self) -> list[JobRow]:
        from lianji.learn.jobs.waiting import with_waiting

        return with_waiting(self.settings, self._store.listed()) if self.any() else []

    def found(self, id: str) -> JobRow:
        """Raises NotFound."""
        if not self.any():
            raise faults.unknown(id)
        row = self._store.found(id)
        if row.state != QUEUED:
            return row
        from lianji.learn.jobs.waiting import with_waiting

        waiting = with_waiting(self.settings, self._store.open())
        return next((one for one in waiting if one.id == id), row)

    def tenants(self) -> list[TenantRow]:
        if not self.any():
            return []
        from lianji.learn.jobs.shares import tenant_rows

        rows, used = self._store.open(), self._store.used()
        return tenant_rows(self.settings, rows, used, now_us())

    def stop(self, id: str, who: str) -> JobRow:
        """Raises NotFound, InputError."""
        return self._store.stop(self.found(id).id, who)

    def log(self, id: str, start: int = -64_000) -> tuple[str, int]:
        """Lines of its log from a position on (from the end, if it is negative), and the position
        behind them. Raises NotFound."""
        return JobFolder(self._jobs / self.found(id).id).log_from(start)

    def record(self, who: str, what: str, row: JobRow) -> None:
        """Note it in the audit log."""
        from lianji.web.access import audit

        with self._state().writing() as connection:
            audit.append(connection, who, what, row.told)

    # -- running them --------------------------------------------------------------------------

    async def run(self) -> None:
        """Run jobs until cancelled; then they have saved, ended and are back in the queue."""
        try:
            while True:
                took_s = await asyncio.to_thread(self._tick) if self.any() else 0.0
                rest_s = LOOK_S if self._runner is None else TICK_S
                await asyncio.sleep(min(max(rest_s, IDLE_FOR * took_s), IDLE_S_MAX))
        finally:
            await asyncio.to_thread(self._end)

    def _end(self) -> None:
        with self._ticking:
            self._ended = True
            if self._runner is not None:
                self._runner.close()

    def _tick(self) -> float:
        """The CPU seconds that it took."""
        started_s = time.thread_time()
        with self._ticking:
            if not self._ended:
                self._work()
        return time.thread_time() - started_s

    def _work(self) -> None:
        try:
            if self._runner is None:
                self._runner = self._new_runner()
            self._runner.tick()
            self.problem = None
        except LianjiError as error:
            self.problem = error
        except Exception as error:
            _log.exception("jobs")
            self.problem = faults.runner_failed(error)

    def _new_runner(self) -> Runner:
        from lianji.learn.jobs.launching import launcher_of
        from lianji.learn.jobs.runner import Runner

        plant = self._folder.root.resolve()
        launcher = launcher_of(self.settings)
        return Runner(self._store, launcher, self.settings, plant, self._place)


@contextmanager
def jobs_of(folder: PlantFolder) -> Iterator[PlantJobs]:
    """The queue of a plant, whether it runs or not; a running one sees within a second what is put
    into it. Raises NotFound, InputError, StorageError."""
    from lianji.node.state_place import open_state

    settings = load_settings(folder.root).jobs
    state = open_state(folder.root)
    try:
        yield PlantJobs(folder, lambda: state, settings)
    finally:
        state.close()
