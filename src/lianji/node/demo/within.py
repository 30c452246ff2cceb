"""The demo within a plant of one's own: its machines in a child process, its files a version.

``data/demo.json`` says which version brought it and where its machines listen, so that a plant
that starts again starts them again, on the same ports. History begins with the first live value:
no past is made up in a plant that somebody means to keep.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from lianji.base.durable import write_atomically
from lianji.base.errors import Conflict, LianjiError, LinkDown, NotFound, Text

if TYPE_CHECKING:
    from lianji.node.configuring.running import Configuring
    from lianji.node.demo.process import Ports

FILE = "demo.json"
_log = structlog.get_logger(__name__)


class DemoWithin:
    """For one event loop; what the web is handed is ``web.demo_view.DemoView``."""

    def __init__(
        self, data: Path, configuring: Configuring, devices: Callable[[], Sequence[object]]
    ) -> None:
        """``devices``: those of the plant."""
        self._mark = data / FILE
        self._configuring = configuring
        self._devices = devices
        self._turn = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None
        self.is_here = self._mark.exists()
        self.problem: LianjiError | None = None
        """Why its machines do not run, or None."""

    @property
    def may_start(self) -> bool:
        return not self.is_here and not self._devices()

    async def start(self, author: str) -> str:
        """See ``DemoView``."""
        from lianji.node.demo.plant_files import demo_files

        async with self._turn:
            if not self.may_start:
                raise _not_empty()
            ports = await self._run(None)
            try:
                files = demo_files(ports)
                apply = self._configuring.apply
                version = await asyncio.to_thread(apply, files, author, "demo", None, True)
                mark = {"version": version.id, "ports": asdict(ports), "files": sorted(files)}
                await asyncio.to_thread(write_atomically, self._mark, json.dumps(mark).encode())
            except BaseException:
                await self.close()
                raise
            self.is_here = True
            return version.id

    async def remove(self, author: str) -> str:
        """See ``DemoView``."""
        async with self._turn:
            mark = await asyncio.to_thread(self._read)
            version = await asyncio.to_thread(self._take_out, mark, author)
            await self.close()
            await asyncio.to_thread(self._mark.unlink, True)
            self.is_here, self.problem = False, None
            return version

    def _take_out(self, mark: dict[str, object], author: str) -> str:
        """Undo the version that brought it; where its files were edited since, delete them."""
        try:
            return self._configuring.undo(author, str(mark["version"]), True).id
        except (Conflict, NotFound):
            there = self._configuring.files()
            files = mark.get("files")
            assert isinstance(files, list)
            gone = {path: None for path in files if path in there}
            return self._configuring.apply(gone, author, "demo: -", None, True).id

    def _read(self) -> dict[str, object]:
        try:
            found: dict[str, object] = json.loads(self._mark.read_bytes())
        except FileNotFoundError as error:
            raise NotFound(
                "demo-missing",
                Text("There is no demo in this plant.", "本工厂中没有演示。"),
                Text("Load the page again.", "请刷新页面。"),
            ) from error
        return found

    # -- the machines ------------------------------------------------------------------------

    async def resume(self) -> None:
        """Start the machines of a plant that has the demo; a failure becomes ``problem``."""
        if not self.is_here:
            return
        from lianji.node.demo.process import Ports

        async with self._turn:
            try:
                mark = await asyncio.to_thread(self._read)
                ports = mark["ports"]
                assert isinstance(ports, dict)
                await self._run(Ports(**ports))
            except (LianjiError, ValueError, KeyError, TypeError) as error:
                _log.error("the demo's machines do not start", why=str(error))
                self.problem = error if isinstance(error, LianjiError) else None

    async def _run(self, wanted: Ports | None) -> Ports:
        """Start the process; where its machines listen. Raises LinkDown, DeviceTimeout."""
        ready: asyncio.Future[Ports] = asyncio.get_running_loop().create_future()
        self._running = asyncio.create_task(self._machines(wanted, ready), name="demo")
        try:
            return await ready
        except BaseException:
            await self.close()
            raise

    async def _machines(self, wanted: Ports | None, ready: asyncio.Future[Ports]) -> None:
        """The process, until it ends or this is cancelled."""
        from lianji.node.demo.process import running_machines

        try:
            async with running_machines(wanted, wait_for_all=False) as machines:
                ready.set_result(machines.ports)
                try:
                    code = await machines.ended()
                except asyncio.CancelledError:
                    with suppress(ProcessLookupError):
                        machines.process.kill()  # it has nothing to save, and a plant ends soon
                    raise
            _log.error("the demo's machines have ended", code=code)
            self.problem = _ended(code)
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(error)

    async def close(self) -> None:
        """End the process."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            with suppress(asyncio.CancelledError, LianjiError):
                await running


def _ended(code: int) -> LinkDown:
    return LinkDown(
        "demo-ended",
        Text(
            f"The demo's machines have ended (exit code {code}).",
            f"演示设备进程已退出（退出码 {code}）。",
        ),
        Text(
            "Restart Lianji to have them again, or remove the demo.",
            "请重启联机以重新启动，或移除演示。",
        ),
    )


def _not_empty() -> Conflict:
    return Conflict(
        "demo-not-empty",
        Text(
            "This plant has machines already, so it does not take the demo's.",
            "本工厂已有设备，不能再加入演示设备。",
        ),
        Text(
            "Look at the demo beside it: lianji demo --port 0",
            "可另行启动演示：lianji demo --port 0",
        ),
    )
