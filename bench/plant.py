"""Plants to measure: generated folders, run as a person would run them, watched from outside.

Figures of a process come from ``/proc`` and hold its children too.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.peers import free_port

LIANJI = Path(sys.executable).parent / "lianji"
SITE = "bench"
FLOATS_A_SERVER = 32_768
_TICKS = os.sysconf("SC_CLK_TCK")
_END_S = 30.0


def path_of(device: int, tag: int) -> str:
    return f"{SITE}/line{device:02d}/machine{tag // 100:03d}/signal{tag % 100:02d}"


def write_plant(
    folder: Path, ports: Sequence[int], tags_each: int, device: str = "", extra: str = ""
) -> None:
    """A plant with one Modbus device a port, of float32 tags one behind the other.

    ``device`` is more lines of each device's file, ``extra`` more lines of ``lianji.toml``.
    """
    for name in ("devices", "tags"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "lianji.toml").write_text(f'[site]\nname = "{SITE}"\n[web]\nopen = true\n{extra}')
    for number, port in enumerate(ports):
        name = f"plc{number:02d}"
        (folder / "devices" / f"{name}.toml").write_text(
            f'protocol = "modbus"\nhost = "127.0.0.1"\nport = {port}\n{device}'
        )
        rows = (f"{path_of(number, tag)},{name},hr:{2 * tag},float32\n" for tag in range(tags_each))
        (folder / "tags" / f"{name}.csv").write_text("path,device,address,type\n" + "".join(rows))


@dataclass(slots=True)
class Watched:
    """A process from outside."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def pid(self) -> int:
        return self.process.pid

    def cpu_s(self) -> float:
        """Processor time of the process and all its children, living and gone."""
        return sum(_cpu_s(pid) for pid in self._family())

    def rss_mb(self) -> float:
        return sum(_status_mb(pid, "VmRSS") for pid in self._family())

    def rss_max_mb(self) -> float:
        """The highest that the process was, and its children with it."""
        return sum(_status_mb(pid, "VmHWM") for pid in self._family())

    def _family(self) -> list[int]:
        family = [self.pid]
        for pid in family:
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                family += map(int, task.read_text().split())
        return family

    def settle(self, seconds_max: float = 20.0) -> None:
        """Wait until it rests, so that what it still does costs no other's round."""
        deadline = time.monotonic() + seconds_max
        while time.monotonic() < deadline:
            before = self.cpu_s()
            time.sleep(0.3)
            if self.cpu_s() - before < 0.03:
                return

    def get(self, path: str) -> Any:
        """The JSON answer, or None where there is none yet."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            content = answer.read()
        except OSError:
            return None
        finally:
            connection.close()
        return json.loads(content) if answer.status == 200 else None

    def last(self, tag: str) -> dict[str, Any] | None:
        answer = self.get(f"/api/last?tags={quote(tag)}&format=json")
        if not answer or not answer["rows"]:
            return None
        return dict(zip(answer["columns"], answer["rows"][0], strict=True))

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def running(arguments: Sequence[str], port: int) -> Iterator[Watched]:
    """Any process, ended by its id."""
    child = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    watched = Watched(child, port)
    try:
        yield watched
    finally:
        watched.end()


@contextmanager
def lianji_run(folder: Path) -> Iterator[Watched]:
    """A real ``lianji run`` of a plant's folder, on a free port."""
    port = free_port()
    arguments = [str(LIANJI), "run", "--plant", str(folder), "--port", str(port)]
    with running(arguments, port) as watched:
        yield watched


def wait_for(condition: Callable[[], object], seconds_max: float, what: str) -> float:
    """Seconds until a condition held. Raises TimeoutError that names it."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds_max:
            raise TimeoutError(f"not within {seconds_max} s: {what}")
        time.sleep(0.01)
    return time.monotonic() - started


def _cpu_s(pid: int) -> float:
    """User and system time, its own and that of children that it has waited for: proc(5)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS


def _status_mb(pid: int, name: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0.0
    kib = next((line.split()[1] for line in lines if line.startswith(f"{name}:")), "0")
    return int(kib) * 1024 / 1e6
