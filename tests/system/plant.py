"""A plant as its users have it: a folder of files and one process, asked from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

import lianji
from tests.peers import REPO, wait_until

LIANJI = REPO / ".venv" / "bin" / "lianji"
START_S_MAX = 60.0
STOP_S_MAX = 3.0
FOREVER = (0, 4_102_444_800_000_000)
"""From 1970 to 2100."""


def lianji_program() -> str:
    """The installed command, also where the environment is another than the usual one."""
    beside = Path(sys.executable).parent / "lianji"
    return str(beside if beside.exists() else LIANJI)


@dataclass
class PlantProcess:
    """``lianji run`` on a folder. Start, ask, stop or kill, and start again."""

    folder: Path
    verb: tuple[str, ...] = ("run",)
    program: tuple[str, ...] = field(default_factory=lambda: (lianji_program(),))
    child: subprocess.Popen[bytes] | None = None
    address: str = ""
    started_s: float = 0.0
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=20, trust_env=False))

    @property
    def log(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.log")

    def start(self) -> PlantProcess:
        """Start it and wait until its page answers."""
        began_s = time.monotonic()
        command = [*self.program, *self.verb, "--plant", str(self.folder), "--port", "0"]
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._answers, START_S_MAX, f"{' '.join(command)}\n{self._said()}")
        self.started_s = time.monotonic() - began_s
        return self

    def _answers(self) -> bool:
        assert self.child is not None
        if self.child.poll() is not None:
            pytest.fail(f"the plant ended with {self.child.returncode}:\n{self._said()}")
        try:
            running = json.loads((self.folder / "data" / "running.json").read_text())
            if running["pid"] != self.child.pid:
                return False  # what a killed one left behind
            self.address = f"http://127.0.0.1:{running['port']}"
            return self.http.get(f"{self.address}/health").status_code == 200
        except (FileNotFoundError, ValueError, httpx.HTTPError):
            return False

    def _said(self) -> str:
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def kill(self) -> None:
        """As a power cut would, but for the page cache."""
        assert self.child is not None
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()
        self.child = None

    def stop(self) -> float:
        """SIGTERM; returns how long the end took. Fails if it took too long or was no good end."""
        assert self.child is not None
        began_s = time.monotonic()
        self.child.send_signal(signal.SIGTERM)
        try:
            code = self.child.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"no end after SIGTERM:\n{self._said()}")
        took_s = time.monotonic() - began_s
        self.child = None
        assert code == 0, self._said()
        assert took_s < STOP_S_MAX, f"{took_s:.1f} s to end\n{self._said()}"
        assert not (self.folder / "data" / "running.json").exists()
        return took_s

    def end(self) -> None:
        """After the test, whatever became of it."""
        self.http.close()
        if self.child is not None and self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    # -- asking ------------------------------------------------------------------------------

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self.http.get(f"{self.address}{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("/api/status")
        return found

    def device(self, name: str) -> dict[str, Any]:
        return next(device for device in self.status()["devices"] if device["name"] == name)

    def write(self, lines: str, **parameters: str) -> httpx.Response:
        """Push line protocol."""
        return self.http.post(
            f"{self.address}/api/v2/write", content=lines.encode(), params=parameters
        )

    def last(self, tag: str) -> dict[str, Any] | None:
        """The newest sample of a tag: time (ISO), value, text, quality; None if there is none."""
        answer = self.http.get(f"{self.address}/api/last", params={"tags": tag})
        if answer.status_code == 404:
            return None
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["rows"]
        return rows[0] if rows else None

    def wait_last(
        self, tag: str, condition: Callable[[dict[str, Any]], bool], timeout_s: float = 30.0
    ) -> dict[str, Any]:
        """The newest sample of a tag, once it is as wanted."""
        seen: list[dict[str, Any]] = []

        def holds() -> bool:
            row = self.last(tag)
            if row is not None:
                seen.append(row)
            return row is not None and condition(row)

        try:
            wait_until(holds, timeout_s, f"the last sample of {tag}")
        except BaseException:
            print(f"{tag} was last {seen[-1:]}; {json.dumps(self.status()['devices'])}")
            raise
        return seen[-1]

    def wait_device(
        self, name: str, condition: Callable[[dict[str, Any]], bool], timeout_s: float = 30.0
    ) -> dict[str, Any]:
        """The status of a device, once it is as wanted."""
        seen: list[dict[str, Any]] = []

        def holds() -> bool:
            seen.append(self.device(name))
            return condition(seen[-1])

        try:
            wait_until(holds, timeout_s, f"the device {name}")
        except BaseException:
            print(f"{name} was last {json.dumps(seen[-1:], ensure_ascii=False)}")
            raise
        return seen[-1]

    def read(self, *tags: str) -> list[dict[str, Any]]:
        """All samples of tags, as a notebook reads them from the folder."""
        rows: list[dict[str, Any]] = (
            lianji.open(self.folder).history.read(list(tags), *FOREVER).to_pylist()
        )
        return rows


@contextmanager
def plant_process(folder: Path, *verb: str) -> Iterator[PlantProcess]:
    """A running plant; nothing of it is left afterwards. The test itself may stop or kill it."""
    plant = PlantProcess(folder, verb or ("run",))
    try:
        yield plant.start()
    finally:
        plant.end()


def write_plant(folder: Path, flush_s: float = 0.2, **settings: str) -> Path:
    """An empty plant called ``p``. ``settings`` are more lines of a part, such as spool=..."""
    for part in ("devices", "tags", "data"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    parts = {
        "site": 'name = "p"\n',
        "web": "port = 0\nopen = true\n",
        "history": f"flush_s = {flush_s}\n",
        "spool": "",
    }
    for name, lines in settings.items():
        parts[name] = parts.get(name, "") + lines + "\n"
    text = "".join(f"[{name}]\n{lines}\n" for name, lines in parts.items())
    (folder / "lianji.toml").write_text(text)
    return folder


def write_device(folder: Path, name: str, protocol: str, **settings: Any) -> None:
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    text = "\n".join([f'protocol = "{protocol}"', *lines]) + "\n"
    (folder / "devices" / f"{name}.toml").write_text(text)


def write_tags(folder: Path, name: str, *rows: str, columns: str = "path,address,type") -> None:
    """A tag table of one device; each row is a line of CSV without the device."""
    lines = [f"device,{columns}", *(f"{name},{row}" for row in rows)]
    (folder / "tags" / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def is_good(row: dict[str, Any]) -> bool:
    return int(row["quality"]) < 0x4000


def is_bad(row: dict[str, Any]) -> bool:
    return int(row["quality"]) >= 0x8000


def lianji_command(
    *arguments: object, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run ``lianji`` with these arguments; the language is English unless said otherwise."""
    return subprocess.run(
        [lianji_program(), *map(str, arguments)],
        cwd=cwd,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("LIANJI_")},
            "LIANJI_LANG": "en",
            **environment,
        },
        capture_output=True,
        timeout=60,
        check=False,
    )
