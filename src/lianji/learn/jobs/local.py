"""Jobs as processes of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from lianji.learn.jobs import faults, processes
from lianji.learn.jobs.folder import JobFolder
from lianji.learn.jobs.launcher import Job, Usage

CHILD = "lianji.learn.jobs.child"


class LocalLauncher:
    """Starts each job in a session, and so a process group, of its own."""

    def start(self, job: Job, folder: Path) -> LocalRunning:
        log = JobFolder(folder).log
        try:
            with log.open("ab") as said:
                child = subprocess.Popen(
                    [sys.executable, "-P", "-m", CHILD, str(folder)],
                    cwd=folder,
                    env={**os.environ, "PYTHONUNBUFFERED": "1", **job.environment},
                    stdin=subprocess.PIPE,
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                )
        except OSError as error:
            raise faults.not_started(error) from error
        return LocalRunning(child.pid, processes.started(child.pid), folder, child)

    def found(self, job: Job, folder: Path, handle: str) -> LocalRunning | None:
        pid, _, started = handle.partition(":")
        if not pid.isdecimal() or not started or processes.started(int(pid)) != started:
            return None
        return LocalRunning(int(pid), started, folder, None)

    def close(self) -> None:
        pass


class LocalRunning:
    """A process: a child of ours, or one that the plant before us started."""

    def __init__(
        self, pid: int, started: str, folder: Path, child: subprocess.Popen[bytes] | None
    ) -> None:
        self._pid, self._started, self._folder, self._child = pid, started, folder, child
        self._code: int | None = None
        self._usage = Usage()

    @property
    def handle(self) -> str:
        return f"{self._pid}:{self._started}"

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._reaped() if self._child else self._foreign()
        return self._code

    def _reaped(self) -> int | None:
        if os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        self._kill_group()  # what it left behind, while the number is still its own
        _, status, used = os.wait4(self._pid, 0)
        cpu_s = max(used.ru_utime + used.ru_stime, self._usage.cpu_s)
        # not ru_maxrss: it counts what the plant had when it forked
        self._usage = Usage(cpu_s, 0, self._usage.memory_peak_bytes)
        code = os.waitstatus_to_exitcode(status)
        assert self._child is not None
        self._child.returncode = code
        if self._child.stdin is not None:
            self._child.stdin.close()
        return code

    def _foreign(self) -> int | None:
        """Of somebody else's child only its own words tell how it ended."""
        if processes.started(self._pid) == self._started:
            return None
        outcome = JobFolder(self._folder).outcome()
        return -signal.SIGKILL if outcome is None else outcome.code

    def terminate(self) -> None:
        if self._is_there():
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGTERM)

    def kill(self) -> None:
        if self._is_there():
            self._kill_group()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, signal.SIGKILL)

    def _is_there(self) -> bool:
        """Its number may be somebody else's once it is gone; of a child it stays its own until it
        was waited for."""
        return self.poll() is None

    def usage(self) -> Usage:
        if self.poll() is None:
            cpu_s, memory = processes.used(self._pid)
            peak = max(memory, processes.peak(self._pid), self._usage.memory_peak_bytes)
            self._usage = Usage(max(cpu_s, self._usage.cpu_s), memory, peak)
        return self._usage
