"""Jobs on a Ray cluster: the same process in the same folder, on whatever node has room.

The folder must lie on a disk that all nodes see under the same path, and ``lianji`` must be
installed there. The queue, shares, preemption and requeueing stay with the plant. What is lost with
its node is ``LOST``: it goes on from its last checkpoint elsewhere. Ray itself is spoken to by a
process of its own (``ray_bridge``); if that ends, another takes its place and finds what runs.
"""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lianji.base.clock import monotonic_s
from lianji.base.errors import Text
from lianji.learn.jobs import ray_faults
from lianji.learn.jobs.folder import JobFolder, Outcome
from lianji.learn.jobs.launcher import LOST, Job, Usage
from lianji.learn.jobs.ray_host import ORPHAN_S

BRIDGE = "lianji.learn.jobs.ray_bridge"
CONNECT_S = 60.0
_END_S = 5.0


class RayLauncher:
    """``address``: ``auto`` for the cluster that this machine is part of, ``host:port`` of its
    head, or ``ray://host:port`` of its client server. Connected to when first needed; a job that
    is started while there is no cluster is ``LOST`` as soon as that is known."""

    def __init__(
        self, address: str, orphan_s: float = ORPHAN_S, connect_s: float = CONNECT_S
    ) -> None:
        self._address, self._orphan_s, self._connect_s = address, orphan_s, connect_s
        self._bridge: Bridge | None = None
        self._runs: dict[str, RayRunning] = {}

    def start(self, job: Job, folder: Path) -> RayRunning:
        """Where no node has room for it, it waits for one."""
        name = f"{job.id}-{os.urandom(4).hex()}"
        running = self._held(name, folder)
        asked = {"do": "start", "name": name, "job": asdict(job), "folder": str(folder.resolve())}
        self._ask(asked)
        return running

    def found(self, job: Job, folder: Path, handle: str) -> RayRunning | None:
        """Whether it is there is known only later; where it is not, it is as it said itself, or
        ``LOST``."""
        running = self._held(handle, folder)
        self._ask({"do": "find", "name": handle})
        return running

    def close(self) -> None:
        """What runs goes on for its host's time of patience."""
        if self._bridge is not None:
            self._bridge.end()
            self._bridge = None

    def send(self, do: str, name: str) -> None:
        if self._bridge is not None:
            self._bridge.send({"do": do, "name": name})

    @property
    def is_connected(self) -> bool:
        return self._bridge is not None and self._bridge.connected

    def tend(self) -> None:
        """Take what the bridge said. Where it ended, open another; where there is no cluster,
        all is lost."""
        bridge = self._bridge
        if bridge is None:
            return
        for told in bridge.heard():
            running = self._runs.get(told["name"])
            if running is not None:
                running.take(told)
        if not bridge.ended(self._connect_s):
            return
        self._bridge = None
        if bridge.connected:
            for name in self._runs:
                self._ask({"do": "find", "name": name})
        else:
            for running in list(self._runs.values()):
                running.lose(ray_faults.no_cluster(self._address, bridge.failed))

    def forget(self, name: str) -> None:
        self._runs.pop(name, None)

    def _held(self, name: str, folder: Path) -> RayRunning:
        if importlib.util.find_spec("ray") is None:
            raise ray_faults.no_ray()
        self._runs[name] = running = RayRunning(self, name, folder)
        return running

    def _ask(self, asked: dict[str, Any]) -> None:
        if self._bridge is None:
            self._bridge = Bridge(self._address, self._orphan_s)
        self._bridge.send(asked)


class RayRunning:
    """A job on a node, as the bridge told of it last."""

    def __init__(self, launcher: RayLauncher, name: str, folder: Path) -> None:
        self._launcher, self._name, self._folder = launcher, name, JobFolder(folder)
        self._usage = Usage()
        self._code: int | None = None
        self.node = ""
        """Ray's id of its node and the name of the machine; empty before that is known."""

    @property
    def handle(self) -> str:
        return self._name

    def poll(self) -> int | None:
        if self._code is None:
            self._launcher.tend()
        return self._code

    def take(self, told: dict[str, Any]) -> None:
        if told["code"] == LOST:
            self.lose()
            return
        self.node = told["node"] or self.node
        peak = max(told["memory_peak_bytes"], self._usage.memory_peak_bytes)
        cpu_s = max(told["cpu_s"], self._usage.cpu_s)
        self._usage = Usage(cpu_s, told["memory_bytes"], peak)
        if told["code"] is not None:
            if told["en"]:
                with suppress(OSError):
                    reason = Text(told["en"], told["zh"])
                    self._folder.tell_outcome(Outcome(told["code"], reason))
            self._end(told["code"])

    def lose(self, why: Text | None = None) -> None:
        """Nobody knows of it any more but its folder, in which it may have said how it ended."""
        if why is not None:
            with suppress(OSError), self._folder.log.open("a") as log:
                log.write(f"{why.en} {why.zh}\n")
        outcome = self._folder.outcome()
        self._end(LOST if outcome is None else outcome.code)

    def terminate(self) -> None:
        if self._code is None:
            self._launcher.send("terminate", self._name)

    def kill(self) -> None:
        if self._code is None:
            self._launcher.send("kill", self._name)
            if not self._launcher.is_connected:
                self._end(-signal.SIGKILL)

    def usage(self) -> Usage:
        return self._usage

    def _end(self, code: int) -> None:
        self._code = code
        self._usage = Usage(self._usage.cpu_s, 0, self._usage.memory_peak_bytes)
        self._launcher.forget(self._name)


class Bridge:
    """The process that speaks with Ray."""

    def __init__(self, address: str, orphan_s: float) -> None:
        self._opened_s = monotonic_s()
        self.connected = False
        self.failed = ""
        self._over = False
        self._said: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._child = subprocess.Popen(
            [sys.executable, "-m", BRIDGE, address, str(orphan_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            with suppress(ValueError):
                self._said.put(json.loads(line))
        self._said.put(None)

    def send(self, asked: dict[str, Any]) -> None:
        assert self._child.stdin is not None
        with suppress(OSError):  # it has ended, which ``ended`` tells
            self._child.stdin.write(json.dumps(asked).encode() + b"\n")
            self._child.stdin.flush()

    def heard(self) -> list[dict[str, Any]]:
        """What it told of runs since it was last asked."""
        runs: list[dict[str, Any]] = []
        while not self._said.empty():
            told = self._said.get()
            if told is None:
                self._over = True
            elif "name" in told:
                runs.append(told)
            else:
                self.connected = self.connected or "connected" in told
                self.failed = told.get("failed", self.failed)
        return runs

    def ended(self, connect_s: float) -> bool:
        """Whether it is gone; one that finds no cluster in so many seconds is sent away."""
        if not self.connected and monotonic_s() - self._opened_s > connect_s:
            self.failed = self.failed or "no answer"
            self._over = True
        if self._over:
            self.end()
        return self._over

    def end(self) -> None:
        assert self._child.stdin is not None and self._child.stdout is not None
        with suppress(OSError):
            self._child.stdin.close()
        if self._over:
            self._child.kill()
        try:
            self._child.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._listener.join(_END_S)
        self._child.stdout.close()
