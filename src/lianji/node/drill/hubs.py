"""A hub's real process over a copy: started, killed, started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from lianji.base.errors import LianjiError, StorageError, Text
from lianji.node.asked import status_of
from lianji.node.folder import PlantFolder
from lianji.node.pairing import standing_of
from lianji.relay.standing import Standing

START_S_MAX = 60.0
POLL_S = 0.02


class DrilledHub:
    """``lianji run`` on a copy."""

    def __init__(self, folder: PlantFolder, port: int) -> None:
        self.folder = folder
        self.port = port
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def standing(self) -> Standing:
        return standing_of(self.folder)

    @property
    def log(self) -> Path:
        return self.folder.root.with_name(f"{self.folder.root.name}.log")

    def start(self) -> float:
        """Until its page answers; how long that took, in seconds. Raises StorageError."""
        began_s = time.monotonic()
        command = [sys.executable, "-m", "lianji.cli.main", "run"]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LIANJI_")}
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [*command, "--plant", str(self.folder.root), "--port", "0"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
            )
        while not self._answers():
            if self._child.poll() is not None or time.monotonic() - began_s > START_S_MAX:
                raise self._not_started()
            time.sleep(POLL_S)
        return time.monotonic() - began_s

    def _answers(self) -> bool:
        running = self.folder.running()
        if running is None or self._child is None or running.pid != self._child.pid:
            return False
        try:
            status_of(self.folder)
        except LianjiError:
            return False
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _not_started(self) -> StorageError:
        said = self.log.read_text(errors="replace")[-500:]
        return StorageError(
            "drill-hub-dead",
            Text(f"A copy of the hub did not start: {said}", f"中心副本未能启动：{said}"),
            Text("See that the hub itself starts.", "请确认中心本身可以启动。"),
        )

    def status(self) -> dict[str, Any]:
        return status_of(self.folder)

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self._child is not None:
            self._child.send_signal(signal.SIGKILL)
            self._child.wait()
            self._child = None

    def stop(self) -> None:
        """A good end: all that it has is in its table then."""
        if self._child is not None:
            self._child.terminate()
            try:
                self._child.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
            self._child = None


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody has, all different."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
